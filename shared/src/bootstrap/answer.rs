//! Answers as the gateway takes them. `lambda_http` would convert a body from any character set that a
//! header names, and brings the tables for it; every answer here is UTF-8 or binary already.

use std::pin::Pin;

use axum::body;
use lambda_http::{Body, Response};

/// An answer that is still in parts, as a router gives it.
pub(super) struct Answer(pub(super) Response<body::Body>);

impl lambda_http::IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(async move {
            let (mut parts, body) = self.0.into_parts();
            let body = match body::to_bytes(body, usize::MAX).await {
                Ok(bytes) => String::from_utf8(bytes.into())
                    .map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text),
                // A body that is made as it is read could fail; none here is.
                Err(error) => {
                    tracing::error!(%error, "an answer has no end");
                    parts.status = lambda_http::http::StatusCode::INTERNAL_SERVER_ERROR;
                    Body::Empty
                }
            };
            Response::from_parts(parts, body)
        })
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::{IntoResponse as _, http::StatusCode};

    use super::*;

    async fn converted(status: StatusCode, body: impl Into<body::Body>) -> Response<Body> {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert("x-request-id", "id".parse().unwrap());
        Answer(response).into_response().await
    }

    #[tokio::test]
    async fn text_stays_text_and_what_is_none_is_binary() {
        let text = converted(StatusCode::CREATED, "{\"name\":\"Zoë\"}").await;
        assert_eq!(text.status(), StatusCode::CREATED);
        assert_eq!(text.headers()["x-request-id"], "id");
        assert_eq!(*text.body(), Body::Text("{\"name\":\"Zoë\"}".to_owned()));
        let empty = converted(StatusCode::NO_CONTENT, body::Body::empty()).await;
        assert_eq!(*empty.body(), Body::Text(String::new()));
        let binary = converted(StatusCode::OK, vec![0xff, 0]).await;
        assert_eq!(*binary.body(), Body::Binary(vec![0xff, 0]));
    }
}
