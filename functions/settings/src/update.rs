//! `PUT /api/settings`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsWrite},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        etag::IfMatch,
        fault::Faults,
        field::Change,
        problem::Refusals,
        time_zone::TimeZone,
    },
    model::{
        audit::{Action, Changes},
        organization::Organization,
    },
};
use utoipa::ToSchema;

/// The plan's feature that lets an organization require single sign-on.
const SSO: &str = "sso";

/// What to change. A field that is left out keeps its value.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = UpdateSettings)]
pub struct Request {
    /// The IANA time zone of whoever has not chosen one.
    #[deserr(default)]
    #[schema(value_type = TimeZone, required = false)]
    default_timezone: Change<TimeZone>,
    /// Whether only administrators may sign in with a password. Turning it on takes the plan's feature
    /// `sso`, and in a session a recent proof.
    #[deserr(default)]
    #[schema(value_type = bool, required = false)]
    require_sso: Change<bool>,
}

/// The changed settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedSettings {
    /// The IANA time zone of whoever has not chosen one.
    default_timezone: String,
    /// Whether only administrators may sign in with a password.
    require_sso: bool,
    /// When the organization last changed.
    updated_at: Timestamp,
}

/// Changes the settings. Required single sign-on holds for the next sign-in with a password; who is
/// signed in stays so, and administrators are the way back.
///
/// # Errors
/// 403 `feature_not_available` where the plan has no single sign-on; 403 `reauthentication_required`; 409
/// `edit_conflict` or 412 where another request was faster; those of every route that needs
/// `settings:write`.
#[utoipa::path(
    put,
    path = "/api/settings",
    operation_id = "update_settings",
    tag = "Settings",
    security(("bearer" = ["settings:write"])),
    request_body = Request,
    params(("If-Match" = Option<String>, Header, description = "The settings' entity tag")),
    extensions(("x-codes" = json!(["feature_not_available", "reauthentication_required"]))),
    responses((status = 200, body = Envelope<UpdatedSettings>), Refusals),
)]
pub async fn handler(
    mut caller: Caller<SettingsWrite>,
    if_match: IfMatch,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<UpdatedSettings>, Error> {
    if_match.check(caller.organization.etag())?;
    let before = caller.organization.require_sso;
    let changes = apply(request, &mut caller.organization);
    if changes.is_empty() {
        return Ok(answer(caller.organization));
    }
    let organization = &caller.organization;
    if organization.require_sso && !before {
        if !organization.features.iter().any(|feature| feature == SSO) {
            return Err(Error::FeatureNotAvailable("Your plan has no single sign-on.".into()));
        }
        // Whoever finds an open session could shut all others out.
        caller.ensure_fresh()?;
    }
    let audit = caller.audit(Action::SettingsUpdated, organization.id, changes);
    let written =
        caller.call.store.update_settings(organization, &audit, &*caller.call.random).await;
    written.map_err(|lost| {
        lost.or(if_match.lost_race("The settings were changed meanwhile. Try again."))
    })?;
    caller.organization.version += 1;
    caller.organization.updated_at = caller.call.now;
    Ok(answer(caller.organization))
}

fn apply(request: Request, organization: &mut Organization) -> Changes {
    let Request { default_timezone, require_sso } = request;
    let mut changes = Changes::default();
    let zone = default_timezone.apply(&mut organization.default_timezone, |zone| zone.0);
    if let Some((from, to)) = zone {
        changes.push("default_timezone", from, to);
    }
    if let Some((from, to)) = require_sso.apply(&mut organization.require_sso, |it| it) {
        changes.push("require_sso", from, to);
    }
    changes
}

fn answer(organization: Organization) -> Data<UpdatedSettings> {
    let etag = organization.etag();
    let settings = UpdatedSettings {
        default_timezone: organization.default_timezone,
        require_sso: organization.require_sso,
        updated_at: organization.updated_at,
    };
    Data::tagged(settings, etag)
}
