//! Rules: which events go to which channels.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Severity,
    event::{Event, EventPattern},
};
use crate::{
    clock::{Timestamp, epoch},
    http::etag::ETag,
    ids::{ChannelId, RuleId},
};

/// A rule. Its id tells when it was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which rule.
    pub id: RuleId,
    /// What people call it; unique in the organization.
    pub name: String,
    /// The events that it is about.
    pub event: EventPattern,
    /// The channels that they go to.
    pub channel_ids: Vec<ChannelId>,
    /// Which of the events.
    #[serde(default, skip_serializing_if = "Filters::is_empty")]
    pub filters: Filters,
    /// Whether it is followed.
    pub enabled: bool,
    /// When it was changed last.
    #[serde(with = "epoch")]
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub version: u64,
}

/// What an event must have. What is left out, every event has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// Its pipeline is one of these.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pipeline_ids: BTreeSet<String>,
    /// Its value is at least that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u64>,
    /// Its severity is one of these.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub severity: BTreeSet<Severity>,
}

impl Filters {
    /// Whether every event passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn pass(&self, event: &Event) -> bool {
        let pipeline =
            || event.pipeline_id.as_ref().is_some_and(|it| self.pipeline_ids.contains(it));
        let value = |least| event.value.is_some_and(|value| value >= least);
        (self.pipeline_ids.is_empty() || pipeline())
            && self.threshold.is_none_or(value)
            && (self.severity.is_empty() || self.severity.contains(&event.severity))
    }
}

impl Rule {
    /// Whether it leads the event to its channels.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.enabled && self.event.covers(event.name) && self.filters.pass(event)
    }

    /// The rule's entity tag.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }
}
