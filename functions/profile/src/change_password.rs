//! `POST /api/user/password`

use deserr::Deserr;
use shared::{
    auth::{
        caller::Caller,
        password::{Password, Verdict},
        permissions::level::SessionWithPassword,
    },
    error::Error,
    http::{
        answer::NoContent,
        body::Body,
        fault::{self, Faults},
        problem::Refusals,
    },
    model::audit::{Action, Changes},
};
use utoipa::ToSchema;

/// The old password and the new.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub struct Request {
    /// The password as it is.
    current_password: Password,
    /// The password as it shall be: 15 to 128 characters, and not easy to guess.
    new_password: Password,
}

/// Changes the caller's own password. Every other session of theirs ends.
///
/// # Errors
/// 403 `incorrect_password`; 422 for a new password that is too short, too long, too weak or not new;
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
    let strength = new_password.check_new("/new_password", &[&user.email, &user.display_name]);
    fault::all([differs, strength])?;
    let stored = caller.password_hash.as_deref();
    if call.passwords.verify(&current_password, stored).await? == Verdict::Wrong {
        let mut audit = caller.audit(Action::PasswordRefused, user.id, Changes::default());
        audit.reason = Some(Error::IncorrectPassword.code());
        let recorded = call.store.record(&caller.organization, &audit, &*call.random).await;
        recorded.map_err(|lost| lost.or(Error::IncorrectPassword))?;
        return Err(Error::IncorrectPassword);
    }
    let hash = call.passwords.hash(&new_password, &*call.random).await?;
    let audit = caller.audit(Action::PasswordChanged, user.id, Changes::default());
    call.store
        .change_password(&caller.organization, user, &hash, session, &audit, &*call.random)
        .await
        // The session or the password is not what it was when this request was let in.
        .map_err(|lost| lost.or(Error::InvalidCredential))?;
    Ok(NoContent)
}
