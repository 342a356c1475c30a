//! One attempt to deliver: claimed, made, and written down.
//!
//! The claim moves the moment at which a delivery is due, on the condition that it still is the one that
//! was read; so of all who know of a delivery one makes the attempt. Whoever dies in it leaves the
//! delivery due again after a while: then it is sent twice at most, and both times under one id.

use std::{sync::Arc, time::Duration};

use shared::{
    call::{App, Call},
    clock::Timestamp,
    error::Error,
    model::notifications::{
        Severity,
        channel::Channel,
        delivery::{Attempt, Delivery, Status},
        event::EventName,
    },
};
use tokio::time::timeout;

use crate::{
    quiet_hours, retries,
    senders::{Outcome, Senders, Verdict},
};

/// After how long a delivery that is held back by quiet hours is looked at again, in seconds.
const HELD_SECONDS: i64 = 3600;

/// After how many seconds what was postponed by no fault of its channel is tried again.
const POSTPONED: i64 = 60;

/// What an attempt tells of its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It takes what it is sent.
    Works,
    /// There is no answer from it, or it wants to be left alone: the next attempt would go the same
    /// way.
    NoAnswer,
    /// Neither.
    Nothing,
}

impl From<&Outcome> for Finding {
    fn from(outcome: &Outcome) -> Self {
        match (&outcome.verdict, outcome.status) {
            (Verdict::Delivered, _) => Self::Works,
            (Verdict::Failed { .. }, None)
            | (Verdict::Failed { retry_after: Some(_), .. } | Verdict::Gone { .. }, _) => {
                Self::NoAnswer
            }
            _ => Self::Nothing,
        }
    }
}

/// What makes attempts.
#[derive(Clone)]
pub struct Courier {
    /// What the function works with.
    pub app: App,
    /// The ways out.
    pub senders: Senders,
    /// The invocation's id.
    pub request_id: Arc<str>,
}

/// An attempt that nobody else makes.
#[derive(Debug)]
pub(crate) struct Claimed {
    delivery: Delivery,
    to: To,
    at: Timestamp,
}

#[derive(Debug)]
enum To {
    Channel(Channel),
    Mailbox(String),
}

impl Courier {
    /// Begins to try a delivery that was read as due, to a channel that was read just now; `None` where
    /// it was deleted. Tells the attempt that is to be made; none where somebody else makes it, or
    /// nothing is to be sent now.
    ///
    /// # Errors
    /// 503 where the table cannot answer; then nothing is sent.
    pub(crate) async fn claim(
        &self,
        mut delivery: Delivery,
        channel: Option<Channel>,
    ) -> Result<Option<Claimed>, Error> {
        if delivery.status != Status::Queued {
            return Ok(None);
        }
        let now = self.app.clock.now();
        if let Some(to) = delivery.letter_to.clone() {
            let claimed = self.app.store.claim(&mut delivery, now).await?;
            return Ok(claimed.then_some(Claimed { delivery, to: To::Mailbox(to), at: now }));
        }
        let Some(channel) = channel else {
            self.give_up(delivery, "The channel was deleted.").await?;
            return Ok(None);
        };
        // A test is of what the channel is, not of when it is used.
        let is_test = delivery.event.name == EventName::Test;
        if !channel.enabled && !is_test {
            self.give_up(delivery, "The channel was disabled.").await?;
            return Ok(None);
        }
        if !is_test && let Some(until) = held_until(&delivery, &channel, now) {
            self.hold(delivery, until).await?;
            return Ok(None);
        }
        let claimed = self.app.store.claim(&mut delivery, now).await?;
        Ok(claimed.then_some(Claimed { delivery, to: To::Channel(channel), at: now }))
    }

    /// Makes an attempt, and writes it down. Tells what it has found out of the channel.
    pub(crate) async fn attempt(&self, claimed: Claimed) -> Finding {
        let Claimed { mut delivery, to, at } = claimed;
        let mut channel = match to {
            To::Channel(channel) => channel,
            To::Mailbox(to) => {
                let outcome = self.senders.mail(&delivery, &to, at).await;
                self.write_down(&mut delivery, outcome, at).await;
                return Finding::Nothing;
            }
        };
        let (outcome, noted_as_failing) = self.send(&delivery, &channel, at).await;
        if noted_as_failing {
            channel.failing_since = Some(at);
        }
        let (finding, verdict) = (Finding::from(&outcome), outcome.verdict.clone());
        self.write_down(&mut delivery, outcome, at).await;
        if let Err(error) = self.note_health(&channel, &delivery, &verdict).await {
            tracing::warn!(channel = %channel.id, %error, "how the channel fares was not noted");
        }
        if verdict == Verdict::Delivered
            && let Err(error) = self.reseal(&channel, &delivery).await
        {
            tracing::warn!(channel = %channel.id, %error, "its secrets were not encrypted anew");
        }
        finding
    }

    async fn write_down(&self, delivery: &mut Delivery, outcome: Outcome, began: Timestamp) {
        let claimed = delivery.due_at;
        self.note(delivery, outcome, began);
        match self.app.store.settle(claimed, delivery).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(delivery = %delivery.id, "it took longer than its claim"),
            // It is due again when the claim ends.
            Err(error) => tracing::error!(delivery = %delivery.id, %error, "not written down"),
        }
    }

    /// Sends. A channel that keeps it waiting is noted as failing before the time is up: whatever else
    /// comes for it meanwhile would wait as long. Tells whether that was noted.
    async fn send(
        &self,
        delivery: &Delivery,
        channel: &Channel,
        now: Timestamp,
    ) -> (Outcome, bool) {
        let mut sending = Box::pin(self.senders.send(delivery, channel, now));
        if channel.failing_since.is_some() {
            return (sending.await, false);
        }
        let patience = Duration::from_millis(self.senders.settings.timeout_milliseconds / 3);
        if let Ok(outcome) = timeout(patience, &mut sending).await {
            return (outcome, false);
        }
        let fails = self.app.store.channel_fails((delivery.organization_id, channel.id), now);
        let (outcome, noted) = tokio::join!(sending, fails);
        if let Err(error) = &noted {
            tracing::warn!(channel = %channel.id, %error, "its silence was not noted");
        }
        (outcome, noted.is_ok())
    }

    /// Writes into a delivery what its attempt has come to.
    fn note(&self, delivery: &mut Delivery, outcome: Outcome, began: Timestamp) {
        let Outcome { status, verdict, taken_by, refused_by } = outcome;
        let now = self.app.clock.now();
        delivery.taken_by.extend(taken_by);
        delivery.refused_by.extend(refused_by);
        let (reason, next) = match verdict {
            Verdict::Postponed { reason } => {
                delivery.reason = Some(reason);
                delivery.due_at = Some(now.plus_seconds(POSTPONED));
                return;
            }
            Verdict::Delivered => (None, None),
            Verdict::Refused { reason } | Verdict::Gone { reason } => (Some(reason), None),
            Verdict::Failed { reason, retry_after } => {
                // Whoever tries a channel waits for the answer.
                let again = delivery.event.name != EventName::Test;
                let attempts = delivery.attempts.len() + 1;
                let next = || retries::next(attempts, retry_after, now, &*self.app.random);
                (Some(reason), again.then(next).flatten())
            }
        };
        let milliseconds = now.as_millisecond().saturating_sub(began.as_millisecond());
        delivery.attempts.push(Attempt {
            at: began,
            succeeded: reason.is_none(),
            status,
            milliseconds: milliseconds.try_into().unwrap_or_default(),
            reason: reason.clone(),
        });
        delivery.status = match (&reason, next) {
            (None, _) => Status::Delivered,
            (_, Some(_)) => Status::Queued,
            (_, None) => Status::Failed,
        };
        delivery.reason = reason;
        delivery.due_at = next;
        if next.is_none() {
            delivery.due_shard = None;
        }
        tracing::info!(
            delivery = %delivery.id,
            channel = %delivery.channel_id,
            status = ?delivery.status,
            answer = status,
            attempts = delivery.attempts.len(),
            milliseconds,
            "tried",
        );
    }

    /// Ends a delivery that nothing can come of.
    async fn give_up(&self, mut delivery: Delivery, reason: &str) -> Result<(), Error> {
        let read = delivery.due_at.take();
        delivery.due_shard = None;
        delivery.status = Status::Failed;
        delivery.reason = Some(reason.to_owned());
        self.app.store.settle(read, &delivery).await.map(drop)
    }

    /// Lets a delivery wait for the end of quiet hours, and looks now and then whether they are still the
    /// same.
    async fn hold(&self, mut delivery: Delivery, until: Timestamp) -> Result<(), Error> {
        let look = self.app.clock.now().plus_seconds(HELD_SECONDS);
        let read = delivery.due_at.replace(until.min(look));
        delivery.reason = Some("It waits for the end of the channel's quiet hours.".to_owned());
        self.app.store.settle(read, &delivery).await.map(drop)
    }

    /// The invocation as a request of its own, for audit records.
    #[must_use]
    pub fn call(&self) -> Call {
        Call::new(&self.app, &self.request_id, None, None)
    }
}

/// When the quiet hours end that hold a delivery.
fn held_until(delivery: &Delivery, channel: &Channel, now: Timestamp) -> Option<Timestamp> {
    if delivery.event.severity == Severity::Critical {
        return None;
    }
    quiet_hours::held_until(channel.quiet_hours.as_ref()?, now)
}
