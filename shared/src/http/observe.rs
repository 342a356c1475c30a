//! The boundary: every request gets an id and the headers that all answers share, every failure is
//! logged once, and every request leaves one line.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, header},
    middleware::{self, Next},
};
use lambda_http::{Context, request::RequestContext};

use super::problem::{self, Refusal};
use crate::{
    auth::{
        caller::Credential,
        rate::{Rate, WINDOW_SECONDS},
    },
    call::{App, Call},
    error::Error,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// When the session ends that the request was made in, if it is not used again.
const SESSION_IDLE_EXPIRES: HeaderName = HeaderName::from_static("session-idle-expires");
/// When it ends whatever happens.
const SESSION_EXPIRES: HeaderName = HeaderName::from_static("session-expires");
/// How many requests a credential may make.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How many more it may make now.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// How much of a user agent is looked at, in bytes.
const MAX_USER_AGENT: usize = 512;

/// Puts the boundary around a function's routes.
pub fn observed(router: Router, app: App) -> Router {
    router
        .fallback(|| async { Error::NotFound })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(middleware::from_fn_with_state(app, observe))
}

async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response<Body> {
    let started = started();
    let call = call(&app, &request);
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(call.clone());
    let mut response = next.run(request).await;
    if let Some(Refusal(error)) = response.extensions_mut().remove::<Refusal>() {
        report(&call, &error);
        problem::write(&mut response, &error, &call.request_id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    tell_expiries(&call, &mut response);
    tell_rate(&call, &mut response);
    log(&call, &method, path.as_ref().map_or("-", MatchedPath::as_str), response.status(), started);
    response
}

#[expect(clippy::disallowed_methods, reason = "a duration for the log; nothing decides by it")]
fn started() -> std::time::Instant {
    std::time::Instant::now()
}

/// What the gateway says of the request. The address is the connection's, which no client can
/// choose; `X-Forwarded-For`, which it can, is never read.
fn call(app: &App, request: &Request) -> Call {
    let extensions = request.extensions();
    let request_id = extensions.get::<Context>().map_or("-", |context| &context.request_id);
    let address: Option<IpAddr> = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.http.source_ip.as_deref().and_then(|text| text.parse().ok())
        }
        _ => None,
    };
    let user_agent =
        request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| &text[..text.len().min(MAX_USER_AGENT)]);
    Call::new(app, request_id, address, user_agent)
}

/// Tells a page when its session ends, so that it can warn its user. A 401 is for a session that
/// is over, though it may have been alive when the request came.
fn tell_expiries(call: &Call, response: &mut Response<Body>) {
    let Some(expiries) = call.trace().expiries() else { return };
    if response.status() == StatusCode::UNAUTHORIZED {
        return;
    }
    let told = [(SESSION_IDLE_EXPIRES, expiries.idle), (SESSION_EXPIRES, expiries.absolute)];
    for (name, moment) in told {
        if let Ok(value) = HeaderValue::from_str(&moment.to_string()) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Tells a program how many requests it may make (draft-ietf-httpapi-ratelimit-headers).
fn tell_rate(call: &Call, response: &mut Response<Body>) {
    let Some(Rate { limit, remaining, reset_seconds }) = call.trace().rate.get() else { return };
    let told = [
        (RATE_LIMIT_POLICY, format!("\"credential\";q={limit};w={WINDOW_SECONDS}")),
        (RATE_LIMIT, format!("\"credential\";r={remaining};t={reset_seconds}")),
    ];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn report(call: &Call, error: &Arc<Error>) {
    let id = &*call.request_id;
    match &**error {
        Error::Internal { cause } => tracing::error!(request_id = id, %cause, "failed"),
        Error::Unavailable { cause } => tracing::warn!(request_id = id, %cause, "unavailable"),
        _ => {}
    }
}

/// The request's one line, of at most 300 bytes: ingestion costs more than computing.
fn log(call: &Call, method: &Method, path: &str, status: StatusCode, started: std::time::Instant) {
    let trace = call.trace();
    let (organization, credential) = match trace.identity.get() {
        Some((organization, Credential::Session(id))) => (organization.to_string(), id.to_string()),
        Some((organization, Credential::ApiKey(id, _))) => {
            (organization.to_string(), id.to_string())
        }
        None => (String::new(), String::new()),
    };
    let organization = (!organization.is_empty()).then_some(organization);
    let credential = (!credential.is_empty()).then_some(credential);
    tracing::info!(
        id = &*call.request_id,
        route = format_args!("{method} {path}"),
        status = status.as_u16(),
        org = organization,
        cred = credential,
        ms = rounded(started.elapsed().as_secs_f64() * 1000.0),
        calls = trace.meter.calls(),
        units = trace.meter.units(),
        touch = trace.touched.load(Ordering::Relaxed).then_some(true),
    );
}

fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 100.0).round() / 100.0
}
