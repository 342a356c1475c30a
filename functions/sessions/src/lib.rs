//! Signing in and out, and the sessions that come of it.

pub mod end;
pub mod end_others;
pub mod list;
pub mod login;
pub mod logout;

use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
#[must_use]
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(login::handler))
        .routes(routes!(logout::handler))
        .routes(routes!(list::handler, end_others::handler))
        .routes(routes!(end::handler))
}
