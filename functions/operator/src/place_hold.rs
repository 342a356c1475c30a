//! `place_hold`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    call::Call,
    error::Error,
    http::fault::Faults,
    ids::{OrganizationId, OrganizationKind},
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        retention::{Hold, LogKind, MAX_HOLDS},
    },
};

use crate::{
    target,
    values::{Case, Existing},
};

/// What to hold.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// Whose.
    pub(crate) organization_id: Existing<OrganizationKind>,
    /// Which logs.
    pub(crate) kind: LogKind,
    /// For which case. Different cases hold apart.
    pub(crate) case: Case,
}

/// The organization's holds as they are now.
#[derive(Debug, Serialize)]
pub struct Held {
    organization_id: OrganizationId,
    holds: Vec<Hold>,
}

impl From<Organization> for Held {
    fn from(Organization { id, holds, .. }: Organization) -> Self {
        Self { organization_id: id, holds }
    }
}

/// Puts an organization's logs of a kind under a legal hold: however old they get, the sweep leaves
/// them until every case has released them.
///
/// # Errors
/// 422; 404; 409 where another command was faster, or the organization has as many holds as it may.
pub async fn run(call: &Call, request: Request) -> Result<Held, Error> {
    let Request { organization_id, kind, case } = request;
    let mut organization = target::organization(call, organization_id.0).await?;
    if organization.holds.iter().any(|hold| hold.kind == kind && hold.case == case.0) {
        return Ok(organization.into());
    }
    if organization.holds.len() >= MAX_HOLDS {
        let detail = format!("An organization can have {MAX_HOLDS} holds.");
        return Err(Error::conflict("limit_reached", detail));
    }
    let changes = Changes::default().with(kind.name(), None::<String>, &case.0);
    organization.holds.push(Hold { kind, case: case.0, placed_at: call.now });
    let (id, actor) = (organization.id, Actor::Operator);
    let audit = call.audit(id, actor, Action::LogHoldPlaced, id, changes);
    let written = call.store.set_holds(&organization, &audit, &*call.random).await;
    written.map_err(|lost| lost.or(target::overtaken()))?;
    Ok(organization.into())
}
