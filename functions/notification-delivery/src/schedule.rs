//! What is due: tried again and again while the invocation lasts, so that pauses of seconds are kept.

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    time::Duration,
};

use serde::Serialize;
use shared::{
    clock::Timestamp,
    error::Error,
    ids::DeliveryId,
    model::notifications::delivery::{Delivery, SHARDS},
    store::{ChannelKey, Due, MAX_AT_ONCE},
};

use crate::{courier::Courier, lanes::Lanes};

/// How long the invocation looks for what is due, in seconds: a little less than until the next one.
const SECONDS: i64 = 50;

/// The time from one pass to the next while attempts are under way.
const PAUSE: Duration = Duration::from_secs(1);

/// What was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many deliveries were tried, held or given up.
    pub tried: usize,
    /// How many times the index was looked through.
    pub passes: usize,
}

/// The passes of one invocation.
struct Round<'a> {
    courier: &'a Courier,
    until: Timestamp,
    lanes: Lanes,
    /// Where deliveries go that were passed by: they need not be read again to be passed by again.
    passed_by: HashMap<DeliveryId, ChannelKey>,
    passes: usize,
}

impl Courier {
    /// Tries what is due, and what falls due, until shortly before the deadline.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn schedule(&self, deadline: Timestamp) -> Result<Summary, Error> {
        let until = self.until(deadline, SECONDS);
        let mut round = Round {
            courier: self,
            until,
            lanes: Lanes::new(self.clone(), until),
            passed_by: HashMap::new(),
            passes: 0,
        };
        let done = round.run().await;
        round.lanes.land_all().await;
        done.map(|()| Summary { tried: round.lanes.begun, passes: round.passes })
    }
}

impl Round<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            let next = self.pass().await?;
            let now = self.courier.app.clock.now();
            let soonest = next.filter(|at| *at <= self.until);
            if !self.lanes.are_idle() {
                self.fly().await;
            } else if let Some(at) = soonest {
                wait(millis(at, now)).await;
            } else {
                return Ok(());
            }
            if self.courier.app.clock.now() >= self.until {
                return Ok(());
            }
        }
    }

    /// Lets attempts end, until it is time for the next pass.
    async fn fly(&mut self) {
        let mut pause = pin!(wait(PAUSE));
        while !self.lanes.are_idle() && !self.lanes.want_more() {
            tokio::select! {
                _ = self.land() => {}
                () = &mut pause => return,
            }
        }
    }

    /// Looks through the index once; tells when the next delivery falls due.
    async fn pass(&mut self) -> Result<Option<Timestamp>, Error> {
        self.passes += 1;
        self.lanes.look_again();
        let mut next: Option<Timestamp> = None;
        for shard in 0..SHARDS {
            let mut start = None;
            loop {
                let page = self.courier.app.store.due(shard, self.until, start.take()).await?;
                let now = self.courier.app.clock.now();
                let (due, later): (Vec<_>, Vec<_>) =
                    page.due.into_iter().partition(|it| it.at <= now);
                let late = self.begin(due, now).await?;
                next = next.into_iter().chain(later.first().map(|it| it.at)).chain(late).min();
                start = page.end;
                // The index is sorted by the moment: beyond the first that is not due none is.
                if start.is_none() || !later.is_empty() {
                    break;
                }
            }
        }
        Ok(next)
    }

    /// Begins the attempts of what is due, as far as their channels have room; tells when the next of
    /// them falls due that the index has told too early.
    async fn begin(&mut self, due: Vec<Due>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let due: Vec<_> = due.into_iter().filter(|it| self.is_wanted(it)).collect();
        debug_assert!(due.len() <= MAX_AT_ONCE);
        let read = self.courier.app.store.deliveries(&due).await?;
        // The index follows the table with a delay: what it tells may be under way by now, or have
        // been put off. The delivery itself says when it is due.
        let is_due = |it: &Delivery| it.due_at.is_some_and(|at| at <= now);
        let (deliveries, not_due): (Vec<_>, Vec<_>) = read.into_iter().partition(is_due);
        let wanted: BTreeSet<_> =
            deliveries.iter().map(|it| (it.organization_id, it.channel_id)).collect();
        let channels = self.courier.app.store.channels_now(&wanted).await?;
        for delivery in deliveries {
            let (id, key) = (delivery.id, (delivery.organization_id, delivery.channel_id));
            let channel = match channels.get(&key) {
                Some(None) => continue,
                Some(channel) => channel.as_ref(),
                None => None,
            };
            if !self.lanes.add(delivery, channel) {
                self.passed_by.insert(id, key);
            }
        }
        self.lanes.begin();
        Ok(not_due.iter().filter_map(|it| it.due_at).min())
    }

    /// Whether a delivery is to be read: it does not wait already, and its channel has room for it.
    fn is_wanted(&mut self, due: &Due) -> bool {
        let has_room = self.passed_by.get(&due.id).is_none_or(|key| self.lanes.have_room(key));
        has_room && !self.lanes.hold(due.id)
    }

    async fn land(&mut self) -> bool {
        let Some((delivery, result)) = self.lanes.land().await else { return false };
        if let Err(error) = result {
            tracing::warn!(%delivery, %error, "an attempt was not made");
        }
        true
    }
}

fn millis(until: Timestamp, now: Timestamp) -> Duration {
    let left = until.as_millisecond().saturating_sub(now.as_millisecond());
    Duration::from_millis(left.try_into().unwrap_or_default())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time until something falls due, or was waited for long enough"
)]
pub(crate) async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
