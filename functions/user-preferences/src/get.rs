//! `GET /api/user-preferences/{key}`

use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    auth::{caller::Caller, permissions::level::PreferencesRead},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        path::PathKey,
        problem::Refusals,
    },
    model::preferences::{Preference, PreferenceKey},
};
use utoipa::ToSchema;

/// A preference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preference)]
pub struct ShownPreference {
    /// Which.
    key: PreferenceKey,
    /// Its value: any JSON.
    #[schema(value_type = Value)]
    value: Box<RawValue>,
    /// When it was last set to another value.
    updated_at: Timestamp,
}

impl ShownPreference {
    pub(crate) fn answer(key: PreferenceKey, preference: Preference) -> Data<Self> {
        let (etag, updated_at) = (preference.etag(), preference.updated_at);
        Data::tagged(Self { key, value: preference.value.into_json(), updated_at }, etag)
    }
}

/// Tells one of the caller's own preferences.
///
/// # Errors
/// 404; those of every route that needs `preferences:read`.
#[utoipa::path(
    get,
    path = "/api/user-preferences/{key}",
    operation_id = "get_preference",
    tag = "Preferences",
    security(("bearer" = ["preferences:read"])),
    params(("key" = PreferenceKey, Path)),
    extensions(("x-codes" = json!(["not_found"]))),
    responses((status = 200, body = Envelope<ShownPreference>), Refusals),
)]
pub async fn handler(
    caller: Caller<PreferencesRead>,
    PathKey(key): PathKey,
) -> Result<Data<ShownPreference>, Error> {
    let key = key.ok_or(Error::NotFound)?;
    let (organization, user) = (caller.organization.id, caller.user.id);
    let found = caller.call.store.preference(organization, user, &key, &caller.preferences).await?;
    Ok(ShownPreference::answer(key, found.ok_or(Error::NotFound)?))
}
