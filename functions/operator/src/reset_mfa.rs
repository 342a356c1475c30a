//! `reset_mfa`

use shared::{
    call::Call,
    error::Error,
    model::audit::{Action, Actor, Changes},
    store::Principal,
};

use crate::{
    disable_user::{Changed, Request},
    target::{self, ShownUser},
};

/// Takes a user's second factor away, for one who has lost it: every session of theirs ends, and
/// the next sign-in takes the password alone. Nothing is written where none is on.
///
/// # Errors
/// 422; 404.
pub async fn run(call: &Call, request: Request) -> Result<Changed, Error> {
    let Request { organization_id, user_id } = request;
    let principal = target::user(call, organization_id.0, user_id.0).await?;
    let Principal { organization, mut user } = principal;
    if user.mfa_enabled {
        let changes = Changes::default().with("mfa_enabled", true, false);
        let (id, actor) = (organization.id, Actor::Operator);
        let audit = call.audit(id, actor, Action::MfaReset, user.id, changes);
        call.store
            .reset_mfa(&organization, &user, &audit, &*call.random)
            .await
            .map_err(|lost| lost.or(Error::NotFound))?;
        user.mfa_enabled = false;
    }
    Ok(Changed { user: ShownUser::new(user, None) })
}
