//! Events, as bodies give them.

use std::{borrow::Cow, fmt::Write as _};

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use shared::{
    http::{
        fault::Faults,
        field::{Text, wrong_kind},
    },
    model::notifications::event::EventName,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// What a publisher calls an event.
pub type PublisherId = Text<1, 128>;
/// What has happened, for people.
pub type Summary = Text<1, 500>;

/// The longest `data`, in bytes of its compact JSON.
const MAX_DATA_BYTES: usize = 4096;

/// The name of an event that callers may publish.
#[derive(Debug, Clone, Copy)]
pub struct PublicEvent(pub(crate) EventName);

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
pub struct EventData(pub(crate) String);

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
