//! `GET /api/organization/features`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::OrganizationRead},
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// What the organization's plan lets it use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Features {
    /// The names of the enabled features.
    features: Vec<String>,
}

/// Lists what the organization's plan lets it use.
#[utoipa::path(
    get,
    path = "/api/organization/features",
    operation_id = "list_features",
    tag = "Organization",
    security(("bearer" = ["organization:read"])),
    responses((status = 200, body = Envelope<Features>), Refusals),
)]
pub async fn handler(caller: Caller<OrganizationRead>) -> Data<Features> {
    let organization = caller.organization;
    let etag = organization.etag();
    Data::tagged(Features { features: organization.features }, etag)
}
