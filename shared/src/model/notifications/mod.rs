//! Notifications: channels, the rules that lead events to them, and what was delivered.
//!
//! Channels and rules of an organization lie in one partition, so that one query reads all that an
//! event is matched against. A delivery is an item of its own, with its event in it: what is sent does
//! not change while it is tried again. Deliveries that are due lie in a sparse index, by the moment.

pub mod announcement;
pub mod channel;
pub mod delivery;
pub mod draft;
pub mod event;
pub mod rule;
#[cfg(feature = "secrets")]
pub mod secret;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{channel::Channel, event::Event, rule::Rule};
use crate::http::fault::Faults;

/// How many channels an organization may have: the deliveries of one event are written in one
/// transaction.
pub const MAX_CHANNELS: usize = 50;

/// How many rules an organization may have: a channel that is deleted is taken out of all of them in
/// one transaction.
pub const MAX_RULES: usize = 80;

/// How grave an event is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Deserr,
)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum Severity {
    /// To be known.
    Info,
    /// To be looked at some day.
    Low,
    /// To be looked at.
    Medium,
    /// To be looked at today.
    High,
    /// To be looked at now; quiet hours do not hold it.
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// An organization's channels and rules.
#[derive(Debug, Clone, Default)]
pub struct Notifications {
    /// Counts the changes of which channels and rules there are.
    pub version: u64,
    /// The channels, oldest first.
    pub channels: Vec<Channel>,
    /// The rules, oldest first.
    pub rules: Vec<Rule>,
}

impl Notifications {
    /// The channels that an event goes to, each once, however many rules lead to it.
    pub fn matching(&self, event: &Event) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(move |channel| {
            let leads = |rule: &Rule| rule.channel_ids.contains(&channel.id) && rule.matches(event);
            channel.takes(event.severity) && self.rules.iter().any(leads)
        })
    }
}
