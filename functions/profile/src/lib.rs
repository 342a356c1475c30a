//! The signed-in user's profile and password.

pub mod change_password;
pub mod get;
pub mod rules;
pub mod update;

use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
#[must_use]
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get::handler, update::handler))
        .routes(routes!(change_password::handler))
}
