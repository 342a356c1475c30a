//! What is due: tried again and again while the invocation lasts, so that pauses of seconds are kept.
//!
//! A channel that does not answer must not hold up the others. Of each channel a few attempts are under
//! way at most; what is due to it beyond them is passed by, and looked at again in the next pass.

use std::{
    collections::{BTreeSet, HashMap},
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
use tokio::task::JoinSet;

use crate::courier::Courier;

/// How many attempts are under way to one channel at once.
pub const AT_ONCE_PER_CHANNEL: usize = 4;

/// How many attempts are under way at once over all.
pub const AT_ONCE: usize = 64;

/// How long the invocation looks for what is due, in seconds: a little less than until the next one.
const SECONDS: i64 = 50;

/// How long before its deadline an invocation begins nothing more, in seconds: what has begun is done
/// by then.
const MARGIN: i64 = 55;

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

/// The attempts of one invocation.
struct Round<'a> {
    courier: &'a Courier,
    until: Timestamp,
    flights: JoinSet<(ChannelKey, Result<(), Error>)>,
    /// How many attempts are under way to each channel.
    under_way: HashMap<ChannelKey, usize>,
    /// Where deliveries go that were passed by: they need not be read again to be passed by again.
    passed_by: HashMap<DeliveryId, ChannelKey>,
    summary: Summary,
}

impl Courier {
    /// Tries what is due, and what falls due, until shortly before the deadline.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn schedule(&self, deadline: Timestamp) -> Result<Summary, Error> {
        let now = self.app.clock.now();
        // cargo-lambda tells a constant of 1970.
        let until = if deadline > now {
            deadline.plus_seconds(-MARGIN)
        } else {
            Timestamp::from_second(i64::MAX)
        };
        let mut round = Round {
            courier: self,
            until: until.min(now.plus_seconds(SECONDS)).max(now),
            flights: JoinSet::new(),
            under_way: HashMap::new(),
            passed_by: HashMap::new(),
            summary: Summary::default(),
        };
        let done = round.run().await;
        round.land_all().await;
        done.map(|()| round.summary)
    }
}

impl Round<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            let next = self.pass().await?;
            let now = self.courier.app.clock.now();
            let soonest = next.filter(|at| *at <= self.until);
            let pause = match (self.flights.is_empty(), soonest) {
                (true, None) => return Ok(()),
                (true, Some(at)) => millis(at, now),
                (false, _) => PAUSE,
            };
            if self.flights.is_empty() {
                wait(pause).await;
            } else {
                tokio::select! {
                    () = self.land_all() => {}
                    () = wait(pause) => {}
                }
            }
            if self.courier.app.clock.now() >= self.until {
                return Ok(());
            }
        }
    }

    /// Looks through the index once; tells when the next delivery falls due.
    async fn pass(&mut self) -> Result<Option<Timestamp>, Error> {
        self.summary.passes += 1;
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
        let due: Vec<_> = due.into_iter().filter(|it| self.has_room(it)).collect();
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
            let key = (delivery.organization_id, delivery.channel_id);
            let channel = match channels.get(&key) {
                Some(None) => continue,
                Some(channel) => channel.clone(),
                None => None,
            };
            if self.under_way.get(&key).is_some_and(|it| *it >= AT_ONCE_PER_CHANNEL) {
                self.passed_by.insert(delivery.id, key);
                continue;
            }
            while self.flights.len() >= AT_ONCE {
                self.land().await;
            }
            *self.under_way.entry(key).or_default() += 1;
            self.summary.tried += 1;
            let courier = self.courier.clone();
            self.flights
                .spawn(async move { (key, courier.attempt(delivery, channel.as_ref()).await) });
        }
        Ok(not_due.iter().filter_map(|it| it.due_at).min())
    }

    fn has_room(&self, due: &Due) -> bool {
        let key = self.passed_by.get(&due.id);
        let under_way = key.and_then(|key| self.under_way.get(key));
        under_way.is_none_or(|under_way| *under_way < AT_ONCE_PER_CHANNEL)
    }

    async fn land(&mut self) -> bool {
        let Some(landed) = self.flights.join_next().await else { return false };
        if let Ok((key, result)) = landed {
            if let Some(under_way) = self.under_way.get_mut(&key) {
                *under_way -= 1;
            }
            if let Err(error) = result {
                tracing::warn!(%error, "an attempt was not made");
            }
        }
        true
    }

    async fn land_all(&mut self) {
        while self.land().await {}
    }
}

fn millis(until: Timestamp, now: Timestamp) -> Duration {
    let left = until.as_millisecond().saturating_sub(now.as_millisecond());
    Duration::from_millis(left.try_into().unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "the time until something falls due")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
