//! The organization and what its plan entitles it to. Everything here is in the items that let
//! the request in, so no answer costs a further read.

pub mod features;
pub mod get;
pub mod limits;
pub mod subscription;

use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
#[must_use]
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get::handler))
        .routes(routes!(features::handler))
        .routes(routes!(limits::handler))
        .routes(routes!(subscription::handler))
}
