//! Channels: where notifications go.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Severity;
use crate::{
    clock::{Timestamp, epoch},
    http::{etag::ETag, fault::Faults},
    ids::{ChannelId, UserId},
};

/// A channel. Its id tells when it was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Which channel.
    pub id: ChannelId,
    /// What people call it.
    pub name: String,
    /// Whether events go to it.
    pub enabled: bool,
    /// Where they go.
    pub config: Config,
    /// When they wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Who created it.
    pub created_by: UserId,
    /// When somebody changed it last.
    #[serde(with = "epoch")]
    pub updated_at: Timestamp,
    /// Counts the changes that somebody made.
    pub version: u64,
    /// Since when every attempt has failed; `None` where the last one has not.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it was disabled because every attempt had failed for days, or its receiver was gone.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub gave_up_at: Option<Timestamp>,
    /// Whether that was because its receiver wants nothing more, ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub receiver_gone: bool,
}

impl Channel {
    /// Whether an event of that severity goes to it, if a rule leads it there.
    #[must_use]
    pub fn takes(&self, severity: Severity) -> bool {
        let filtered = match &self.config {
            Config::Email { severity_filter, .. } => {
                severity_filter.is_empty() || severity_filter.contains(&severity)
            }
            _ => true,
        };
        self.enabled && filtered
    }

    /// The channel's entity tag.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }
}

/// The type of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum ChannelType {
    /// A channel of a Slack workspace.
    Slack,
    /// Mailboxes.
    Email,
    /// An HTTPS endpoint that gets signed requests (Standard Webhooks).
    Webhook,
    /// A `PagerDuty` service, by its Events API v2.
    Pagerduty,
    /// A channel of Microsoft Teams, by an incoming webhook.
    Teams,
}

/// Where a channel leads. What callers give as a secret is encrypted, bound to the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Config {
    /// A channel of a Slack workspace. The workspace's bot token is the deployment's.
    Slack {
        /// The workspace's name.
        workspace: String,
        /// The channel's id.
        channel: String,
    },
    /// Mailboxes.
    Email {
        /// Their addresses.
        recipients: Vec<String>,
        /// The severities that are sent; all where there is none.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        severity_filter: BTreeSet<Severity>,
    },
    /// An HTTPS endpoint.
    Webhook {
        /// Its address.
        url: String,
        /// What requests to it are signed with, newest first.
        secrets: Vec<SigningSecret>,
    },
    /// A `PagerDuty` service.
    Pagerduty {
        /// Its routing key, encrypted.
        sealed_routing_key: String,
        /// The last four characters of the key, by which its owner knows it again.
        hint: String,
    },
    /// A channel of Microsoft Teams.
    Teams {
        /// The incoming webhook's address, which is all one needs to post: encrypted.
        sealed_url: String,
        /// The host in it, which is all that is told of it.
        host: String,
    },
}

impl Config {
    /// The type of channel that it is of.
    #[must_use]
    pub const fn channel_type(&self) -> ChannelType {
        match self {
            Self::Slack { .. } => ChannelType::Slack,
            Self::Email { .. } => ChannelType::Email,
            Self::Webhook { .. } => ChannelType::Webhook,
            Self::Pagerduty { .. } => ChannelType::Pagerduty,
            Self::Teams { .. } => ChannelType::Teams,
        }
    }

    /// Its encrypted secrets that are used at that moment.
    pub fn sealed(&mut self, now: Timestamp) -> Vec<&mut String> {
        match self {
            Self::Slack { .. } | Self::Email { .. } => Vec::new(),
            Self::Webhook { secrets, .. } => {
                let used = secrets.iter_mut().filter(|secret| secret.is_valid(now));
                used.map(|secret| &mut secret.sealed).collect()
            }
            Self::Pagerduty { sealed_routing_key: sealed, .. }
            | Self::Teams { sealed_url: sealed, .. } => vec![sealed],
        }
    }
}

/// A secret that requests to a webhook are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The secret as `whsec_…`, encrypted.
    pub sealed: String,
    /// When it ends, where another has taken its place.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

impl SigningSecret {
    /// Whether requests are signed with it at that moment.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|end| now < end)
    }
}

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, Deserr,
)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// Hours in which a channel holds back what is not critical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// An IANA time zone.
    pub timezone: String,
    /// When they begin, in minutes after midnight by the zone's clock: 0 to 1439.
    pub from: u16,
    /// When they end, likewise. At or before `from`: on the day after.
    pub to: u16,
    /// The days on which they begin.
    pub days: BTreeSet<Weekday>,
}
