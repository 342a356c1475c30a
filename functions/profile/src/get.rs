//! `GET /api/user/profile`

use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        permissions::{Role, level::ProfileRead},
    },
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    ids::{OrganizationId, UserId},
};
use utoipa::ToSchema;

/// The signed-in user.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
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
    /// Whose user it is.
    organization_id: OrganizationId,
    /// What they may do.
    roles: Vec<Role>,
}

/// Tells the caller's own profile.
#[utoipa::path(
    get,
    path = "/api/user/profile",
    operation_id = "get_profile",
    tag = "Profile",
    security(("bearer" = ["profile:read"])),
    responses((status = 200, body = Envelope<Profile>), Refusals),
)]
pub async fn handler(caller: Caller<ProfileRead>) -> Data<Profile> {
    let etag = caller.user.etag();
    let user = caller.user;
    let profile = Profile {
        id: user.id,
        email: user.email,
        display_name: user.display_name,
        timezone: user.timezone,
        locale: user.locale,
        avatar_url: user.avatar_url,
        organization_id: user.organization_id,
        roles: user.roles,
    };
    Data::tagged(profile, etag)
}
