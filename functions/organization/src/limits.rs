//! `GET /api/organization/limits`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::OrganizationRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// How much the organization's plan lets it use: numbers by the name of the limit, such as
/// `max_pipelines`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Limits(std::collections::BTreeMap<String, u64>);

/// Tells how much the organization's plan lets it use.
#[utoipa::path(
    get,
    path = "/api/organization/limits",
    operation_id = "get_limits",
    tag = "Organization",
    security(("bearer" = ["organization:read"])),
    responses((status = 200, body = Envelope<Limits>), Refusals),
)]
pub async fn handler(caller: Caller<OrganizationRead>) -> Data<Limits> {
    let organization = caller.organization;
    let etag = organization.etag();
    Data::tagged(Limits(organization.limits), etag)
}
