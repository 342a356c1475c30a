//! `set_entitlements`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    call::Call,
    error::Error,
    http::{fault::Faults, field::Change},
    ids::OrganizationKind,
    model::{
        audit::{Action, Actor, Changes},
        organization::BillingPeriod,
    },
    store::Lost,
};

use crate::{
    target::{self, ShownOrganization},
    values::{Day, Existing, Flags, Limits, Word},
};

/// What to set. A field that is left out keeps its value; a list or a map is replaced whole.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// Whose.
    organization_id: Existing<OrganizationKind>,
    /// The plan it pays for.
    #[deserr(default)]
    plan: Change<Word>,
    /// How often it pays.
    #[deserr(default)]
    billing_period: Change<BillingPeriod>,
    /// When it pays next.
    #[deserr(default)]
    renewal_date: Change<Day>,
    /// What its plan lets it use.
    #[deserr(default)]
    features: Change<Vec<Word>>,
    /// How much its plan lets it use.
    #[deserr(default)]
    limits: Change<Limits>,
    /// What is switched on or off for it.
    #[deserr(default)]
    feature_flags: Change<Flags>,
}

/// The organization as it is now.
#[derive(Debug, Serialize)]
pub struct Updated {
    organization: ShownOrganization,
}

/// Sets an organization's plan, subscription, features, limits and flags.
///
/// # Errors
/// 422; 404; 409 where other changes kept coming first.
pub async fn run(call: &Call, request: Request) -> Result<Updated, Error> {
    target::insist(call, async || set(call, request.clone()).await).await
}

async fn set(call: &Call, request: Request) -> Result<Updated, Lost> {
    let Request {
        organization_id,
        plan,
        billing_period,
        renewal_date,
        features,
        limits,
        feature_flags,
    } = request;
    let mut organization = target::organization(call, organization_id.0).await?;
    let mut changes = Changes::default();
    if let Some((from, to)) = plan.apply(&mut organization.plan, |plan| plan.0) {
        changes.push("plan", from, to);
    }
    if let Some((from, to)) = billing_period.apply(&mut organization.billing_period, |it| it) {
        changes.push("billing_period", from, to);
    }
    if let Some((from, to)) = renewal_date.apply(&mut organization.renewal_date, |day| day.0) {
        changes.push("renewal_date", from, to);
    }
    let words = |words: Vec<Word>| words.into_iter().map(|word| word.0).collect::<Vec<_>>();
    if let Some((from, to)) = features.apply(&mut organization.features, words) {
        changes.push("features", from, to);
    }
    if let Some((from, to)) = limits.apply(&mut organization.limits, |limits| limits.0) {
        changes.push("limits", from, to);
    }
    if let Some((from, to)) = feature_flags.apply(&mut organization.feature_flags, |it| it.0) {
        changes.push("feature_flags", from, to);
    }
    if !changes.is_empty() {
        let (id, actor) = (organization.id, Actor::Operator);
        let audit = call.audit(id, actor, Action::EntitlementsUpdated, id, changes);
        call.store.set_entitlements(&organization, &audit, &*call.random).await?;
    }
    Ok(Updated { organization: organization.into() })
}
