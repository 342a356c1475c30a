//! `DELETE /api/user/sessions/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::Session},
    error::Error,
    http::{answer::NoContent, path::PathId, problem::Refusals},
    ids::{SessionId, SessionKind},
    model::audit::{Action, Changes},
};

/// Ends one of the caller's own sessions; it may be the present one.
///
/// # Errors
/// 404; those of every route that needs a session.
#[utoipa::path(
    delete,
    path = "/api/user/sessions/{id}",
    operation_id = "end_session",
    tag = "Sessions",
    security(("bearer" = [])),
    params(("id" = SessionId, Path)),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<Session>,
    PathId(id): PathId<SessionKind>,
) -> Result<NoContent, Error> {
    let (call, policy) = (&caller.call, caller.organization.session_policy);
    if !caller.user.live_sessions(policy, call.now).any(|(live, _)| live == id) {
        return Err(Error::NotFound);
    }
    let audit = caller.audit(Action::SessionEnded, id, Changes::default());
    call.store
        .end_session(&caller.organization, caller.user.id, id, &audit, &*call.random)
        .await
        .map_err(|lost| lost.or(Error::NotFound))?;
    if caller.session_id()? == id {
        caller.session_is_over();
    }
    Ok(NoContent)
}
