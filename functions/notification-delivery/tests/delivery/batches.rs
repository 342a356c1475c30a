//! Batches of the stream that are answered before all receivers have.

use std::time::Duration;

use notification_delivery::Handled;
use serde_json::json;
use shared::model::notifications::delivery::{CLAIM_SECONDS, Status};
use tokio::time::timeout;

use crate::{
    depot::{Depot, partition},
    receiver::{Manner, Receiver},
};

/// How long is waited for an answer, in milliseconds.
const TIMEOUT: u64 = 3000;

async fn depot() -> Depot {
    Depot::with(|settings| settings.timeout_milliseconds = TIMEOUT).await
}

#[tokio::test]
async fn a_receiver_that_keeps_silent_does_not_hold_the_answer_back() {
    let depot = depot().await;
    let silent = Receiver::start(Manner::Silence).await;
    let delivery = depot.post(&depot.webhook(&silent.url).await, "evt-1").await;
    let answer = depot.answer(depot.world.inserts("DELIVERY#"));
    let Handled { answer, rest } =
        timeout(Duration::from_millis(TIMEOUT / 2), answer).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let under_way = depot.read(delivery.id).await;
    assert!(under_way.attempts.is_empty() && under_way.due_at > delivery.due_at);
    rest.unwrap().land_all().await;
    assert_eq!(depot.read(delivery.id).await.attempts.len(), 1);
}

#[tokio::test]
async fn what_receivers_answer_soon_is_done_with_the_answer() {
    let depot = depot().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    let handled = depot.answer(depot.world.inserts("DELIVERY#")).await;
    assert!(handled.rest.is_none());
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
}

#[tokio::test]
async fn who_dies_after_the_answer_loses_nothing() {
    let depot = depot().await;
    let receiver = Receiver::start(Manner::Silence).await;
    let channel = depot.webhook(&receiver.url).await;
    for number in 0..20 {
        depot.post(&channel, &format!("evt-{number}")).await;
    }
    let handled = depot.answer(depot.world.inserts("DELIVERY#")).await;
    let begun = receiver.seen().len();
    assert!(begun > 0);
    // The death.
    drop(handled);
    receiver.behave(Manner::status(200));
    assert_eq!(depot.run().await.tried, 20 - begun);
    depot.world.clock.advance_seconds(CLAIM_SECONDS);
    assert_eq!(depot.run().await.tried, begun);
    for item in depot.world.items_under("DELIVERY#") {
        assert_eq!(item["status"], "delivered", "{item}");
    }
}

#[tokio::test]
async fn a_channel_that_keeps_silent_is_noted_as_failing_before_its_time_is_up() {
    let depot = depot().await;
    let silent = Receiver::start(Manner::Silence).await;
    let channel = depot.webhook(&silent.url).await;
    depot.post(&channel, "evt-1").await;
    let handled = depot.answer(depot.world.inserts("DELIVERY#")).await;
    let mut lanes = handled.rest.unwrap();
    let noted = async {
        while depot.read_channel(&channel).await.failing_since.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = lanes.land_all() => panic!("the attempt has ended before"),
        () = noted => {}
    }
    // So the next batch leaves it alone.
    let second = depot.post(&channel, "evt-2").await;
    let records = depot.world.inserts(&partition(&second));
    assert!(depot.answer(records).await.rest.is_none());
    assert_eq!((silent.seen().len(), depot.read(second.id).await), (1, second));
    lanes.land_all().await;
    assert!(depot.read_channel(&channel).await.failing_since.is_some());
}

#[tokio::test]
async fn one_that_answers_late_works_again() {
    let depot = depot().await;
    let late = Receiver::start(Manner::Late(Duration::from_millis(TIMEOUT / 2))).await;
    let channel = depot.webhook(&late.url).await;
    let delivery = depot.post(&channel, "evt-1").await;
    let _ = depot.world.take_calls();
    assert_eq!(depot.stream().await, json!([]));
    // Claimed, noted as silent, settled, and noted as one that works.
    let calls = depot.world.take_calls();
    assert_eq!(calls.iter().filter(|(name, _)| name == "UpdateItem").count(), 4);
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
    assert_eq!(depot.read_channel(&channel).await.failing_since, None);
}
