//! `add_user`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::password::Password,
    call::Call,
    error::Error,
    http::fault::Faults,
    ids::OrganizationKind,
    model::audit::{Action, Actor, Changes},
};

use crate::{
    target::{self, ShownUser},
    values::{EmailAddress, Existing, Name, NewUser, Roles},
};

/// The user to add.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// To which organization.
    organization_id: Existing<OrganizationKind>,
    /// The address to sign in with; unique.
    email: EmailAddress,
    /// What people call them.
    display_name: Name,
    /// The first password. Left out: one is made up, and answered this once.
    #[deserr(default)]
    password: Option<Password>,
    /// What they may do.
    roles: Roles,
}

/// The new user.
#[derive(Debug, Serialize)]
pub struct Added {
    user: ShownUser,
}

/// Adds a user with roles to an organization.
///
/// # Errors
/// 422; 404; 409 `email_taken`.
pub async fn run(call: &Call, request: Request) -> Result<Added, Error> {
    let Request { organization_id, email, display_name, password, roles } = request;
    let organization = target::organization(call, organization_id.0).await?;
    let user = NewUser { email, display_name, password }
        .prepare(call, "", organization.id, roles.0)
        .await?;
    let changes = Changes::default().with("roles", None::<String>, &user.user.roles);
    let (id, actor) = (organization.id, Actor::Operator);
    let audit = call.audit(id, actor, Action::UserCreated, user.user.id, changes);
    call.store
        .create_user(&organization, &user.user, &user.password_hash, &audit, &*call.random)
        .await
        .map_err(|lost| lost.or(Error::conflict("email_taken", "The e-mail address is taken.")))?;
    Ok(Added { user: ShownUser::new(user.user, user.generated) })
}
