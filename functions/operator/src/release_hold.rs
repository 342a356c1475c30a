//! `release_hold`

use shared::{
    call::Call,
    error::Error,
    model::audit::{Action, Actor, Changes},
};

use crate::{
    place_hold::{Held, Request},
    target,
};

/// Releases an organization's logs of a kind from a legal hold. What is over its days then, and in
/// no other hold, goes with the next sweep.
///
/// # Errors
/// 422; 404, also where there is no such hold; 409 where another command was faster.
pub async fn run(call: &Call, request: Request) -> Result<Held, Error> {
    let Request { organization_id, kind, case } = request;
    let mut organization = target::organization(call, organization_id.0).await?;
    let before = organization.holds.len();
    organization.holds.retain(|hold| hold.kind != kind || hold.case != case.0);
    if organization.holds.len() == before {
        return Err(Error::NotFound);
    }
    let changes = Changes::default().with(kind.name(), &case.0, None::<String>);
    let (id, actor) = (organization.id, Actor::Operator);
    let audit = call.audit(id, actor, Action::LogHoldReleased, id, changes);
    let written = call.store.set_holds(&organization, &audit, &*call.random).await;
    written.map_err(|lost| lost.or(target::overtaken()))?;
    Ok(organization.into())
}
