//! Events as their publishers give them, whichever way they enter.

use std::{borrow::Cow, fmt::Write as _};

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::{
    Severity,
    event::{Event, EventName, Published},
};
use crate::{
    clock::Timestamp,
    error::Error,
    http::{
        count::Count,
        fault::Faults,
        field::{Moment, Text, wrong_kind},
    },
};

/// What a publisher calls an event.
pub type PublisherId = Text<1, 128>;
/// What has happened, for people.
pub type Summary = Text<1, 500>;

/// The id of a pipeline, which is another service's.
pub type PipelineId = Text<1, 100>;

/// The longest `data`, in bytes of its compact JSON.
const MAX_DATA_BYTES: usize = 4096;

/// An event as its publisher gives it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = PublishEvent)]
pub struct Announcement {
    /// What its publisher calls it: an event that comes again within 30 days is not delivered again.
    /// Left out or `null`: it is another one each time.
    #[deserr(default)]
    id: Option<PublisherId>,
    /// What has happened.
    #[deserr(rename = "type")]
    #[schema(rename = "type")]
    name: PublicEvent,
    /// How grave it is. Left out or `null`: as such events are.
    #[deserr(default)]
    severity: Option<Severity>,
    /// When it happened (RFC 3339). Left out or `null`: now.
    #[deserr(default)]
    occurred_at: Option<Moment>,
    /// The pipeline that it is about.
    #[deserr(default)]
    pipeline_id: Option<PipelineId>,
    /// The number that it is about, such as the records in a queue.
    #[deserr(default)]
    value: Option<Count>,
    /// What has happened, for people.
    #[deserr(default)]
    summary: Option<Summary>,
    /// What else there is to say: an object of at most 4,096 bytes when written without blanks.
    #[deserr(default)]
    data: Option<EventData>,
}

impl Announcement {
    /// A digest of what the publisher has said.
    ///
    /// # Errors
    /// 500 where that has no JSON form.
    pub fn digest(&self) -> Result<String, Error> {
        let Self { id: _, name, severity, occurred_at, pipeline_id, value, summary, data } = self;
        Published::digest_of(&(
            name.0,
            severity,
            occurred_at.as_ref().map(|moment| moment.0),
            pipeline_id.as_ref().map(|id| &id.0),
            value.map(|value| value.0),
            summary.as_ref().map(|text| &text.0),
            data.as_ref().map(|data| &data.0),
        ))
    }

    /// The event that it describes. Where the publisher does not say, it happened at `happened_at`, and
    /// is called what `new_id` gives.
    #[must_use]
    pub fn event(self, happened_at: Timestamp, new_id: impl FnOnce() -> String) -> Event {
        let Self { id, name, severity, occurred_at, pipeline_id, value, summary, data } = self;
        Event {
            id: id.map_or_else(new_id, |id| id.0),
            name: name.0,
            severity: severity.unwrap_or(name.0.severity()),
            occurred_at: occurred_at.map_or(happened_at.whole_second(), |moment| moment.0),
            pipeline_id: pipeline_id.map(|id| id.0),
            value: value.map(|value| value.0),
            summary: summary.map(|text| text.0),
            data: data.map(|data| data.0),
        }
    }
}

/// The name of an event that callers may publish.
#[derive(Debug, Clone, Copy)]
pub struct PublicEvent(EventName);

fn public() -> impl Iterator<Item = EventName> {
    EventName::ALL.iter().copied().filter(|name| name.is_public())
}

impl Deserr<Faults> for PublicEvent {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let Value::String(text) = value else {
            return Err(wrong_kind(value, &[ValueKind::String], location));
        };
        match text.parse::<EventName>() {
            Ok(name) if name.is_public() => Ok(Self(name)),
            Ok(_) => {
                let detail = "This service emits it itself; nobody else publishes it.";
                Err(Faults::at(location, "not_publishable", detail))
            }
            Err(_) => {
                let names: Vec<_> = public().map(EventName::as_str).collect();
                let detail = format!("Expected one of: {}.", names.join(", "));
                Err(Faults::at(location, "unknown_value", detail))
            }
        }
    }
}

impl PartialSchema for PublicEvent {
    fn schema() -> RefOr<Schema> {
        let mut text = String::from(
            "What has happened, and how grave it is unless `severity` says otherwise. The other events, `security.*` and `notification.*`, this service emits itself.\n",
        );
        for name in public() {
            let (severity, description) = (name.severity().as_str(), name.description());
            // Writing to a string cannot fail.
            let _ = write!(text, "\n- `{name}` ({severity}): {description}");
        }
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(text))
            .enum_values(Some(public().map(EventName::as_str)))
            .into()
    }
}

impl ToSchema for PublicEvent {
    fn name() -> Cow<'static, str> {
        "PublicEvent".into()
    }
}

/// A JSON object within its bound, as compact text.
#[derive(Debug)]
pub struct EventData(String);

impl Deserr<Faults> for EventData {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        if !matches!(value, Value::Map(_)) {
            return Err(wrong_kind(value, &[ValueKind::Map], location));
        }
        let json: serde_json::Value = Deserr::<Faults>::deserialize_from_value(value, location)?;
        let text = json.to_string();
        if text.len() > MAX_DATA_BYTES {
            let detail = "Must have at most 4,096 bytes when written without blanks.";
            return Err(Faults::at(location, "invalid_length", detail));
        }
        Ok(Self(text))
    }
}

impl PartialSchema for EventData {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Object).into()
    }
}

impl ToSchema for EventData {
    fn name() -> Cow<'static, str> {
        "EventData".into()
    }
}
