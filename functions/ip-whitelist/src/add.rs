//! `POST /api/settings/ip-whitelist`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        allowlist::{Allowlist, Rules},
        caller::Caller,
        permissions::level::SettingsWriteWithReplay,
    },
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        field::{Moment, Text},
        problem::Refusals,
        replay::Attempt,
    },
    ids::AllowlistEntryId,
    model::{
        allowlist::{Entries, Entry, MAX_ENTRIES},
        audit::{Action, Changes},
    },
    store::{AllowlistChange, Lost},
};
use utoipa::ToSchema;

use crate::{
    edit_conflict,
    list::ShownEntry,
    values::{Cidr, in_future},
};

/// What an entry is.
pub type Label = Text<1, 100>;

/// The entry to add.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = AddIpWhitelistEntry)]
pub struct Request {
    /// The network: IPv4 or IPv6, without bits set beyond its prefix. An address alone is a network
    /// of one.
    cidr: Cidr,
    /// What it is.
    #[deserr(default)]
    label: Option<Label>,
    /// When it ends (RFC 3339): in the future. Left out or `null`: never.
    #[deserr(default)]
    expires_at: Option<Moment>,
}

/// The new entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedIpWhitelistEntry)]
pub struct AddedEntry {
    #[serde(flatten)]
    entry: ShownEntry,
    /// An entry that contains this one already; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    covered_by: Option<AllowlistEntryId>,
}

/// Adds an entry to the allowlist. One that another contains is added, and told so.
///
/// # Errors
/// 409 `duplicate_entry`; 409 `limit_reached` with 1,000 entries; 409 `edit_conflict` where another
/// change came first; 422 `idempotency_key_reused`; those of every route that needs
/// `settings:write`.
#[utoipa::path(
    post,
    path = "/api/settings/ip-whitelist",
    operation_id = "add_ip_whitelist_entry",
    tag = "IP allowlist",
    security(("bearer" = ["settings:write"])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["duplicate_entry", "limit_reached", "edit_conflict"]))),
    responses((status = 201, body = Envelope<AddedEntry>), Refusals),
)]
pub async fn handler(
    caller: Caller<SettingsWriteWithReplay>,
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let path = "/api/settings/ip-whitelist";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let Request { cidr: Cidr(network), label, expires_at } = request;
    let expires_at = expires_at.map(|end| in_future(end.0, call.now)).transpose()?;
    let entries = present(&caller).await?;
    if let Err(refusal) = refuse(&entries, network) {
        return first.refused(call, refusal).await;
    }
    let covered_by = entries.covering(network).map(|entry| entry.id);
    let id = AllowlistEntryId::generate(call.now, &*call.random);
    let entry = Entry { id, network, label: label.map(|label| label.0), expires_at };
    let before = rules(&organization.allowlist)?;
    let rules = entries.with(entry.clone()).compiled_into(before, &*call.random);
    let data = AddedEntry { entry: entry.clone().into(), covered_by };
    let answer = Fixed::json(StatusCode::CREATED, &Envelope { data })?;
    let record = first.record(call, &answer)?;
    let mut changes = Changes::default().with("cidr", None::<String>, network.to_string());
    if let Some(label) = &entry.label {
        changes.push("label", None::<String>, label);
    }
    if let Some(end) = expires_at {
        changes.push("expires_at", None::<String>, end);
    }
    let audit = &caller.audit(Action::AllowlistEntryAdded, id, changes);
    let change = AllowlistChange { organization, rules: &rules, audit };
    let (user, random) = (caller.user.id, &*call.random);
    let write = call.store.add_allowlist_entry(change, &entry, user, record, random);
    match first.conclude(call, write.await, answer).await {
        Ok(answer) => Ok(answer),
        Err(Lost::Condition(_)) => {
            // What is there now may be what refuses it.
            let refused = refuse(&present(&caller).await?, network);
            first.refused(call, refused.err().unwrap_or_else(edit_conflict)).await
        }
        Err(lost) => Err(lost.or(edit_conflict())),
    }
}

/// The entries as they are now.
async fn present(caller: &Caller<SettingsWriteWithReplay>) -> Result<Entries, Error> {
    let entries = caller.call.store.allowlist_entries(caller.organization.id).await?;
    Ok(Entries::live(entries, caller.call.now))
}

fn refuse(entries: &Entries, network: ipnet::IpNet) -> Result<(), Error> {
    if let Some(entry) = entries.of(network) {
        let detail = format!("The entry {} is of this network.", entry.id);
        return Err(Error::conflict("duplicate_entry", detail));
    }
    if entries.is_full() {
        let detail = format!("The allowlist has {MAX_ENTRIES} entries. Remove one first.");
        return Err(Error::conflict("limit_reached", detail));
    }
    Ok(())
}

/// The rules of a list that has let the caller in.
pub(crate) fn rules(allowlist: &Allowlist) -> Result<&Rules, Error> {
    match allowlist {
        Allowlist::Known(rules) => Ok(rules),
        Allowlist::Unreadable => Err(Error::IpNotAllowed),
    }
}
