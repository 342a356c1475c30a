//! Channels that are deleted, disabled or quiet when it is time to send.

use shared::model::notifications::{
    Severity,
    channel::{Channel, Config, QuietHours, Weekday},
    delivery::Status,
    event::Event,
};

use crate::{
    depot::{Depot, event},
    receiver::{Manner, Receiver},
};

/// A webhook that is quiet when the world begins, until two hours later.
async fn quiet(depot: &Depot, receiver: &Receiver) -> Channel {
    let hours = QuietHours {
        timezone: "Europe/Paris".to_owned(),
        from: 15 * 60,
        to: 18 * 60,
        days: [Weekday::Fri].into(),
    };
    let config = Config::Webhook { url: receiver.url.clone(), secrets: Vec::new() };
    depot.channel(depot.new_channel_id(), config, |it| it.quiet_hours = Some(hours)).await
}

#[tokio::test]
async fn quiet_hours_hold_until_their_end() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&quiet(&depot, &receiver).await, "evt-1").await;
    depot.stream().await;
    let held = depot.read(delivery.id).await;
    assert_eq!((held.status, held.attempts.len()), (Status::Queued, 0));
    // They may be changed meanwhile.
    assert_eq!(held.due_at.unwrap().to_string(), "2026-03-27T16:00:00Z");
    depot.world.clock.advance_minutes(60);
    depot.run().await;
    let held = depot.read(delivery.id).await;
    assert_eq!(held.due_at.unwrap().to_string(), "2026-03-27T17:00:00Z");
    let reason = "It waits for the end of the channel's quiet hours.";
    assert_eq!(held.reason.as_deref(), Some(reason));
    depot.world.clock.advance_minutes(59);
    depot.run().await;
    assert!(receiver.seen().is_empty());
    let released = depot.run_when_due(&delivery).await;
    assert_eq!((released.status, released.reason), (Status::Delivered, None));
}

#[tokio::test]
async fn quiet_hours_that_are_taken_away_release_what_they_held_within_the_hour() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = quiet(&depot, &receiver).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let partition = format!("NOTIFY#{}", depot.person().organization_id);
    let mut items = depot.world.raw_items(&partition);
    items.retain(|item| item["SK"]["S"] == channel.id.to_string());
    let mut item = items.remove(0);
    item.as_object_mut().unwrap().remove("quiet_hours");
    depot.world.put(&item);
    depot.world.clock.advance_minutes(60);
    depot.run().await;
    assert_eq!(depot.read(delivery.id).await.status, Status::Delivered);
}

#[tokio::test]
async fn what_is_critical_and_what_is_a_test_passes_quiet_hours() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = quiet(&depot, &receiver).await;
    let critical = Event { severity: Severity::Critical, ..event("evt-1", depot.world.now()) };
    let critical = depot.post_event(&channel, &critical).await;
    let test = depot.post_test(&channel, "evt-2").await;
    depot.stream().await;
    assert_eq!(depot.fate(&critical).await.0, Status::Delivered);
    assert_eq!(depot.fate(&test).await.0, Status::Delivered);
}

#[tokio::test]
async fn what_was_matched_to_a_channel_that_is_gone_or_off_has_failed() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let config = || Config::Webhook { url: receiver.url.clone(), secrets: Vec::new() };
    let off = depot.channel(depot.new_channel_id(), config(), |it| it.enabled = false).await;
    let gone = depot.channel(depot.new_channel_id(), config(), |_| {}).await;
    let (to_off, to_gone) = (depot.post(&off, "evt-1").await, depot.post(&gone, "evt-1").await);
    let partition = format!("NOTIFY#{}", depot.person().organization_id);
    depot.world.remove(&partition, &gone.id.to_string());
    depot.stream().await;
    let failed = |reason: &str| (Status::Failed, reason.to_owned());
    assert_eq!(depot.fate(&to_off).await, failed("The channel was disabled."));
    assert_eq!(depot.fate(&to_gone).await, failed("The channel was deleted."));
    assert!(receiver.seen().is_empty());
    depot.run().await;
    assert!(receiver.seen().is_empty());
}

#[tokio::test]
async fn a_channel_that_does_not_decode_is_not_taken_for_a_deleted_one() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url).await;
    let delivery = depot.post(&channel, "evt-1").await;
    let mut broken = depot.world.inserts("NOTIFY#");
    broken.retain(|it| it["dynamodb"]["Keys"]["SK"]["S"] == channel.id.to_string());
    let mut item = broken.remove(0)["dynamodb"]["NewImage"].take();
    let whole = item.clone();
    item["config"] = serde_json::json!({"S": "lost"});
    depot.world.put(&item);
    depot.stream().await;
    depot.run().await;
    assert_eq!(depot.fate(&delivery).await, (Status::Queued, String::new()));
    depot.world.put(&whole);
    depot.run().await;
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
}
