//! `GET /api/user/api-keys`

use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        permissions::{Scope, level::ProfileRead},
    },
    clock::Timestamp,
    error::Error,
    http::{answer::Page, cursor::List, problem::Refusals, query::Paging},
    ids::ApiKeyId,
    model::user::ApiKey,
};
use utoipa::ToSchema;

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ShownApiKey {
    /// Which key.
    id: ApiKeyId,
    /// What its owner calls it.
    name: String,
    /// How its secret begins.
    prefix: String,
    /// What it may be used for.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last used, to the minute; `null` before its first use.
    last_used_at: Option<Timestamp>,
    /// When it ends; `null` where it does not.
    expires_at: Option<Timestamp>,
    /// When its secret was last replaced; `null` where it never was.
    rotated_at: Option<Timestamp>,
    /// Until when the secret before may still be used; `null` where it may not.
    previous_secret_valid_until: Option<Timestamp>,
}

impl ShownApiKey {
    pub(crate) fn new(id: ApiKeyId, key: &ApiKey, now: Timestamp) -> Self {
        let previous = key.previous_valid_until();
        Self {
            id,
            name: key.name.clone(),
            prefix: key.prefix.to_string(),
            scopes: key.scopes.iter().collect(),
            created_at: id.created_at(),
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            rotated_at: key.rotated_at,
            previous_secret_valid_until: previous.filter(|until| now < *until),
        }
    }
}

/// Lists the caller's own API keys that have not expired, newest first.
///
/// # Errors
/// 400 `invalid_cursor`; those of every route that needs `profile:read`.
#[utoipa::path(
    get,
    path = "/api/user/api-keys",
    operation_id = "list_api_keys",
    tag = "API keys",
    security(("bearer" = ["profile:read"])),
    params(Paging),
    responses((status = 200, body = Page<ShownApiKey>), Refusals),
)]
pub async fn handler(
    caller: Caller<ProfileRead>,
    paging: Paging,
) -> Result<Page<ShownApiKey>, Error> {
    let (now, scope) = (caller.call.now, caller.user.id.to_string());
    let list = List { key: &caller.organization.cursor_key, scope: &["api-keys", &scope] };
    list.page(
        caller.user.live_api_keys(now),
        &paging,
        |(id, _)| id.to_string(),
        |(id, key)| ShownApiKey::new(id, key, now),
    )
}
