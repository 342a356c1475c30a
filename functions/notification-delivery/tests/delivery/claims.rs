//! Deliveries that several try at once, or that whoever tries them dies over.

use std::collections::{BTreeMap, BTreeSet};

use harness::{Fault, at_once};
use serde_json::json;
use shared::model::notifications::delivery::{CLAIM_SECONDS, Status};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

#[tokio::test]
async fn of_those_who_try_at_once_one_sends() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    depot.world.gather("UpdateItem", 4);
    let records = depot.world.inserts("DELIVERY#");
    let answers = at_once((0..4).map(|_| depot.hand_over(records.clone()))).await;
    assert_eq!(answers, [json!([]), json!([]), json!([]), json!([])]);
    assert_eq!(receiver.seen().len(), 1);
    let delivered = depot.read(delivery.id).await;
    assert_eq!((delivered.status, delivered.attempts.len()), (Status::Delivered, 1));
}

#[tokio::test]
async fn the_stream_and_the_schedule_do_not_send_the_same() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url).await;
    for number in 0..20 {
        depot.post(&channel, &format!("evt-{number}")).await;
    }
    tokio::join!(depot.stream(), depot.run(), depot.run());
    depot.run().await;
    let ids: BTreeSet<_> =
        receiver.seen().iter().map(|it| it.header("webhook-id").to_owned()).collect();
    assert_eq!((receiver.seen().len(), ids.len()), (20, 20));
}

#[tokio::test]
async fn what_was_sent_and_not_written_down_is_sent_again_under_its_id() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    depot.world.order_after("UpdateItem", "UpdateItem", Fault::Refused, 3);
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!(receiver.seen().len(), 1);
    // For as long as the claim holds it might be under way still.
    depot.world.clock.advance_seconds(CLAIM_SECONDS - 1);
    depot.run().await;
    assert_eq!(receiver.seen().len(), 1);
    depot.world.clock.advance_seconds(1);
    depot.run().await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|it| it.header("webhook-id") == delivery.id.to_string()));
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
}

/// In production the index follows the table with a delay.
#[tokio::test]
async fn what_the_index_tells_of_old_is_not_tried_before_its_time() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(500)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    let new = depot.in_index(&delivery);
    depot.stream().await;
    let waiting = depot.read(delivery.id).await;
    assert!(waiting.due_at.unwrap() > depot.world.now());
    depot.world.answer("Query", &new);
    assert_eq!(depot.run().await.tried, 0);
    assert_eq!(depot.read(delivery.id).await, waiting);
    assert_eq!(receiver.seen().len(), 1);
    // When it is due it is tried, and what comes of it is its end.
    receiver.behave(Manner::status(200));
    let before = depot.in_index(&delivery);
    assert_eq!(depot.run_when_due(&delivery).await.status, Status::Delivered);
    for row in [new, before] {
        depot.world.answer("Query", &row);
        assert_eq!(depot.run().await.tried, 0);
    }
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test]
async fn what_another_tries_is_not_tried_though_the_index_does_not_tell_yet() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    let new = depot.in_index(&delivery);
    let (mut claimed, store) = (delivery.clone(), &depot.world.app.store);
    assert!(store.claim(&mut claimed, depot.world.now()).await.unwrap());
    depot.world.answer("Query", &new);
    assert_eq!(depot.run().await.tried, 0);
    assert!(receiver.seen().is_empty());
    assert_eq!(depot.read(delivery.id).await, claimed);
}

/// Ten thousand deliveries, in a hundred batches; instances die at some call or other, and answers of
/// the table are lost.
#[tokio::test]
async fn nothing_is_lost_and_nothing_is_new_however_often_it_dies() {
    const BATCHES: usize = 100;
    const EACH: usize = 100;
    const CHANNELS: usize = 20;
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    // Several, so that one run is enough for most of a batch.
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(depot.webhook(&receiver.url).await);
    }
    let (mut expected, mut died) = (BTreeSet::new(), 0);
    for batch in 0..BATCHES {
        let posted =
            (0..EACH).map(|number| (&channels[number % CHANNELS], format!("evt-{batch}-{number}")));
        expected.extend(depot.post_all(posted).await);
        let records = depot.world.inserts("DELIVERY#");
        // Mixed, so that each instance dies at another point: before, in and after the claims.
        let calls = (batch * 37) % (2 * EACH + 5);
        if batch % 3 == 0 {
            depot.world.order("UpdateItem", Fault::AnswerLost, batch % 7);
        }
        let done = depot.world.until_death(calls, depot.hand_over(records)).await;
        died += usize::from(done.is_none());
        depot.world.heal();
        let ended = done.is_none() && batch % 2 == 0;
        if ended {
            depot.world.until_death(calls / 2, depot.run()).await;
        }
        // What was claimed by the dead is due again; what is done is taken away, for the tests' speed.
        depot.world.clock.advance_seconds(CLAIM_SECONDS);
        // A run that has no time left begins a few attempts to a channel, and no more.
        while depot.run().await.tried > 0 {}
        for item in depot.world.items_under("DELIVERY#") {
            assert_eq!(item["status"], "delivered", "{item}");
            depot.world.remove(item["PK"].as_str().unwrap(), "DELIVERY");
        }
    }
    let mut counts = BTreeMap::<String, usize>::new();
    for seen in receiver.seen() {
        *counts.entry(seen.header("webhook-id").to_owned()).or_default() += 1;
    }
    assert_eq!(expected.len(), BATCHES * EACH);
    // None is lost, and no id is there that was not expected: a message that comes twice comes under
    // the id that it had.
    assert_eq!(counts.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(died > BATCHES / 2, "{died}");
    assert!(counts.values().any(|count| *count > 1), "no death came between sending and noting");
}
