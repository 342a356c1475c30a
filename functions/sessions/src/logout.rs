//! `POST /api/logout`

use shared::{
    auth::{caller::Caller, permissions::level::Session},
    error::Error,
    http::{answer::NoContent, problem::Refusals},
    model::audit::{Action, Changes},
};

/// Ends the session that the request is made in.
///
/// # Errors
/// Those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/logout",
    operation_id = "logout",
    tag = "Sessions",
    security(("bearer" = [])),
    responses((status = 204), Refusals),
)]
pub async fn handler(caller: Caller<Session>) -> Result<NoContent, Error> {
    let session = caller.session_id()?;
    let audit = caller.audit(Action::SessionEnded, session, Changes::default());
    caller
        .call
        .store
        .end_session(&caller.organization, caller.user.id, session, &audit, &*caller.call.random)
        .await
        // Another request ended the session after this one was let in.
        .map_err(|lost| lost.or(Error::InvalidCredential))?;
    caller.session_is_over();
    Ok(NoContent)
}
