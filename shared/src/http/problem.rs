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

use super::{fault::Fault, kind::Kind};
use crate::error::Error;

/// How long a caller should wait before it tries again what was refused for want of capacity, in
/// seconds.
const RETRY_AFTER_SECONDS: u16 = 2;

/// The page that explains every kind of problem, each at its code. Relative to the service, so that it
/// is there wherever the service is deployed; a program tells problems apart by `code`.
pub const PAGE: &str = "/problems";

/// The body of every answer that is not a success (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI reference to what is said of the kind of problem: `/problems#` and the code.
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
        Self {
            r#type: format!("{PAGE}#{}", error.code()),
            title: error.title(),
            status: error.status().as_u16(),
            detail: error.detail().into_owned(),
            code: error.code(),
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

/// The refusals that no route is without. Which others there are follows from the handler's arguments,
/// and the handler's own stand beside its path as `x-codes`; see [`super::contract`].
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let response = |kind: Kind| {
            let response = openapi::Response::new(kind.cause());
            (kind.status().as_u16().to_string(), response.into())
        };
        [Kind::Internal, Kind::Unavailable].map(response).into()
    }
}
