//! `GET /api/user-preferences`

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    auth::{caller::Caller, permissions::level::PreferencesRead},
    error::Error,
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    model::preferences::PreferenceKey,
};
use utoipa::ToSchema;

/// The values of all preferences, by key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<PreferenceKey, Value>, example = json!({"canvas.snap_to_grid": true}))]
pub struct Preferences(BTreeMap<PreferenceKey, Box<RawValue>>);

/// Lists the caller's own preferences, ordered by key.
///
/// There are at most 200, so they come on one page. Where some value has more than 256 bytes, this
/// takes a second call to the table.
///
/// # Errors
/// Those of every route that needs `preferences:read`.
#[utoipa::path(
    get,
    path = "/api/user-preferences",
    operation_id = "list_preferences",
    tag = "Preferences",
    security(("bearer" = ["preferences:read"])),
    extensions(("x-etag" = json!(false))),
    responses((status = 200, body = Envelope<Preferences>), Refusals),
)]
pub async fn handler(caller: Caller<PreferencesRead>) -> Result<Data<Preferences>, Error> {
    let (organization, user) = (caller.organization.id, caller.user.id);
    let all = caller.call.store.all_preferences(organization, user, &caller.preferences).await?;
    let values = all.into_iter().map(|(key, preference)| (key, preference.value.into_json()));
    Ok(Data::untagged(Preferences(values.collect())))
}
