//! `PUT /api/user-preferences/{key}`

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde_json::Value;
use shared::{
    auth::{caller::Caller, permissions::level::PreferencesWrite},
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        etag::IfMatch,
        fault::Faults,
        path::PathKey,
        problem::Refusals,
    },
    model::{
        audit::{Action, Changes},
        preferences::{JsonText, MAX_PREFERENCES, MAX_VALUE_BYTES, Preference, PreferenceKey},
    },
    store::{Lost, PreferenceChange},
};
use utoipa::ToSchema;

use crate::get::ShownPreference;

/// What to set.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = SetPreference)]
pub struct Request {
    /// Any JSON, `null` included, of at most 4,096 bytes when it is written without blanks.
    #[schema(value_type = Value)]
    value: PreferenceValue,
}

/// A value within its bound.
#[derive(Debug)]
pub struct PreferenceValue(JsonText);

impl Deserr<Faults> for PreferenceValue {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let json: Value = Deserr::<Faults>::deserialize_from_value(value, location)?;
        let text = JsonText::new(&json)
            .map_err(|_| Faults::at(location, "invalid_value", "Must be JSON."))?;
        if text.as_str().len() > MAX_VALUE_BYTES {
            let detail = "Must have at most 4,096 bytes when written without blanks.";
            return Err(Faults::at(location, "invalid_length", detail));
        }
        Ok(Self(text))
    }
}

/// Sets one of the caller's own preferences. Where it has that value already, nothing is written.
///
/// # Errors
/// 409 `limit_reached` for a new one beside 200; 409 `edit_conflict` or 412 where another request
/// was faster; 412 for an `If-Match` where there is no such preference; those of every route that
/// needs `preferences:write`.
#[utoipa::path(
    put,
    path = "/api/user-preferences/{key}",
    operation_id = "set_preference",
    tag = "Preferences",
    security(("bearer" = ["preferences:write"])),
    request_body = Request,
    params(
        ("key" = PreferenceKey, Path),
        ("If-Match" = Option<String>, Header, description = "The preference's entity tag"),
    ),
    extensions(("x-codes" = json!(["limit_reached"]))),
    responses((status = 200, body = Envelope<ShownPreference>), Refusals),
)]
pub async fn handler(
    caller: Caller<PreferencesWrite>,
    PathKey(key): PathKey,
    if_match: IfMatch,
    body: Result<Body<Request>, Error>,
) -> Result<Data<ShownPreference>, Error> {
    let (key, Request { value }) = both(key, body)?;
    let (call, organization, user) = (&caller.call, &caller.organization, caller.user.id);
    let before = call.store.preference(organization.id, user, &key, &caller.preferences).await?;
    match &before {
        Some(before) => if_match.check(before.etag())?,
        None => if_match.check_missing()?,
    }
    let before = match before {
        Some(same) if same.value == value.0 => return Ok(ShownPreference::answer(key, same)),
        None if caller.preferences.is_full() => return Err(limit_reached()),
        before => before,
    };
    let after = Preference::new(value.0, call.now, &*call.random);
    let from = before.as_ref().map(|before| &before.value);
    let changes = Changes::default().with("value", from, &after.value);
    let audit = caller.audit(Action::PreferenceSet, key.as_str(), changes);
    let (among, before) = (&caller.preferences, before.as_ref());
    let change = PreferenceChange { user, key: &key, among, before, audit: &audit };
    let written = call.store.set_preference(organization, change, &after, &*call.random).await;
    let Err(lost) = written else { return Ok(ShownPreference::answer(key, after)) };
    let raced = matches!(lost, Lost::Condition(_)) && !if_match.is_present();
    if raced && is_full_without(&caller, &key).await? {
        return Err(limit_reached());
    }
    Err(lost.or(if_match.lost_race("The preference was changed meanwhile. Try again.")))
}

/// The key and the body, or the faults of both.
fn both(
    key: Option<PreferenceKey>,
    body: Result<Body<Request>, Error>,
) -> Result<(PreferenceKey, Request), Error> {
    let fault = || {
        let detail = format!("Must match {}, in at most 128 bytes.", PreferenceKey::PATTERN);
        Faults::new("/key", "invalid_value", detail)
    };
    match (key, body) {
        (Some(key), body) => body.map(|body| (key, body.value)),
        (None, Ok(_)) => Err(fault().into()),
        (None, Err(Error::Validation(faults))) => Err(fault().and(faults).into()),
        (None, Err(error)) => Err(error),
    }
}

/// Whether, since the caller was let in, other preferences have taken the last places.
async fn is_full_without(
    caller: &Caller<PreferencesWrite>,
    key: &PreferenceKey,
) -> Result<bool, Error> {
    let (organization, user) = (caller.organization.id, caller.user.id);
    let now = caller.call.store.read_preferences(organization, user, key).await?;
    Ok(now.is_full() && !now.contains(key))
}

fn limit_reached() -> Error {
    let detail = format!("You have {MAX_PREFERENCES} preferences. Delete one first.");
    Error::conflict("limit_reached", detail)
}
