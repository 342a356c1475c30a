//! `place_hold`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    call::Call,
    clock::Timestamp,
    error::Error,
    http::fault::Faults,
    ids::{OrganizationId, OrganizationKind},
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        retention::{Hold, LogKind, MAX_HOLDS},
    },
    store::Lost,
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
    holds: Vec<ShownHold>,
}

/// A hold, with its time as the API writes times.
#[derive(Debug, Serialize)]
struct ShownHold {
    kind: LogKind,
    case: String,
    placed_at: Timestamp,
}

impl From<Organization> for Held {
    fn from(Organization { id, holds, .. }: Organization) -> Self {
        let shown = |Hold { kind, case, placed_at }| ShownHold { kind, case, placed_at };
        Self { organization_id: id, holds: holds.into_iter().map(shown).collect() }
    }
}

/// Puts an organization's logs of a kind under a legal hold: however old they get, the sweep leaves
/// them until every case has released them.
///
/// # Errors
/// 422; 404; 409 where other changes kept coming first, or the organization has as many holds as it may.
pub async fn run(call: &Call, request: Request) -> Result<Held, Error> {
    target::insist(call, async || place(call, &request).await).await
}

async fn place(call: &Call, request: &Request) -> Result<Held, Lost> {
    let Request { organization_id, kind, case } = request;
    let case = &case.0;
    let mut organization = target::organization(call, organization_id.0).await?;
    if organization.holds.iter().any(|hold| hold.kind == *kind && hold.case == *case) {
        return Ok(organization.into());
    }
    if organization.holds.len() >= MAX_HOLDS {
        let detail = format!("An organization can have {MAX_HOLDS} holds.");
        return Err(Error::conflict("limit_reached", detail).into());
    }
    let changes = Changes::default().with(kind.name(), None::<String>, case);
    organization.holds.push(Hold { kind: *kind, case: case.clone(), placed_at: call.now });
    let (id, actor) = (organization.id, Actor::Operator);
    let audit = call.audit(id, actor, Action::LogHoldPlaced, id, changes);
    call.store.set_holds(&organization, &audit, &*call.random).await?;
    Ok(organization.into())
}
