//! `POST /api/settings/ip-whitelist/confirm`

use shared::{
    auth::{allowlist::Rules, caller::Caller, permissions::level::SettingsWrite},
    error::Error,
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    model::audit::{Action, Changes},
    store::AllowlistChange,
};

use crate::{add::rules, edit_conflict, toggle::Toggled};

/// Confirms an enforcement that would turn itself off: that this request has come through shows that
/// somebody still can.
///
/// # Errors
/// 409 `nothing_to_confirm` where no enforcement waits for it, or its time is over; 409
/// `would_lock_out_caller` from an address that is not on the list, where the list does not apply to the
/// caller's kind of credential; 409 `edit_conflict` where another change came first; those of every
/// route that needs `settings:write`.
#[utoipa::path(
    post,
    path = "/api/settings/ip-whitelist/confirm",
    operation_id = "confirm_ip_whitelist",
    tag = "IP allowlist",
    security(("bearer" = ["settings:write"])),
    extensions(("x-codes" = json!(["nothing_to_confirm", "would_lock_out_caller", "edit_conflict"]))),
    responses((status = 200, body = Envelope<Toggled>), Refusals),
)]
pub async fn handler(mut caller: Caller<SettingsWrite>) -> Result<Data<Toggled>, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let before = rules(&organization.allowlist)?;
    if before.confirm_by.is_none() || !before.is_enforced(call.now) {
        let detail = "No enforcement waits to be confirmed.";
        return Err(Error::conflict("nothing_to_confirm", detail));
    }
    if !before.has(call.address, call.now) {
        let detail = "Your own address is not on the list. Confirm from one that is.";
        return Err(Error::conflict("would_lock_out_caller", detail));
    }
    let after = Rules { confirm_by: None, ..before.clone() };
    let changes = Changes::default().with("confirm_by", before.confirm_by, after.confirm_by);
    let audit = &caller.audit(Action::AllowlistConfirmed, organization.id, changes);
    let change = AllowlistChange { organization, rules: &after, audit };
    let written = call.store.set_allowlist(change, &*call.random).await;
    written.map_err(|lost| lost.or(edit_conflict()))?;
    caller.organization.updated_at = call.now;
    Ok(Toggled::answer(&caller.organization, &after))
}
