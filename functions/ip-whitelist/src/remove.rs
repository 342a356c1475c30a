//! `DELETE /api/settings/ip-whitelist/{id}`

use shared::{
    auth::{allowlist::Means, caller::Caller, permissions::level::SettingsWrite},
    error::Error,
    http::{answer::NoContent, path::PathId, problem::Refusals, query::Forced},
    ids::{AllowlistEntryId, AllowlistEntryKind},
    model::{
        allowlist::Entries,
        audit::{Action, Changes},
    },
    store::AllowlistChange,
};

use crate::{add::rules, edit_conflict, would_lock_out_caller};

/// Removes an entry of the allowlist. While the list is enforced, a session needs a proof of the last
/// ten minutes for it.
///
/// # Errors
/// 404; 403 `reauthentication_required`; 409 `would_lock_out_caller` where the caller's own address
/// would be refused; 409 `edit_conflict` where another change came first; those of every route that
/// needs `settings:write`.
#[utoipa::path(
    delete,
    path = "/api/settings/ip-whitelist/{id}",
    operation_id = "remove_ip_whitelist_entry",
    tag = "IP allowlist",
    security(("bearer" = ["settings:write"])),
    params(("id" = AllowlistEntryId, Path), Forced),
    extensions(("x-codes" = json!(["reauthentication_required", "edit_conflict"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<SettingsWrite>,
    PathId(id): PathId<AllowlistEntryKind>,
    forced: Forced,
) -> Result<NoContent, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let before = rules(&organization.allowlist)?;
    let entries = call.store.allowlist_entries(organization.id).await?;
    let entries = Entries::live(entries, call.now);
    let entry = entries.get(id).ok_or(Error::NotFound)?.clone();
    if before.is_enforced(call.now) {
        caller.ensure_fresh()?;
    }
    let rules = entries.without(id).compiled_into(before, &*call.random);
    let means = Means::of(caller.credential);
    if !forced.force && rules.shuts_out(call.address, means, call.now) {
        return Err(would_lock_out_caller());
    }
    let mut changes = Changes::default().with("cidr", entry.network.to_string(), None::<String>);
    if let Some(label) = &entry.label {
        changes.push("label", label, None::<String>);
    }
    if let Some(end) = entry.expires_at {
        changes.push("expires_at", end, None::<String>);
    }
    let audit = &caller.audit(Action::AllowlistEntryRemoved, id, changes);
    let change = AllowlistChange { organization, rules: &rules, audit };
    let written = call.store.remove_allowlist_entry(change, id, &*call.random).await;
    written.map_err(|lost| lost.or(edit_conflict()))?;
    Ok(NoContent)
}
