//! `GET /api/user/mfa`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SessionWithFactor},
    http::{
        answer::{Data, Envelope},
        etag::ETag,
        problem::Refusals,
    },
};
use utoipa::ToSchema;

/// Whether a sign-in takes a second factor, and which.
#[derive(Debug, Serialize, ToSchema)]
pub struct MfaStatus {
    /// Whether it does.
    enabled: bool,
    /// Which: `totp`, or none.
    methods: Vec<&'static str>,
    /// How many backup codes were not used yet, of ten.
    backup_codes_remaining: usize,
}

/// Tells whether the caller's own sign-in takes a second factor.
#[utoipa::path(
    get,
    path = "/api/user/mfa",
    operation_id = "get_mfa",
    tag = "MFA",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<MfaStatus>), Refusals),
)]
pub async fn handler(caller: Caller<SessionWithFactor>) -> Data<MfaStatus> {
    let enabled = caller.user.mfa_enabled;
    let codes = caller.evidence.factor.filter(|_| enabled).map(|factor| factor.backup_codes.len());
    let backup_codes_remaining = codes.unwrap_or_default();
    let methods = if enabled { vec!["totp"] } else { Vec::new() };
    // Turning it on or off changes the user's count; using a code changes the number that is left.
    let version = caller.user.credentials_version << 8 | backup_codes_remaining as u64;
    Data::tagged(MfaStatus { enabled, methods, backup_codes_remaining }, ETag::of(version))
}
