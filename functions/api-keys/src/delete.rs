//! `DELETE /api/user/api-keys/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::Session},
    error::Error,
    http::{answer::NoContent, etag::IfMatch, path::PathId, problem::Refusals},
    ids::{ApiKeyId, ApiKeyKind},
    model::audit::{Action, Changes},
};

/// Deletes one of the caller's own API keys. No request that begins after the answer is let in by
/// it, on any instance.
///
/// # Errors
/// 404; 412; those of every route that needs a session.
#[utoipa::path(
    delete,
    path = "/api/user/api-keys/{id}",
    operation_id = "delete_api_key",
    tag = "API keys",
    security(("bearer" = [])),
    params(
        ("id" = ApiKeyId, Path),
        ("If-Match" = Option<String>, Header, description = "The key's entity tag"),
    ),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<Session>,
    PathId(id): PathId<ApiKeyKind>,
    if_match: IfMatch,
) -> Result<NoContent, Error> {
    let call = &caller.call;
    let key = caller.user.live_api_key(id, call.now)?;
    if_match.check(key.etag())?;
    let changes = Changes::default().with("name", &key.name, None::<String>);
    let audit = caller.audit(Action::ApiKeyDeleted, id, changes);
    call.store
        .delete_api_key(&caller.organization, caller.user.id, id, key, &audit, &*call.random)
        .await
        .map_err(|lost| lost.or(if_match.lost_race("The key was changed meanwhile. Try again.")))?;
    Ok(NoContent)
}
