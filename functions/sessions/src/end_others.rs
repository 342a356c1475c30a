//! `DELETE /api/user/sessions`

use shared::{
    auth::{caller::Caller, permissions::level::Session},
    error::Error,
    http::{answer::NoContent, problem::Refusals},
    model::audit::{Action, Changes},
};

/// Ends all of the caller's own sessions but the present one.
///
/// # Errors
/// Those of every route that needs a session.
#[utoipa::path(
    delete,
    path = "/api/user/sessions",
    operation_id = "end_other_sessions",
    tag = "Sessions",
    security(("bearer" = [])),
    responses((status = 204), Refusals),
)]
pub async fn handler(caller: Caller<Session>) -> Result<NoContent, Error> {
    let (call, keep) = (&caller.call, caller.session_id()?);
    let ended: Vec<_> = caller.user.sessions.keys().filter(|id| **id != keep).collect();
    let changes = Changes::default().with("sessions", ended, Vec::<String>::new());
    let audit = caller.audit(Action::OtherSessionsEnded, caller.user.id, changes);
    call.store
        .end_other_sessions(&caller.organization, &caller.user, keep, &audit, &*call.random)
        .await
        .map_err(|lost| lost.or(Error::InvalidCredential))?;
    Ok(NoContent)
}
