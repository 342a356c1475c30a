//! One dead channel of ten, measured: what the others feel of it.

use std::{collections::BTreeMap, time::Duration};

use notification_delivery::Handled;
use serde_json::{Value, json};
use shared::model::notifications::channel::Channel;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

/// How many channels there are.
const CHANNELS: usize = 10;

/// How long a receiver that is dead is waited for, in milliseconds: longer than all others take together.
const DEAD_FOR: u64 = 2000;

/// How often each side is measured at least, one after the other.
const ROUNDS: usize = 7;

/// How often at most, where other work has made each of one side's rounds longer. A delay that the dead
/// channel makes is in all of them, however many.
const MOST_ROUNDS: usize = 28;

/// By how many times the healthy ones' p99 may be longer.
const BOUND: f64 = 1.2;

/// What hands the deliveries out.
#[derive(Clone, Copy)]
enum By {
    /// One batch of the stream.
    Batch,
    /// The batches of one part of the stream, one after the other.
    Batches,
    /// The schedule.
    Schedule,
}

impl By {
    /// How long receivers take to answer.
    fn answers_after(self) -> Duration {
        Duration::from_millis(match self {
            Self::Batch | Self::Schedule => 250,
            Self::Batches => 100,
        })
    }

    /// How many events there are, each for every channel. In a batch and in a run they are twice as many
    /// as attempts are under way at once.
    fn events(self) -> usize {
        match self {
            Self::Batch | Self::Schedule => 8,
            Self::Batches => 25,
        }
    }

    /// The time from one event to the next.
    fn every(self) -> Duration {
        Duration::from_millis(match self {
            Self::Batch | Self::Schedule => 0,
            Self::Batches => 60,
        })
    }
}

/// Ten channels, of which the last may be dead, and what they take until they have their deliveries.
struct Measurement {
    by: By,
    depot: Depot,
    healthy: Receiver,
    dead: Receiver,
    channels: Vec<Channel>,
}

impl Measurement {
    async fn new(by: By) -> Self {
        let depot = Depot::with(|settings| settings.timeout_milliseconds = DEAD_FOR).await;
        let healthy = Receiver::start(Manner::Late(by.answers_after())).await;
        let dead = Receiver::start(Manner::Silence).await;
        let mut channels = Vec::new();
        for _ in 1..CHANNELS {
            channels.push(depot.webhook(&healthy.url).await);
        }
        Self { by, depot, healthy, dead, channels }
    }

    /// The time in which 99 of 100 deliveries to the nine healthy channels have come, from when they were
    /// written.
    async fn p99(&self, with_dead: bool) -> Duration {
        let Self { by, depot, healthy, dead, channels } = self;
        let url = if with_dead { &dead.url } else { &healthy.url };
        // It is new each time: nobody knows yet that it is dead.
        let last = depot.webhook(url).await;
        let all: Vec<_> = channels.iter().chain([&last]).collect();
        let posted = (0..by.events() * CHANNELS)
            .map(|number| (all[number % CHANNELS], format!("evt-{}", number / CHANNELS)));
        let ids = depot.post_all(posted).await;
        let records = depot.world.inserts("DELIVERY#");
        let _ = healthy.take_seen();
        let began = Instant::now();
        match by {
            By::Batch => assert_eq!(depot.hand_over(records).await, json!([])),
            By::Batches => self.hand_over(&ids, &records, began).await,
            By::Schedule => drop(depot.run().await),
        }
        let arrivals: BTreeMap<_, _> = healthy
            .take_seen()
            .into_iter()
            .map(|it| (it.header("webhook-id").to_owned(), it.at))
            .collect();
        let time = |(number, id): (usize, &String)| {
            let written = began + by.every() * u32::try_from(number / CHANNELS).unwrap();
            // What does not come is later than anything.
            arrivals.get(id).map_or(Duration::MAX, |at| *at - written)
        };
        let is_healthy = |(number, _): &(usize, &String)| number % CHANNELS < channels.len();
        let mut times: Vec<_> = ids.iter().enumerate().filter(is_healthy).map(time).collect();
        times.sort();
        for item in depot.world.items_under("DELIVERY#") {
            depot.world.remove(item["PK"].as_str().unwrap(), "DELIVERY");
        }
        times[times.len() * 99 / 100]
    }

    /// Hands the records over as they are written, as Lambda does: a batch takes what there is, and the
    /// next one begins when it is answered, in another execution environment where need be.
    async fn hand_over(&self, ids: &[String], records: &[Value], began: Instant) {
        let record = |id: &String| {
            let is_its =
                |it: &&Value| it["dynamodb"]["Keys"]["PK"]["S"].as_str().unwrap().ends_with(id);
            records.iter().find(is_its).unwrap().clone()
        };
        let every = self.by.every();
        let records: Vec<_> = ids.iter().map(record).collect();
        let (mut environments, mut done) = (JoinSet::new(), 0);
        while done < records.len() {
            sleep_until(began + every * u32::try_from(done / CHANNELS).unwrap()).await;
            let events = began.elapsed().as_millis() / every.as_millis() + 1;
            let written = records.len().min(usize::try_from(events).unwrap() * CHANNELS);
            let Handled { answer, rest } = self.depot.answer(records[done..written].to_vec()).await;
            assert_eq!(answer["batchItemFailures"], json!([]));
            environments.spawn(async move {
                if let Some(mut lanes) = rest {
                    lanes.land_all().await;
                }
            });
            done = written;
        }
        environments.join_all().await;
    }

    /// By how many times the healthy ones' p99 is longer where the tenth channel is dead: of each side
    /// the shortest of the rounds, which take turns. What else the machine does can only make one longer.
    async fn ratio(&self) -> (f64, String) {
        self.p99(false).await;
        let (mut without, mut with) = (Vec::new(), Vec::new());
        let mut ratio = f64::INFINITY;
        while without.len() < ROUNDS || (ratio > BOUND && without.len() < MOST_ROUNDS) {
            without.push(self.p99(false).await);
            with.push(self.p99(true).await);
            without.sort();
            with.sort();
            ratio = with[0].as_secs_f64() / without[0].as_secs_f64();
        }
        (ratio, format!("{ratio:.2}; without a dead one {without:?}, with one {with:?}"))
    }
}

#[tokio::test]
async fn one_dead_channel_of_ten_is_not_felt_by_the_others_in_a_batch() {
    let (ratio, told) = Measurement::new(By::Batch).await.ratio().await;
    println!("{told}");
    assert!(ratio <= BOUND, "{told}");
}

#[tokio::test]
async fn one_dead_channel_of_ten_is_not_felt_by_the_others_from_batch_to_batch() {
    let (ratio, told) = Measurement::new(By::Batches).await.ratio().await;
    println!("{told}");
    assert!(ratio <= BOUND, "{told}");
}

#[tokio::test]
async fn one_dead_channel_of_ten_is_not_felt_by_the_others_in_a_run() {
    let (ratio, told) = Measurement::new(By::Schedule).await.ratio().await;
    println!("{told}");
    assert!(ratio <= BOUND, "{told}");
}
