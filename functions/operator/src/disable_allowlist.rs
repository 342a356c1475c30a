//! `disable_allowlist`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::allowlist::Allowlist,
    call::Call,
    error::Error,
    http::fault::Faults,
    ids::{OrganizationId, OrganizationKind},
    model::audit::{Action, Actor, Changes},
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

/// Breaks the glass: turns an organization's allowlist off, for one that has shut itself out. Its
/// entries stay.
///
/// # Errors
/// 422; 404; 409 where another command was faster.
pub async fn run(call: &Call, request: Request) -> Result<Disabled, Error> {
    let organization = target::organization(call, request.organization_id.0).await?;
    let id = organization.id;
    if organization.allowlist != Allowlist::Off {
        let readable = organization.allowlist != Allowlist::Unreadable;
        let changes = Changes::default().with("enabled", readable.then_some(true), false);
        let audit = call.audit(id, Actor::Operator, Action::AllowlistBrokenGlass, id, changes);
        call.store
            .turn_allowlist_off(&organization, &audit, &*call.random)
            .await
            .map_err(|lost| lost.or(target::overtaken()))?;
    }
    Ok(Disabled { organization_id: id, enabled: false })
}
