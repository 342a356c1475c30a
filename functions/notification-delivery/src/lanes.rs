//! Lanes: what one invocation has to send, divided by channel. Each channel has a few attempts under
//! way at once, and goes on as soon as one of them ends, however the others fare.
//!
//! A channel that does not answer is left alone until the next invocation: what waits for it stays due,
//! and is not tried one after the other, at 15 seconds each. Those that are known to fail have places of
//! their own, one for each, so that however many of them there are, the others find theirs free.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
};

use shared::{
    clock::Timestamp,
    error::Error,
    ids::DeliveryId,
    model::notifications::{channel::Channel, delivery::Delivery},
    store::ChannelKey,
};
use tokio::{sync::mpsc, task::JoinSet};

use crate::courier::{Courier, Finding};

/// How many attempts are under way to one channel at once.
pub const AT_ONCE_PER_CHANNEL: usize = 4;

/// How many attempts are under way at once over all channels that work. Each takes a connection, of
/// which Lambda allows 1,024, and up to 50 KB.
const AT_ONCE: usize = 192;

/// How many are besides them to channels that fail.
const AT_ONCE_TO_FAILING: usize = 64;

/// How many deliveries wait for one channel at most.
const DEPTH: usize = 100;

/// For how long after it was read a channel is gone by, in seconds: it may be changed, disabled or
/// deleted meanwhile.
const FRESH: i64 = 10;

/// How long before its deadline an invocation begins nothing more, in seconds: what has begun is done
/// by then, and a mail to many recipients takes three times as long as a request.
const MARGIN: i64 = 55;

/// The lanes of one invocation.
pub struct Lanes {
    courier: Courier,
    /// When nothing is begun any more.
    until: Timestamp,
    by_channel: HashMap<ChannelKey, Lane>,
    /// The lanes in which something waits, in the order in which they have their turn.
    turns: VecDeque<ChannelKey>,
    waiting: HashSet<DeliveryId>,
    flights: JoinSet<Landing>,
    /// What those that were begun first hold until it is clear whether they are made.
    claiming: Option<Claiming>,
    /// How many of them are to channels that fail.
    to_failing: usize,
    /// How many attempts were begun.
    pub(crate) begun: usize,
}

struct Lane {
    channel: Option<Channel>,
    read_at: Timestamp,
    fails: bool,
    waiting: VecDeque<Delivery>,
    under_way: usize,
    /// Whether nothing more is sent to it in this invocation.
    shut: bool,
    /// Whether there is more that is due to it than has found room.
    more: bool,
}

/// An attempt that has ended.
struct Landing {
    key: ChannelKey,
    delivery: DeliveryId,
    to_failing: bool,
    result: Result<Finding, Error>,
    /// Where there was no attempt to be made, or no telling.
    _claiming: Option<Claiming>,
}

/// Is held by attempts that are not claimed yet; whoever wants to know when all are waits for the other
/// end to find nobody.
type Claiming = mpsc::Sender<Infallible>;

impl Courier {
    /// Until when an invocation begins attempts that may take that many seconds to begin.
    pub(crate) fn until(&self, deadline: Timestamp, seconds: i64) -> Timestamp {
        let now = self.app.clock.now();
        // cargo-lambda tells a constant of 1970.
        let until = if deadline > now {
            deadline.plus_seconds(-MARGIN)
        } else {
            Timestamp::from_second(i64::MAX)
        };
        until.min(now.plus_seconds(seconds)).max(now)
    }
}

impl Lanes {
    pub(crate) fn new(courier: Courier, until: Timestamp) -> Self {
        Self {
            courier,
            until,
            by_channel: HashMap::new(),
            turns: VecDeque::new(),
            waiting: HashSet::new(),
            flights: JoinSet::new(),
            claiming: None,
            to_failing: 0,
            begun: 0,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn are_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether the delivery waits already.
    pub(crate) fn hold(&self, delivery: DeliveryId) -> bool {
        self.waiting.contains(&delivery)
    }

    /// Whether something more could wait for the channel; if not, it is noted that there is more.
    pub(crate) fn have_room(&mut self, channel: &ChannelKey) -> bool {
        let Some(lane) = self.by_channel.get_mut(channel) else { return true };
        let room = !lane.shut && lane.waiting.len() < DEPTH;
        lane.more |= !room;
        room
    }

    /// Whether a channel that could be sent to has nothing left that waits, and there is more.
    pub(crate) fn want_more(&self) -> bool {
        self.by_channel.values().any(|it| it.more && it.waiting.is_empty() && it.is_free())
    }

    /// Notes that all that is due is about to be looked through again.
    pub(crate) fn look_again(&mut self) {
        for lane in self.by_channel.values_mut() {
            lane.more = false;
        }
    }

    /// Lets a delivery wait for its channel, which was read just now; tells whether it found room.
    pub(crate) fn add(&mut self, delivery: Delivery, channel: Option<&Channel>) -> bool {
        let key = (delivery.organization_id, delivery.channel_id);
        let lane = self.by_channel.entry(key).or_insert_with(Lane::new);
        lane.channel = channel.cloned();
        lane.read_at = self.courier.app.clock.now();
        lane.fails = channel.is_some_and(|it| it.failing_since.is_some());
        if !self.have_room(&key) {
            return false;
        }
        let Some(lane) = self.by_channel.get_mut(&key) else { return false };
        if lane.waiting.is_empty() {
            self.turns.push_back(key);
        }
        self.waiting.insert(delivery.id);
        lane.waiting.push_back(delivery);
        true
    }

    /// Begins the first attempts; tells what receives nothing, and ends once all of them are claimed.
    pub(crate) fn begin_first(&mut self) -> mpsc::Receiver<Infallible> {
        let (claiming, claimed) = mpsc::channel(1);
        self.claiming = Some(claiming);
        self.begin();
        self.claiming = None;
        claimed
    }

    /// Begins the attempts that there are places for, a lane's one after the next lane's.
    pub(crate) fn begin(&mut self) {
        let now = self.courier.app.clock.now();
        let mut passed = 0;
        while passed < self.turns.len() {
            let Some(key) = self.turns.pop_front() else { return };
            let Some(lane) = self.by_channel.get_mut(&key) else { continue };
            if lane.shut || now > self.until || now.seconds_since(lane.read_at) > FRESH {
                lane.more = true;
                self.put_off(key);
                continue;
            }
            let to_working = self.flights.len() - self.to_failing;
            let has_place = if lane.fails {
                self.to_failing < AT_ONCE_TO_FAILING
            } else {
                to_working < AT_ONCE
            };
            if !has_place || !lane.is_free() {
                self.turns.push_back(key);
                passed += 1;
                continue;
            }
            let Some(delivery) = lane.waiting.pop_front() else { continue };
            if !lane.waiting.is_empty() {
                self.turns.push_back(key);
            }
            lane.under_way += 1;
            let (courier, channel, to_failing) =
                (self.courier.clone(), lane.channel.clone(), lane.fails);
            self.to_failing += usize::from(to_failing);
            self.begun += 1;
            self.waiting.remove(&delivery.id);
            let claiming = self.claiming.clone();
            self.flights.spawn(async move {
                let id = delivery.id;
                let (result, claiming) = match courier.claim(delivery, channel).await {
                    Ok(Some(claimed)) => {
                        drop(claiming);
                        (Ok(courier.attempt(claimed).await), None)
                    }
                    Ok(None) => (Ok(Finding::Nothing), claiming),
                    Err(error) => (Err(error), claiming),
                };
                Landing { key, delivery: id, to_failing, result, _claiming: claiming }
            });
            passed = 0;
        }
    }

    /// Waits for an attempt to end, and begins what it has made room for; tells which delivery it was
    /// of, and whether the table had an answer. `None` where nothing is under way.
    pub(crate) async fn land(&mut self) -> Option<(DeliveryId, Result<(), Error>)> {
        loop {
            let landing = match self.flights.join_next().await? {
                Ok(landing) => landing,
                Err(error) => {
                    tracing::error!(%error, "an attempt has come to no end");
                    continue;
                }
            };
            let Landing { key, delivery, to_failing, result, _claiming } = landing;
            self.to_failing -= usize::from(to_failing);
            if let Some(lane) = self.by_channel.get_mut(&key) {
                lane.under_way -= 1;
                match result {
                    Ok(Finding::Works) => lane.works(),
                    Ok(Finding::NoAnswer) => lane.shut = true,
                    Ok(Finding::Nothing) | Err(_) => {}
                }
            }
            self.begin();
            return Some((delivery, result.map(drop)));
        }
    }

    /// Lets all attempts end, and those that they make room for. What the table has no answer for stays
    /// due.
    pub async fn land_all(&mut self) {
        while let Some((delivery, result)) = self.land().await {
            if let Err(error) = result {
                tracing::warn!(%delivery, %error, "an attempt was not made");
            }
        }
    }

    /// Leaves what waits for a channel to a later invocation, or to when the channel was read again: it
    /// stays due.
    fn put_off(&mut self, key: ChannelKey) {
        let Some(lane) = self.by_channel.get_mut(&key) else { return };
        tracing::info!(channel = %key.1, deliveries = lane.waiting.len(), "put off");
        for delivery in lane.waiting.drain(..) {
            self.waiting.remove(&delivery.id);
        }
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            channel: None,
            read_at: Timestamp::from_second(0),
            fails: false,
            waiting: VecDeque::new(),
            under_way: 0,
            shut: false,
            more: false,
        }
    }

    /// Notes that the channel works, so that it is not written down at each delivery.
    fn works(&mut self) {
        self.fails = false;
        if let Some(channel) = &mut self.channel {
            channel.failing_since = None;
        }
    }

    /// Whether an attempt more could be under way.
    fn is_free(&self) -> bool {
        // Where it fails, one attempt finds out whether it still does.
        let at_once = if self.fails { 1 } else { AT_ONCE_PER_CHANNEL };
        !self.shut && self.under_way < at_once
    }
}
