//! `GET /api/organization`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::OrganizationRead},
    clock::Timestamp,
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    ids::OrganizationId,
};
use utoipa::ToSchema;

/// The caller's organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct Organization {
    /// Who it is.
    id: OrganizationId,
    /// What people call it.
    name: String,
    /// Its name in addresses.
    slug: String,
    /// The plan it pays for.
    plan: String,
    /// When it was created.
    created_at: Timestamp,
}

/// Tells the caller's organization.
#[utoipa::path(
    get,
    path = "/api/organization",
    operation_id = "get_organization",
    tag = "Organization",
    security(("bearer" = ["organization:read"])),
    responses((status = 200, body = Envelope<Organization>), Refusals),
)]
pub async fn handler(caller: Caller<OrganizationRead>) -> Data<Organization> {
    let organization = caller.organization;
    let etag = organization.etag();
    let created_at = organization.created_at();
    let shown = Organization {
        id: organization.id,
        name: organization.name,
        slug: organization.slug,
        plan: organization.plan,
        created_at,
    };
    Data::tagged(shown, etag)
}
