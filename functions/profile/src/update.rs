//! `PUT /api/user/profile`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::ProfileWrite},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        etag::{ETag, IfMatch},
        fault::Faults,
        field::Change,
        problem::Refusals,
        time_zone::TimeZone,
    },
    ids::UserId,
    model::{
        audit::{Action, Changes},
        user::User,
    },
    store::ProfileUpdate,
};
use utoipa::ToSchema;

use crate::rules::{DisplayName, HttpsUrl, Locale};

/// What to change. A field that is left out keeps its value.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = UpdateProfile)]
pub struct Request {
    /// What people call the user.
    #[deserr(default)]
    #[schema(value_type = DisplayName, required = false)]
    display_name: Change<DisplayName>,
    /// An IANA time zone.
    #[deserr(default)]
    #[schema(value_type = TimeZone, required = false)]
    timezone: Change<TimeZone>,
    /// A BCP 47 language tag, as browsers tell theirs (a Unicode locale identifier).
    #[deserr(default)]
    #[schema(value_type = Locale, required = false)]
    locale: Change<Locale>,
    /// An https address of a picture; `null` takes it away.
    #[deserr(default)]
    #[schema(value_type = Option<HttpsUrl>, required = false)]
    avatar_url: Change<Option<HttpsUrl>>,
}

/// The changed profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedProfile {
    /// Who it is.
    id: UserId,
    /// The address to sign in with.
    email: String,
    /// What people call them.
    display_name: String,
    /// An IANA time zone.
    timezone: String,
    /// A BCP 47 language tag, as browsers tell theirs (a Unicode locale identifier).
    locale: String,
    /// An https address of a picture, or `null`.
    avatar_url: Option<String>,
    /// When the profile last changed.
    updated_at: Timestamp,
}

/// Changes the caller's own profile.
///
/// # Errors
/// 409 `edit_conflict` or 412 where another request was faster; those of every route that needs
/// `profile:write`.
#[utoipa::path(
    put,
    path = "/api/user/profile",
    operation_id = "update_profile",
    tag = "Profile",
    security(("bearer" = ["profile:write"])),
    request_body = Request,
    params(("If-Match" = Option<String>, Header, description = "The profile's entity tag")),
    responses((status = 200, body = Envelope<UpdatedProfile>), Refusals),
)]
pub async fn handler(
    mut caller: Caller<ProfileWrite>,
    if_match: IfMatch,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<UpdatedProfile>, Error> {
    if_match.check(caller.user.etag())?;
    let changes = apply(request, &mut caller.user);
    if changes.is_empty() {
        return Ok(answer(caller.user));
    }
    caller.user.updated_at = caller.call.now;
    let audit = caller.audit(Action::ProfileUpdated, caller.user.id, changes);
    let update = ProfileUpdate { user: &caller.user, audit: &audit };
    let written =
        caller.call.store.update_profile(&caller.organization, update, &*caller.call.random).await;
    written.map_err(|lost| {
        lost.or(if_match.lost_race("The profile was changed meanwhile. Try again."))
    })?;
    caller.user.version += 1;
    Ok(answer(caller.user))
}

fn apply(request: Request, user: &mut User) -> Changes {
    let Request { display_name, timezone, locale, avatar_url } = request;
    let mut changes = Changes::default();
    if let Some((from, to)) = display_name.apply(&mut user.display_name, |text| text.0) {
        changes.push("display_name", from, to);
    }
    if let Some((from, to)) = timezone.apply(&mut user.timezone, |zone| zone.0) {
        changes.push("timezone", from, to);
    }
    if let Some((from, to)) = locale.apply(&mut user.locale, |locale| locale.0) {
        changes.push("locale", from, to);
    }
    if let Some((from, to)) = avatar_url.apply(&mut user.avatar_url, |url| url.map(|url| url.0)) {
        changes.push("avatar_url", from, to);
    }
    changes
}

fn answer(user: User) -> Data<UpdatedProfile> {
    let etag: ETag = user.etag();
    let profile = UpdatedProfile {
        id: user.id,
        email: user.email,
        display_name: user.display_name,
        timezone: user.timezone,
        locale: user.locale,
        avatar_url: user.avatar_url,
        updated_at: user.updated_at,
    };
    Data::tagged(profile, etag)
}
