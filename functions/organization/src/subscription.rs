//! `GET /api/organization/subscription`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::OrganizationRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    model::organization::BillingPeriod,
};
use utoipa::ToSchema;

/// What the organization pays for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Subscription {
    /// The plan.
    tier: String,
    /// How often it pays.
    billing_period: BillingPeriod,
    /// When it pays next.
    #[schema(format = Date)]
    renewal_date: String,
}

/// Tells what the organization pays for, and until when.
#[utoipa::path(
    get,
    path = "/api/organization/subscription",
    operation_id = "get_subscription",
    tag = "Organization",
    security(("bearer" = ["organization:read"])),
    responses((status = 200, body = Envelope<Subscription>), Refusals),
)]
pub async fn handler(caller: Caller<OrganizationRead>) -> Data<Subscription> {
    let organization = caller.organization;
    let etag = organization.etag();
    let subscription = Subscription {
        tier: organization.plan,
        billing_period: organization.billing_period,
        renewal_date: organization.renewal_date,
    };
    Data::tagged(subscription, etag)
}
