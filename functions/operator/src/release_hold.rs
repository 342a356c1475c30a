//! `release_hold`

use shared::{
    call::Call,
    error::Error,
    model::audit::{Action, Actor, Changes},
    store::Lost,
};

use crate::{
    place_hold::{Held, Request},
    target,
};

/// Releases an organization's logs of a kind from a legal hold. What is over its days then, and in
/// no other hold, goes with the next sweep.
///
/// # Errors
/// 422; 404, also where there is no such hold; 409 where other changes kept coming first.
pub async fn run(call: &Call, request: Request) -> Result<Held, Error> {
    target::insist(call, async || release(call, &request).await).await
}

async fn release(call: &Call, request: &Request) -> Result<Held, Lost> {
    let Request { organization_id, kind, case } = request;
    let case = &case.0;
    let mut organization = target::organization(call, organization_id.0).await?;
    let before = organization.holds.len();
    organization.holds.retain(|hold| hold.kind != *kind || hold.case != *case);
    if organization.holds.len() == before {
        return Err(Error::NotFound.into());
    }
    let changes = Changes::default().with(kind.name(), case, None::<String>);
    let (id, actor) = (organization.id, Actor::Operator);
    let audit = call.audit(id, actor, Action::LogHoldReleased, id, changes);
    call.store.set_holds(&organization, &audit, &*call.random).await?;
    Ok(organization.into())
}
