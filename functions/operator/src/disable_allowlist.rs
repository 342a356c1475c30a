//! `disable_allowlist`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::allowlist::{Allowlist, Rules},
    call::Call,
    error::Error,
    http::fault::Faults,
    ids::{OrganizationId, OrganizationKind},
    model::{
        allowlist::Entries,
        audit::{Action, Actor, Changes},
    },
    store::{AllowlistChange, Lost},
};

use crate::{target, values::Existing};

/// Whose allowlist.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// Whose.
    organization_id: Existing<OrganizationKind>,
}

/// The allowlist as it is now.
#[derive(Debug, Serialize)]
pub struct Disabled {
    organization_id: OrganizationId,
    enabled: bool,
}

/// Breaks the glass: turns an organization's allowlist off, whatever its mode, for one that has shut
/// itself out. Its entries stay; a compiled form that is unreadable is made anew from them.
///
/// # Errors
/// 422; 404; 409 where other changes kept coming first.
pub async fn run(call: &Call, request: Request) -> Result<Disabled, Error> {
    let id = request.organization_id.0;
    target::insist(call, async || disable(call, id).await).await?;
    Ok(Disabled { organization_id: id, enabled: false })
}

async fn disable(call: &Call, id: OrganizationId) -> Result<(), Lost> {
    let organization = target::organization(call, id).await?;
    let (before, rules) = match &organization.allowlist {
        // One that was not confirmed in its time is off already.
        Allowlist::Known(rules) => (Some(rules.is_on(call.now)), rules.clone()),
        Allowlist::Unreadable => (None, compiled_anew(call, id).await?),
    };
    if before != Some(false) {
        let rules = Rules { enabled: false, confirm_by: None, ..rules };
        let changes = Changes::default().with("enabled", before, false);
        let audit = &call.audit(id, Actor::Operator, Action::AllowlistBrokenGlass, id, changes);
        let change = AllowlistChange { organization: &organization, rules: &rules, audit };
        call.store.set_allowlist(change, &*call.random).await?;
    }
    Ok(())
}

/// The list as its entries say. Where they do not decode either, it has none: the glass has to break
/// whatever is wrong, and the list is off.
async fn compiled_anew(call: &Call, id: OrganizationId) -> Result<Rules, Error> {
    let entries = match call.store.allowlist_entries(id).await {
        Err(Error::Internal { .. }) => Vec::new(),
        read => read?,
    };
    Ok(Entries::live(entries, call.now).compiled_into(&Rules::default(), &*call.random))
}
