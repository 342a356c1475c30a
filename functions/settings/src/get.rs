//! `GET /api/settings`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// The settings that most pages need.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// The IANA time zone of whoever has not chosen one.
    default_timezone: String,
    /// Whether only administrators may sign in with a password.
    require_sso: bool,
    /// Where the organization's data lies. It is set with the plan, and not here.
    data_residency: String,
}

/// Tells the settings that most pages need.
#[utoipa::path(
    get,
    path = "/api/settings",
    operation_id = "get_settings",
    tag = "Settings",
    security(("bearer" = ["settings:read"])),
    responses((status = 200, body = Envelope<Settings>), Refusals),
)]
pub async fn handler(caller: Caller<SettingsRead>) -> Data<Settings> {
    let organization = caller.organization;
    let etag = organization.etag();
    let settings = Settings {
        default_timezone: organization.default_timezone,
        require_sso: organization.require_sso,
        data_residency: organization.data_residency,
    };
    Data::tagged(settings, etag)
}
