//! Successes. There is one type a shape, and none that could carry an error with a 200.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::etag::ETag;
use crate::error::Error;

/// `{"data": …}`: the envelope of every success that has a body.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// The thing that was asked for.
    pub data: T,
}

/// `{"data": […], "meta": {…}}`: one page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries of this page.
    pub data: Vec<T>,
    /// Where the next page is.
    pub meta: PageMeta,
}

/// Where the next page is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageMeta {
    /// The `cursor` of the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// 200 with one resource and its entity tag.
#[derive(Debug)]
pub struct Data<T> {
    data: T,
    etag: Option<ETag>,
}

impl<T> Data<T> {
    /// A resource that can be named in `If-Match`.
    pub const fn tagged(data: T, etag: ETag) -> Self {
        Self { data, etag: Some(etag) }
    }

    /// An answer that is not a resource of its own.
    pub const fn untagged(data: T) -> Self {
        Self { data, etag: None }
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        let mut response = Json(Envelope { data: self.data }).into_response();
        if let Some(etag) = self.etag {
            response.headers_mut().insert(header::ETAG, etag.into());
        }
        response
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// 200 with the entries of one page as NDJSON: one JSON text a line. Where the next page is stands
/// in `Next-Cursor`.
#[derive(Debug)]
pub struct Lines(String, Option<String>);

impl Lines {
    /// The media type.
    pub const TYPE: &'static str = "application/x-ndjson";

    /// The lines of a page.
    ///
    /// # Errors
    /// 500 where an entry does not encode.
    pub fn of<T: Serialize>(page: &Page<T>) -> Result<Self, Error> {
        let mut text = String::new();
        for entry in &page.data {
            let line = serde_json::to_string(entry)
                .map_err(|error| Error::internal(format!("an answer does not encode: {error}")))?;
            text.push_str(&line);
            text.push('\n');
        }
        Ok(Self(text, page.meta.next_cursor.clone()))
    }
}

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(Self::TYPE))];
        let mut response = (kind, self.0).into_response();
        // A cursor is base64url, which is always a header's value.
        if let Some(Ok(cursor)) = self.1.map(HeaderValue::try_from) {
            response.headers_mut().insert("next-cursor", cursor);
        }
        response
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// An answer whose bytes are fixed, because a replay has to give the same ones.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The status of the first answer.
    pub status: StatusCode,
    /// The body of the first answer.
    pub body: Vec<u8>,
    /// Whether this is the first answer or a replay of it.
    pub replayed: bool,
}

impl Fixed {
    /// A first answer.
    ///
    /// # Errors
    /// 500 where the body does not encode.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::internal(format!("an answer does not encode: {error}")))?;
        Ok(Self { status, body, replayed: false })
    }
}

impl IntoResponse for Fixed {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status, json, self.body).into_response();
        if self.replayed {
            response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}
