//! Events: what notifications are about.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::Severity;
use crate::{
    clock::{Timestamp, epoch},
    error::Error,
    ids::{ChannelId, DeliveryId},
    model::audit::Action,
};

macro_rules! events {
    ($($(#[doc = $doc:literal])* $variant:ident = $text:literal, $severity:ident;)*) => {
        /// The name of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventName {$(
            $(#[doc = $doc])*
            $variant,
        )*}

        impl EventName {
            /// Every event, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$variant => $text),*}
            }

            /// How grave it is where its publisher does not say.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {$(Self::$variant => Severity::$severity),*}
            }

            /// What it tells, for people.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {$(Self::$variant => concat!($($doc),*).trim_ascii()),*}
            }
        }
    };
}

events! {
    /// A run of a pipeline has begun.
    PipelineRunStarted = "pipeline.run.started", Info;
    /// A run of a pipeline has come to its end.
    PipelineRunSucceeded = "pipeline.run.succeeded", Info;
    /// A run of a pipeline has failed.
    PipelineRunFailed = "pipeline.run.failed", High;
    /// A run of a pipeline was cancelled.
    PipelineRunCancelled = "pipeline.run.cancelled", Low;
    /// A pipeline's run takes longer than it should.
    PipelineRunDelayed = "pipeline.run.delayed", Medium;
    /// A dead-letter queue has grown; `value` is its number of records.
    DlqThresholdExceeded = "dlq.threshold_exceeded", High;
    /// A dead-letter queue has been emptied.
    DlqDrained = "dlq.drained", Info;
    /// A connection cannot be used.
    ConnectionFailed = "connection.failed", High;
    /// A connection can be used again.
    ConnectionRestored = "connection.restored", Info;
    /// A source has changed its schema.
    SchemaDriftDetected = "schema.drift_detected", Medium;
    /// Data have failed a check of their quality.
    DataQualityCheckFailed = "data_quality.check_failed", Medium;
    /// An API key was created.
    SecurityApiKeyCreated = "security.api_key.created", Medium;
    /// An API key was given a new secret.
    SecurityApiKeyRegenerated = "security.api_key.regenerated", Medium;
    /// An API key was deleted.
    SecurityApiKeyDeleted = "security.api_key.deleted", Low;
    /// A user has changed the password.
    SecurityPasswordChanged = "security.password.changed", Medium;
    /// A user has turned the second factor on.
    SecurityMfaEnabled = "security.mfa.enabled", Info;
    /// A user has turned the second factor off.
    SecurityMfaDisabled = "security.mfa.disabled", High;
    /// A user's second factor was taken away by the operator.
    SecurityMfaReset = "security.mfa.reset", High;
    /// An entry was added to the allowlist.
    SecurityAllowlistEntryAdded = "security.allowlist.entry_added", Medium;
    /// An entry was removed from the allowlist.
    SecurityAllowlistEntryRemoved = "security.allowlist.entry_removed", Medium;
    /// How the allowlist is enforced was changed.
    SecurityAllowlistToggled = "security.allowlist.toggled", High;
    /// The allowlist was turned off by the operator.
    SecurityAllowlistBrokenGlass = "security.allowlist.broken_glass", Critical;
    /// The session policy was changed.
    SecuritySessionPolicyUpdated = "security.session_policy.updated", Medium;
    /// The organization's settings were changed, single sign-on among them.
    SecuritySettingsUpdated = "security.settings.updated", Medium;
    /// How long logs are kept was changed.
    SecurityLogRetentionUpdated = "security.log_retention.updated", Medium;
    /// A user was added.
    SecurityUserCreated = "security.user.created", Info;
    /// A user's roles were changed.
    SecurityRolesChanged = "security.user.roles_changed", High;
    /// A user was disabled.
    SecurityUserDisabled = "security.user.disabled", Medium;
    /// A channel was disabled, because it had only failed for days, or its receiver was gone.
    ChannelDisabled = "notification.channel.disabled", High;
    /// Somebody tries a channel.
    Test = "notification.test", Info;
}

impl EventName {
    /// The event that an audit record with this action is, where it is one.
    #[must_use]
    pub const fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::ApiKeyCreated => Self::SecurityApiKeyCreated,
            Action::ApiKeyRegenerated => Self::SecurityApiKeyRegenerated,
            Action::ApiKeyDeleted => Self::SecurityApiKeyDeleted,
            Action::PasswordChanged => Self::SecurityPasswordChanged,
            Action::MfaEnabled => Self::SecurityMfaEnabled,
            Action::MfaDisabled => Self::SecurityMfaDisabled,
            Action::MfaReset => Self::SecurityMfaReset,
            Action::AllowlistEntryAdded => Self::SecurityAllowlistEntryAdded,
            Action::AllowlistEntryRemoved => Self::SecurityAllowlistEntryRemoved,
            Action::AllowlistToggled => Self::SecurityAllowlistToggled,
            Action::AllowlistBrokenGlass => Self::SecurityAllowlistBrokenGlass,
            Action::SessionPolicyUpdated => Self::SecuritySessionPolicyUpdated,
            Action::SettingsUpdated => Self::SecuritySettingsUpdated,
            Action::LogRetentionUpdated => Self::SecurityLogRetentionUpdated,
            Action::UserCreated => Self::SecurityUserCreated,
            Action::RolesChanged => Self::SecurityRolesChanged,
            Action::UserDisabled => Self::SecurityUserDisabled,
            Action::ChannelDisabled => Self::ChannelDisabled,
            _ => return None,
        })
    }

    /// Whether callers may publish it. The others this service emits itself, each in the transaction
    /// of the change that it tells of: the change's audit record is the event.
    #[must_use]
    pub fn is_public(self) -> bool {
        !self.as_str().starts_with("security.") && !self.as_str().starts_with("notification.")
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no event.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not the name of an event")]
pub struct UnknownEvent;

impl FromStr for EventName {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.iter().copied().find(|event| event.as_str() == text).ok_or(UnknownEvent)
    }
}

/// An event by its name, or a family of events by what their names begin with: `security.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern(String);

impl EventPattern {
    /// Whether the event is the one, or of the family.
    #[must_use]
    pub fn covers(&self, event: EventName) -> bool {
        self.0
            .strip_suffix('*')
            .map_or_else(|| event.as_str() == self.0, |family| event.as_str().starts_with(family))
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventPattern {
    type Err = UnknownEvent;

    /// Reads the name of an event that a rule can be about, or of a family that has one.
    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let pattern = Self(text.to_owned());
        let is_one = text.strip_suffix('*').is_none_or(|family| family.ends_with('.'));
        let mut events = EventName::ALL.iter().filter(|event| **event != EventName::Test);
        (is_one && events.any(|event| pattern.covers(*event)))
            .then_some(pattern)
            .ok_or(UnknownEvent)
    }
}

macro_rules! serde_as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

serde_as_text!(EventName);
serde_as_text!(EventPattern);

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What its publisher calls it; events of one id are one event.
    pub id: String,
    /// What has happened.
    #[serde(rename = "type")]
    pub name: EventName,
    /// How grave it is.
    pub severity: Severity,
    /// When it happened.
    #[serde(with = "epoch")]
    pub occurred_at: Timestamp,
    /// The pipeline that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// The number that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// What has happened, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What else its publisher says: a JSON object, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// How long an event that comes again is known again, in days.
pub const EVENT_DAYS: u32 = 30;

/// An event that was published, and what became of it: by this it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The event.
    pub event: Event,
    /// When it came first.
    #[serde(with = "epoch")]
    pub received_at: Timestamp,
    /// A digest of what its publisher has said of it. What was left out is not in it, whatever has
    /// taken its place.
    pub digest: String,
    /// Its deliveries, and where they go.
    pub deliveries: Vec<(DeliveryId, ChannelId)>,
    /// When it is no longer known: the table's TTL attribute.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

impl Published {
    /// The digest of what a publisher has said.
    ///
    /// # Errors
    /// 500 where that has no JSON form.
    pub fn digest_of(said: &impl Serialize) -> Result<String, Error> {
        let text = serde_json::to_vec(said)
            .map_err(|error| Error::internal(format!("an event does not encode: {error}")))?;
        Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_covers_its_events_and_no_other() {
        let security: EventPattern = "security.*".parse().unwrap();
        assert!(security.covers(EventName::SecurityMfaDisabled));
        assert!(!security.covers(EventName::PipelineRunFailed));
        let one: EventPattern = "pipeline.run.failed".parse().unwrap();
        assert!(one.covers(EventName::PipelineRunFailed));
        assert!(!one.covers(EventName::PipelineRunStarted));
    }

    #[test]
    fn what_names_no_event_is_no_pattern() {
        for text in ["", "*", ".*", "pipeline", "pipeline*", "pipeline.run.fail*", "dlq", "dlq.*.*"]
        {
            assert!(text.parse::<EventPattern>().is_err(), "{text}");
        }
        assert!("notification.test".parse::<EventPattern>().is_err());
        assert!("notification.*".parse::<EventPattern>().is_ok());
    }

    #[test]
    fn every_event_has_a_name_of_its_own_and_a_description() {
        for event in EventName::ALL {
            assert_eq!(event.as_str().parse::<EventName>().unwrap(), *event);
            assert!(event.description().ends_with('.'), "{event}");
        }
    }
}
