//! `DELETE /api/user-preferences/{key}`

use shared::{
    auth::{caller::Caller, permissions::level::PreferencesWrite},
    error::Error,
    http::{answer::NoContent, etag::IfMatch, path::PathKey, problem::Refusals},
    model::{
        audit::{Action, Changes},
        preferences::PreferenceKey,
    },
};

/// Deletes one of the caller's own preferences.
///
/// # Errors
/// 404; 409 `edit_conflict` or 412 where another request was faster; those of every route that
/// needs `preferences:write`.
#[utoipa::path(
    delete,
    path = "/api/user-preferences/{key}",
    operation_id = "delete_preference",
    tag = "Preferences",
    security(("bearer" = ["preferences:write"])),
    params(
        ("key" = PreferenceKey, Path),
        ("If-Match" = Option<String>, Header, description = "The preference's entity tag"),
    ),
    extensions(("x-codes" = json!(["not_found"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<PreferencesWrite>,
    PathKey(key): PathKey,
    if_match: IfMatch,
) -> Result<NoContent, Error> {
    let key = key.ok_or(Error::NotFound)?;
    let (call, organization, user) = (&caller.call, &caller.organization, caller.user.id);
    let found = call.store.preference(organization.id, user, &key, &caller.preferences).await?;
    let before = found.ok_or(Error::NotFound)?;
    if_match.check(before.etag())?;
    let changes = Changes::default().with("value", &before.value, None::<String>);
    let audit = caller.audit(Action::PreferenceDeleted, key.as_str(), changes);
    call.store
        .delete_preference(organization, user, &key, &before, &audit, &*call.random)
        .await
        .map_err(|lost| {
            lost.or(if_match.lost_race("The preference was changed meanwhile. Try again."))
        })?;
    Ok(NoContent)
}
