//! `GET /api/user/api-keys/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::ProfileRead},
    error::Error,
    http::{
        answer::{Data, Envelope},
        path::PathId,
        problem::Refusals,
    },
    ids::{ApiKeyId, ApiKeyKind},
};

use crate::list::ShownApiKey;

/// Tells one of the caller's own API keys.
///
/// # Errors
/// 404; those of every route that needs `profile:read`.
#[utoipa::path(
    get,
    path = "/api/user/api-keys/{id}",
    operation_id = "get_api_key",
    tag = "API keys",
    security(("bearer" = ["profile:read"])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = Envelope<ShownApiKey>), Refusals),
)]
pub async fn handler(
    caller: Caller<ProfileRead>,
    PathId(id): PathId<ApiKeyKind>,
) -> Result<Data<ShownApiKey>, Error> {
    let now = caller.call.now;
    let key = caller.user.live_api_key(id, now)?;
    Ok(Data::tagged(ShownApiKey::new(id, key, now), key.etag()))
}
