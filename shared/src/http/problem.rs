//! RFC 9457 problem documents: the body of every refusal.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body,
    http::{HeaderValue, Response, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{self, RefOr},
};

use super::fault::Fault;
use crate::error::Error;

/// How long a caller should wait before it tries again what was refused for want of capacity, in
/// seconds.
const RETRY_AFTER_SECONDS: u16 = 2;

/// The body of every answer that is not a success (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem.
    pub r#type: String,
    /// The kind of problem, for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This problem, for people.
    pub detail: String,
    /// The kind of problem, stable and for programs.
    pub code: &'static str,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: String,
    /// Every fault of the request, where the problem is its content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl Problem {
    /// The document for `error`.
    #[must_use]
    pub fn new(error: &Error, request_id: &str) -> Self {
        let public = error.public();
        Self {
            r#type: format!("https://docs.planasonix.com/problems/{}", public.code),
            title: public.title,
            status: public.status.as_u16(),
            detail: public.detail.into_owned(),
            code: public.code,
            request_id: request_id.to_owned(),
            errors: error
                .faults()
                .cloned()
                .map(super::fault::Faults::into_sorted)
                .unwrap_or_default(),
        }
    }
}

/// The error that an answer stands for, until the boundary has logged it and written its body.
#[derive(Clone)]
pub(crate) struct Refusal(pub(crate) std::sync::Arc<Error>);

impl IntoResponse for Error {
    /// An answer without a body: only the boundary knows the request's id, and writes it.
    fn into_response(self) -> Response<Body> {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Refusal(self.into()));
        response
    }
}

/// Writes the body and headers of a refusal.
pub(crate) fn write(response: &mut Response<Body>, error: &Error, request_id: &str) {
    let (mut parts, body) = Json(Problem::new(error, request_id)).into_response().into_parts();
    let problem = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, problem);
    match error {
        Error::Unavailable { .. } => {
            parts.headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        Error::TooManyAttempts { retry_after } | Error::RateLimited { retry_after } => {
            parts.headers.insert(header::RETRY_AFTER, (*retry_after).into());
        }
        _ if error.status() == axum::http::StatusCode::UNAUTHORIZED => {
            parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
}

/// What every route can answer besides its successes, for the OpenAPI document.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let texts = [
            ("400", "The body is not JSON, or the query or a header is malformed."),
            ("401", "There is no valid credential."),
            (
                "403",
                "The address, the scopes, the roles or the kind of credential do not admit this.",
            ),
            ("404", "There is no such resource, or it is another tenant's."),
            ("409", "The request contradicts the present state."),
            ("412", "`If-Match` names another version."),
            ("413", "The body has over 65,536 bytes."),
            ("415", "The body is not declared as JSON."),
            ("422", "The body has faults; all of them are listed."),
            ("429", "Too many attempts have failed; see `Retry-After`."),
            ("503", "The service cannot do this right now; see `Retry-After`."),
        ];
        let problem = || openapi::Ref::from_schema_name("Problem");
        texts
            .into_iter()
            .map(|(status, text)| {
                let content = openapi::ContentBuilder::new().schema(Some(problem())).build();
                let response = openapi::ResponseBuilder::new()
                    .description(text)
                    .content("application/problem+json", content)
                    .build();
                (status.to_owned(), response.into())
            })
            .collect()
    }
}
