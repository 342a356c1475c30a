//! Lanes: what one channel is like is not felt by the others.

use std::sync::Arc;

use serde_json::json;
use shared::model::notifications::{
    channel::{Channel, Config},
    delivery::{Delivery, Status},
};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

/// How many attempts are under way to one channel at once.
const AT_ONCE: usize = notification_delivery::lanes::AT_ONCE_PER_CHANNEL;

async fn post(depot: &Depot, channel: &Channel, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for number in 0..count {
        deliveries.push(depot.post(channel, &format!("evt-{number}")).await);
    }
    deliveries
}

/// The deliveries that nobody has touched.
async fn untouched(depot: &Depot, deliveries: &[Delivery]) -> usize {
    let mut count = 0;
    for delivery in deliveries {
        count += usize::from(depot.read(delivery.id).await == *delivery);
    }
    count
}

#[tokio::test]
async fn what_waits_for_a_channel_that_does_not_answer_stays_due() {
    let depot = Depot::with(|settings| settings.timeout_milliseconds = 200).await;
    let dead = Receiver::start(Manner::Silence).await;
    let healthy = Receiver::start(Manner::status(200)).await;
    let to_dead = post(&depot, &depot.webhook(&dead.url).await, 20).await;
    post(&depot, &depot.webhook(&healthy.url).await, 20).await;
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!((dead.seen().len(), healthy.seen().len()), (AT_ONCE, 20));
    assert_eq!(untouched(&depot, &to_dead).await, 20 - AT_ONCE);
    // Of a channel that is known to fail one attempt finds out whether it still does.
    assert_eq!(depot.run().await.tried, 1);
    assert_eq!(dead.seen().len(), AT_ONCE + 1);
    assert_eq!(untouched(&depot, &to_dead).await, 20 - AT_ONCE - 1);
    // It answers again, and has all of them at the next run.
    dead.behave(Manner::status(200));
    depot.world.clock.advance_seconds(30);
    assert_eq!(depot.run().await.tried, 20);
    for delivery in &to_dead {
        assert_eq!(depot.fate(delivery).await.0, Status::Delivered);
    }
}

#[tokio::test]
async fn a_receiver_that_wants_to_be_left_alone_is() {
    let depot = Depot::new().await;
    let wish = vec![("retry-after", "120".to_owned())];
    let receiver = Receiver::start(Manner::Answer(429, wish, String::new())).await;
    let deliveries = post(&depot, &depot.webhook(&receiver.url).await, 20).await;
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!(receiver.seen().len(), AT_ONCE);
    assert_eq!(untouched(&depot, &deliveries).await, 20 - AT_ONCE);
}

/// It may be the one event that it cannot take.
#[tokio::test]
async fn an_answer_that_is_an_error_puts_nothing_off() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(500)).await;
    post(&depot, &depot.webhook(&receiver.url).await, 20).await;
    depot.stream().await;
    assert_eq!(receiver.seen().len(), 20);
}

#[tokio::test]
async fn however_many_channels_fail_one_that_works_is_not_kept_waiting() {
    let depot = Depot::new().await;
    let dead = Receiver::start(Manner::Silence).await;
    let healthy = Receiver::start(Manner::status(200)).await;
    for _ in 0..100 {
        let config = Config::Webhook { url: dead.url.clone(), secrets: Vec::new() };
        let since = depot.world.now();
        let channel = |it: &mut Channel| it.failing_since = Some(since);
        let channel = depot.channel(depot.new_channel_id(), config, channel).await;
        depot.post(&channel, "evt-1").await;
    }
    post(&depot, &depot.webhook(&healthy.url).await, 20).await;
    tokio::select! {
        _ = depot.run() => panic!("it has waited for those that do not answer"),
        () = healthy.received(20) => {}
    }
}

#[tokio::test]
async fn what_a_batch_has_no_time_for_is_the_schedule_s() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let deliveries = post(&depot, &depot.webhook(&receiver.url).await, 20).await;
    // Each attempt claims and settles; with the fourth claim six seconds are over.
    for _ in 0..AT_ONCE {
        let clock = Arc::clone(&depot.world.clock);
        depot.world.intrude("UpdateItem", move || clock.advance_milliseconds(1500));
    }
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!(receiver.seen().len(), AT_ONCE);
    assert_eq!(untouched(&depot, &deliveries).await, 20 - AT_ONCE);
    assert_eq!(depot.run().await.tried, 20 - AT_ONCE);
    assert_eq!(receiver.seen().len(), 20);
}
