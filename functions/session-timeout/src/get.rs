//! `GET /api/user/session-timeout`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// How long sessions live.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionTimeout {
    /// Minutes without a request after which a session ends.
    idle_timeout_minutes: u32,
    /// Minutes after which a session ends whatever happens.
    absolute_timeout_minutes: u32,
    /// Whether a request counts as activity. Where none does, the idle time runs from the sign-in,
    /// or from the last request that counted.
    extend_on_activity: bool,
}

/// Tells how long the sessions of the caller's organization live.
#[utoipa::path(
    get,
    path = "/api/user/session-timeout",
    operation_id = "get_session_timeout",
    tag = "Session timeout",
    security(("bearer" = ["settings:read"])),
    responses((status = 200, body = Envelope<SessionTimeout>), Refusals),
)]
pub async fn handler(caller: Caller<SettingsRead>) -> Data<SessionTimeout> {
    let policy = caller.organization.session_policy;
    let timeout = SessionTimeout {
        idle_timeout_minutes: policy.idle_timeout_minutes,
        absolute_timeout_minutes: policy.absolute_timeout_minutes,
        extend_on_activity: policy.extend_on_activity,
    };
    Data::tagged(timeout, caller.organization.etag())
}
