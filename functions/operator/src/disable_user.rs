//! `disable_user`

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
    values::Existing,
};

/// Whom.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// In which organization.
    pub(crate) organization_id: Existing<OrganizationKind>,
    /// Whom.
    pub(crate) user_id: Existing<UserKind>,
}

/// The user as they are now.
#[derive(Debug, Serialize)]
pub struct Changed {
    pub(crate) user: ShownUser,
}

/// Disables a user: every session of theirs ends, and every API key is refused from the next
/// request on.
///
/// # Errors
/// 422; 404.
pub async fn run(call: &Call, request: Request) -> Result<Changed, Error> {
    set(call, request, true, Action::UserDisabled).await
}

/// Disables a user, or enables them again; nothing is written where they are that already.
pub(crate) async fn set(
    call: &Call,
    request: Request,
    disabled: bool,
    action: Action,
) -> Result<Changed, Error> {
    let Request { organization_id, user_id } = request;
    let principal = target::user(call, organization_id.0, user_id.0).await?;
    let Principal { organization, mut user } = principal;
    if user.disabled != disabled {
        let changes = Changes::default().with("disabled", user.disabled, disabled);
        let audit = call.audit(organization.id, Actor::Operator, action, user.id, changes);
        call.store
            .set_disabled(&organization, &user, disabled, &audit, &*call.random)
            .await
            .map_err(|lost| lost.or(Error::NotFound))?;
        user.disabled = disabled;
    }
    Ok(Changed { user: ShownUser::new(user, None) })
}
