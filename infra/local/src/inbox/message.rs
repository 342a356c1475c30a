//! What was caught, and the place where it is kept: in memory, the newest 200.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::clock::now;

/// How many messages are kept.
pub(super) const KEPT: usize = 200;

/// How something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mail,
    Slack,
    Webhook,
    PagerDuty,
    Teams,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Mail, Self::Slack, Self::Webhook, Self::PagerDuty, Self::Teams];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Slack => "slack",
            Self::Webhook => "webhook",
            Self::PagerDuty => "pagerduty",
            Self::Teams => "teams",
        }
    }

    /// The kind of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// The mail's recipients, the channel, or the receiver's name.
    pub(super) to: String,
    /// The subject, or what comes nearest to one.
    pub(super) title: String,
    /// What a person would read.
    pub(super) body: String,
    /// All of it, as it came.
    pub(super) source: Value,
    /// What the sender was answered.
    pub(super) answer: String,
}

/// A message that is kept.
#[derive(Debug, Clone)]
pub(super) struct Caught {
    /// Counted from 1.
    pub(super) id: u64,
    /// RFC 3339, UTC, whole seconds.
    pub(super) received_at: String,
    pub(super) message: Message,
}

impl Caught {
    pub(super) fn to_json(&self) -> Value {
        let Message { kind, to, title, body, source, answer } = &self.message;
        json!({
            "id": self.id, "received_at": self.received_at, "kind": kind.name(), "to": to,
            "title": title, "body": body, "answer": answer, "source": source,
        })
    }
}

/// What was caught.
#[derive(Debug, Default)]
pub(super) struct Store(Mutex<(u64, VecDeque<Caught>)>);

impl Store {
    /// Keeps a message.
    pub(super) fn add(&self, message: Message) {
        let time = now();
        let second = jiff::Timestamp::from_second(time.as_second()).unwrap_or(time);
        let (last, caught) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        caught.push_front(Caught { id: *last, received_at: second.to_string(), message });
        caught.truncate(KEPT);
    }

    /// The messages of a kind, or all, newest first.
    pub(super) fn list(&self, kind: Option<Kind>) -> Vec<Caught> {
        let (_, caught) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |it: &&Caught| kind.is_none_or(|kind| it.message.kind == kind);
        caught.iter().filter(wanted).cloned().collect()
    }
}
