//! A user's API keys.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod regenerate;

use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
#[must_use]
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::handler, create::handler))
        .routes(routes!(get::handler, delete::handler))
        .routes(routes!(regenerate::handler))
}
