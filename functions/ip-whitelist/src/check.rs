//! `POST /api/settings/ip-whitelist/check`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        fault::Faults,
        problem::Refusals,
    },
    ids::AllowlistEntryId,
    model::allowlist::Entries,
};
use utoipa::ToSchema;

use crate::values::Address;

/// The address to check.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = CheckIpWhitelist)]
pub struct Request {
    /// An IPv4 or IPv6 address.
    ip: Address,
}

/// What the list says of the address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedIpAddress)]
pub struct Checked {
    /// Whether requests from it are let in while the list is enforced.
    allowed: bool,
    /// The narrowest entry that contains it; `null` where none does.
    matched_entry_id: Option<AllowlistEntryId>,
}

/// Tells whether the allowlist lets an address in: what it would do, whether it is on or not.
///
/// # Errors
/// Those of every route that needs `settings:read`.
#[utoipa::path(
    post,
    path = "/api/settings/ip-whitelist/check",
    operation_id = "check_ip_whitelist",
    tag = "IP allowlist",
    security(("bearer" = ["settings:read"])),
    request_body = Request,
    responses((status = 200, body = Envelope<Checked>), Refusals),
)]
pub async fn handler(
    caller: Caller<SettingsRead>,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<Checked>, Error> {
    let entries = caller.call.store.allowlist_entries(caller.organization.id).await?;
    let entries = Entries::live(entries, caller.call.now);
    let matched_entry_id = entries.matching(request.ip.0).map(|entry| entry.id);
    Ok(Data::untagged(Checked { allowed: matched_entry_id.is_some(), matched_entry_id }))
}
