//! `change_roles`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    call::Call,
    error::Error,
    http::fault::Faults,
    ids::{OrganizationKind, UserKind},
    model::audit::{Action, Actor, Changes},
    store::Principal,
};

use crate::{
    target::{self, ShownUser},
    values::{Existing, Roles},
};

/// Whose roles, and which.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// In which organization.
    organization_id: Existing<OrganizationKind>,
    /// Whose.
    user_id: Existing<UserKind>,
    /// What they may do from now on.
    roles: Roles,
}

/// The user as they are now.
#[derive(Debug, Serialize)]
pub struct Changed {
    user: ShownUser,
}

/// Replaces a user's roles. It holds from the next request on, for their API keys too.
///
/// # Errors
/// 422; 404; 409 where another command was faster.
pub async fn run(call: &Call, request: Request) -> Result<Changed, Error> {
    let Request { organization_id, user_id, roles: Roles(roles) } = request;
    let principal = target::user(call, organization_id.0, user_id.0).await?;
    let Principal { organization, mut user } = principal;
    if user.roles != roles {
        let changes = Changes::default().with("roles", &user.roles, &roles);
        let (id, actor) = (organization.id, Actor::Operator);
        let audit = call.audit(id, actor, Action::RolesChanged, user.id, changes);
        call.store
            .change_roles(&organization, &user, &roles, &audit, &*call.random)
            .await
            .map_err(|lost| lost.or(target::overtaken()))?;
        user.roles = roles;
    }
    Ok(Changed { user: ShownUser::new(user, None) })
}
