//! Rules, as bodies give them and answers show them.

use std::borrow::Cow;

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    http::{count::Count, fault::Faults, field::wrong_kind},
    ids::{ChannelId, RuleId},
    model::notifications::{
        Severity,
        announcement::PipelineId,
        event::{EventName, EventPattern},
        rule::{Filters, Rule},
    },
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::values::Distinct;

/// The event, or the family of events, that a rule is about.
#[derive(Debug)]
pub struct GivenPattern(pub(crate) EventPattern);

impl Deserr<Faults> for GivenPattern {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let Value::String(text) = value else {
            return Err(wrong_kind(value, &[ValueKind::String], location));
        };
        text.parse().map(Self).map_err(|_| {
            let detail = format!("Expected one of: {}.", patterns().join(", "));
            Faults::at(location, "unknown_value", detail)
        })
    }
}

/// All that a rule can be about: every event but a test, and every family.
fn patterns() -> Vec<String> {
    let names = EventName::ALL.iter().filter(|name| **name != EventName::Test);
    let mut patterns = Vec::new();
    for name in names.map(|name| name.as_str()) {
        let families = name.match_indices('.').map(|(end, _)| format!("{}.*", &name[..end]));
        for pattern in families.chain([name.to_owned()]) {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
    }
    patterns
}

impl PartialSchema for GivenPattern {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An event's name, or what the names of several begin with and `*`."))
            .enum_values(Some(patterns()))
            .into()
    }
}

impl ToSchema for GivenPattern {
    fn name() -> Cow<'static, str> {
        "EventPattern".into()
    }
}

/// What an event must have. What is left out or `null`, every event has.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = NotificationFilters)]
pub struct GivenFilters {
    /// Its pipeline is one of these. Not for events that are about none.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeSet<PipelineId>>, min_items = 1, max_items = 50)]
    pub(crate) pipeline_ids: Option<Distinct<PipelineId, 1, 50>>,
    /// Its `value` is at least that. Not for events that have none: those that this service emits
    /// itself.
    #[deserr(default)]
    pub(crate) threshold: Option<Count>,
    /// Its severity is one of these.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeSet<Severity>>, min_items = 1, max_items = 5)]
    pub(crate) severity: Option<Distinct<Severity, 1, 5>>,
}

impl GivenFilters {
    /// The filters of a rule about `event`.
    ///
    /// # Errors
    /// The faults of those that would let nothing through: what this service emits itself has no
    /// pipeline and no value.
    pub(crate) fn about(self, event: &EventPattern) -> Result<Filters, Faults> {
        let Self { pipeline_ids, threshold, severity } = self;
        let published = EventName::ALL.iter().any(|name| name.is_public() && event.covers(*name));
        let given = [
            (pipeline_ids.is_some(), "/filters/pipeline_ids", "No such event is of a pipeline."),
            (threshold.is_some(), "/filters/threshold", "No such event has a value."),
        ];
        let faults = given.into_iter().filter(|(is_given, ..)| *is_given && !published);
        let faults = faults.map(|(_, at, detail)| Faults::new(at, "not_applicable", detail));
        if let Some(faults) = faults.reduce(Faults::and) {
            return Err(faults);
        }
        Ok(Filters {
            pipeline_ids: pipeline_ids.into_iter().flat_map(|it| it.0).map(|it| it.0).collect(),
            threshold: threshold.map(|least| least.0),
            severity: severity.into_iter().flat_map(|it| it.0).collect(),
        })
    }
}

/// What an event must have; what is left out, every event has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ShownNotificationFilters)]
pub struct ShownFilters {
    /// Its pipeline is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pipeline_ids: Vec<String>,
    /// Its value is at least that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    threshold: Option<u64>,
    /// Its severity is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    severity: Vec<Severity>,
}

impl From<&Filters> for ShownFilters {
    fn from(filters: &Filters) -> Self {
        let Filters { pipeline_ids, threshold, severity } = filters.clone();
        Self {
            pipeline_ids: pipeline_ids.into_iter().collect(),
            threshold,
            severity: severity.into_iter().collect(),
        }
    }
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationRule)]
pub struct ShownRule {
    /// Which rule.
    id: RuleId,
    /// What people call it; unique in the organization.
    name: String,
    /// The event, or the family of events, that it is about.
    event: String,
    /// The channels that the events go to; none where those that it had are deleted.
    channel_ids: Vec<ChannelId>,
    /// Which of the events.
    filters: ShownFilters,
    /// Whether it is followed.
    enabled: bool,
    /// When it was created.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
}

impl From<&Rule> for ShownRule {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id,
            name: rule.name.clone(),
            event: rule.event.as_str().to_owned(),
            channel_ids: rule.channel_ids.clone(),
            filters: (&rule.filters).into(),
            enabled: rule.enabled,
            created_at: rule.id.created_at(),
            updated_at: rule.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_that_are_told_are_patterns() {
        let patterns = patterns();
        for pattern in &patterns {
            assert!(pattern.parse::<EventPattern>().is_ok(), "{pattern}");
        }
        for known in ["security.*", "security.api_key.*", "dlq.threshold_exceeded"] {
            assert!(patterns.iter().any(|pattern| pattern == known), "{known}");
        }
    }
}
