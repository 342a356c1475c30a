//! `GET /api/settings/all`

use std::collections::BTreeMap;

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// All settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct AllSettings {
    /// The IANA time zone of whoever has not chosen one.
    default_timezone: String,
    /// Whether only administrators may sign in with a password.
    require_sso: bool,
    /// Where the organization's data lies. It is set with the plan, and not here.
    data_residency: String,
    /// What is switched on or off for the organization, by name. It is set with the plan, and not
    /// here.
    feature_flags: BTreeMap<String, bool>,
}

/// Tells all settings.
#[utoipa::path(
    get,
    path = "/api/settings/all",
    operation_id = "get_all_settings",
    tag = "Settings",
    security(("bearer" = ["settings:read"])),
    responses((status = 200, body = Envelope<AllSettings>), Refusals),
)]
pub async fn handler(caller: Caller<SettingsRead>) -> Data<AllSettings> {
    let organization = caller.organization;
    let etag = organization.etag();
    let settings = AllSettings {
        default_timezone: organization.default_timezone,
        require_sso: organization.require_sso,
        data_residency: organization.data_residency,
        feature_flags: organization.feature_flags,
    };
    Data::tagged(settings, etag)
}
