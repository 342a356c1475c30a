//! `POST /api/user/password`

use deserr::Deserr;
use shared::{
    auth::{
        caller::Caller, password::Password, permissions::level::SessionWithPassword, proof::Given,
    },
    error::Error,
    http::{
        answer::NoContent,
        body::Body,
        fault::{self, Faults},
        problem::Refusals,
    },
    model::audit::{Action, Changes},
    store::{Lost, PasswordChange},
};
use utoipa::ToSchema;

/// The old password and the new.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub struct Request {
    /// The password as it is.
    current_password: Password,
    /// The password as it shall be: 15 to 128 characters, or 8 to 128 while MFA is on, and not easy
    /// to guess.
    new_password: Password,
}

/// Changes the caller's own password. Every other session of theirs ends.
///
/// # Errors
/// 403 `incorrect_password`; 429 after too many wrong ones; 422 for a new password that is too short, too long, too weak or not new;
/// those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/user/password",
    operation_id = "change_password",
    tag = "Profile",
    security(("bearer" = [])),
    request_body = Request,
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithPassword>,
    Body { value: request, .. }: Body<Request>,
) -> Result<NoContent, Error> {
    let Request { current_password, new_password } = request;
    let session = caller.session_id()?;
    let (call, user) = (&caller.call, &caller.user);
    let differs = if new_password.is_same_as(&current_password) {
        Err(Faults::new("/new_password", "unchanged", "Must differ from the current password."))
    } else {
        Ok(())
    };
    let hints = [&*user.email, &*user.display_name];
    let strength = new_password.check_new("/new_password", &hints, user.mfa_enabled);
    fault::all([differs, strength])?;
    let mut prover = caller.prover(Action::PasswordRefused);
    let mut hash = None;
    loop {
        let proof = prover.check(Given::password(&current_password)).await?;
        let hash = match &hash {
            Some(hash) => hash,
            None => hash.insert(call.passwords.hash(&new_password, &*call.random).await?),
        };
        let change = PasswordChange { hash, keep: session, proof: proof.used(call.now) };
        let audit = caller.audit(Action::PasswordChanged, user.id, Changes::default());
        let random = &*call.random;
        match call.store.change_password(&caller.organization, user, change, &audit, random).await {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // The session or the password is not what it was when this request was let in.
            Err(lost) => return Err(lost.or(Error::InvalidCredential)),
            Ok(()) => return Ok(NoContent),
        }
    }
}
