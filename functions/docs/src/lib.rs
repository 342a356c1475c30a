//! The service's reference: the OpenAPI document, a page that shows it and tries it out, and the page
//! of problems. All of it is in the binary, and none of it asks another host for anything.

use std::io::Read as _;

use flate2::read::GzDecoder;
use lambda_http::{
    Body, Error, Request, RequestExt as _, Response,
    http::{HeaderMap, Method, StatusCode, header, response::Builder},
    request::RequestContext,
};

/// A file, compressed.
struct File {
    path: &'static str,
    kind: &'static str,
    tag: &'static str,
    gzip: &'static [u8],
}

/// The files that the build script has laid down.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The paths that are served, as routes have them.
pub const ROUTES: [&str; 4] = ["/docs", "/docs/{file}", "/openapi.json", "/problems"];

/// The page may load and call what is its own origin's, and run no script but its files: neither a
/// fault of the reference's library nor text of the document can send a token elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Five minutes: then it is asked whether it has changed.
const CACHE: &str = "public, max-age=300";

/// Answers a request.
///
/// # Errors
/// Where a file is not what the build script has written.
pub fn answer(request: &Request) -> Result<Response<Body>, Error> {
    let Some(file) = FILES.iter().find(|file| file.path == path(request)) else {
        return refusal(request, StatusCode::NOT_FOUND);
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return refusal(request, StatusCode::METHOD_NOT_ALLOWED);
    }
    let builder = begin(request)
        .header(header::CACHE_CONTROL, CACHE)
        .header(header::ETAG, file.tag)
        .header(header::VARY, header::ACCEPT_ENCODING.as_str());
    if is_known(request.headers(), file.tag) {
        return Ok(builder.status(StatusCode::NOT_MODIFIED).body(Body::Empty)?);
    }
    let builder = builder.header(header::CONTENT_TYPE, file.kind);
    let takes_gzip = takes_gzip(request.headers());
    let builder =
        if takes_gzip { builder.header(header::CONTENT_ENCODING, "gzip") } else { builder };
    let body = match (request.method() == Method::HEAD, takes_gzip) {
        (true, _) => Body::Empty,
        (false, true) => Body::Binary(file.gzip.to_vec()),
        (false, false) => {
            let mut text = String::new();
            GzDecoder::new(file.gzip).read_to_string(&mut text)?;
            Body::Text(text)
        }
    };
    Ok(builder.body(body)?)
}

/// The path, without the stage that API Gateway puts before it.
fn path(request: &Request) -> &str {
    let path = request.uri().path();
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The headers of every answer.
fn begin(request: &Request) -> Builder {
    let id = request.lambda_context_ref().map_or("-", |context| context.request_id.as_str());
    Response::builder()
        .header("x-request-id", id)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
}

/// A problem document in the form of all others.
fn refusal(request: &Request, status: StatusCode) -> Result<Response<Body>, Error> {
    let (code, title, detail) = if status == StatusCode::NOT_FOUND {
        ("not_found", "Not found", "There is no such resource.")
    } else {
        ("method_not_allowed", "Method not allowed", "The path has other methods; see `Allow`.")
    };
    let id = request.lambda_context_ref().map_or("-", |context| context.request_id.as_str());
    let body = format!(
        "{{\"type\":\"/problems#{code}\",\"title\":\"{title}\",\"status\":{},\"detail\":\"{detail}\",\
         \"code\":\"{code}\",\"request_id\":\"{id}\"}}",
        status.as_u16()
    );
    let builder = begin(request)
        .status(status)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_TYPE, "application/problem+json");
    let builder = if status == StatusCode::METHOD_NOT_ALLOWED {
        builder.header(header::ALLOW, "GET,HEAD")
    } else {
        builder
    };
    Ok(builder.body(Body::Text(body))?)
}

/// Whether the client has the file already (RFC 9110, 13.1.2: compared weakly).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    tags.any(|it| it.trim() == "*" || it.trim().trim_start_matches("W/") == &tag[2..])
}

/// Whether the client takes gzip (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}
