//! `GET /api/settings/ip-whitelist`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    clock::Timestamp,
    error::Error,
    http::{answer::Page, cursor::List, problem::Refusals, query::Paging},
    ids::AllowlistEntryId,
    model::allowlist::Entry,
};
use utoipa::ToSchema;

/// An entry of the allowlist.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IpWhitelistEntry)]
pub struct ShownEntry {
    /// Which entry.
    id: AllowlistEntryId,
    /// The network.
    cidr: String,
    /// What it is; `null` where nobody has said.
    label: Option<String>,
    /// When it was added.
    created_at: Timestamp,
    /// When it ends; `null` where it does not.
    expires_at: Option<Timestamp>,
}

impl From<Entry> for ShownEntry {
    fn from(entry: Entry) -> Self {
        let Entry { id, network, label, expires_at } = entry;
        let created_at = id.created_at();
        Self { id, cidr: network.to_string(), label, created_at, expires_at }
    }
}

/// Lists the entries of the allowlist that have not ended, newest first.
///
/// # Errors
/// 400 `invalid_cursor`; those of every route that needs `settings:read`.
#[utoipa::path(
    get,
    path = "/api/settings/ip-whitelist",
    operation_id = "list_ip_whitelist",
    tag = "IP allowlist",
    security(("bearer" = ["settings:read"])),
    params(Paging),
    responses((status = 200, body = Page<ShownEntry>), Refusals),
)]
pub async fn handler(
    caller: Caller<SettingsRead>,
    paging: Paging,
) -> Result<Page<ShownEntry>, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let list = List { key: &organization.cursor_key, scope: &["ip-whitelist"] };
    let after = list.after(&paging)?;
    let after = after.map(|text| text.parse().map_err(|_| Error::InvalidCursor)).transpose()?;
    // One more than the page has tells whether another page follows.
    let count = paging.limit + 1;
    let store = &call.store;
    let entries = store.newest_allowlist_entries(organization.id, after, count, call.now).await?;
    list.page(entries.into_iter(), &paging, |entry| entry.id.to_string(), ShownEntry::from)
}
