//! Channels that fail: tried apart from the others, given up after days, and enabled again.

use serde_json::json;
use shared::model::notifications::{channel::Config, delivery::Status};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
    smtp::Smtp,
};

const FIVE_DAYS: i64 = 5 * 24 * 60;

#[tokio::test]
async fn a_channel_that_fails_is_left_to_the_schedule_until_it_works() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(500)).await;
    let channel = depot.webhook(&receiver.url).await;
    depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let failing = depot.read_channel(&channel).await;
    assert_eq!(failing.failing_since, Some(depot.world.now()));
    assert_eq!(failing.version, channel.version);
    receiver.behave(Manner::status(200));
    let second = depot.post(&channel, "evt-2").await;
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!(receiver.seen().len(), 1);
    depot.run().await;
    assert_eq!(depot.fate(&second).await.0, Status::Delivered);
    assert_eq!(depot.read_channel(&channel).await.failing_since, None);
    let third = depot.post(&channel, "evt-3").await;
    depot.stream().await;
    assert_eq!(depot.fate(&third).await.0, Status::Delivered);
}

#[tokio::test]
async fn after_five_days_of_failures_alone_it_is_disabled_and_a_test_that_passes_enables_it() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(500)).await;
    let channel = depot.webhook(&receiver.url).await;
    let first = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    depot.world.clock.advance_minutes(FIVE_DAYS);
    // An attempt that is made again says too little: where hardly anything is sent, it is the second of all.
    let last = depot.post(&channel, "evt-2").await;
    depot.run().await;
    // Nor does a test: whoever makes one sees what comes of it.
    let test = depot.post_test(&channel, "test-0").await;
    depot.run().await;
    assert_eq!(depot.fate(&test).await.0, Status::Failed);
    assert!(depot.read_channel(&channel).await.enabled);
    while depot.run_when_due(&first).await.status == Status::Queued {
        assert!(depot.read_channel(&channel).await.enabled);
    }
    let off = depot.read_channel(&channel).await;
    assert!(!off.enabled);
    assert_eq!(off.gave_up_at, Some(depot.world.now()));
    assert_eq!(off.version, channel.version + 1);
    let records = depot.world.audited(depot.person(), "notification_channel.disabled");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "notification_delivery"}));
    assert_eq!(record["target"], channel.id.to_string());
    assert_eq!(record["reason"], "failing_for_days");
    assert_eq!(record["changes"], json!({"enabled": {"from": true, "to": false}}));
    let seen = receiver.seen().len();
    assert_eq!(depot.run_when_due(&last).await.status, Status::Failed);
    assert_eq!(receiver.seen().len(), seen);
    let failed = depot.post_test(&channel, "test-1").await;
    depot.run().await;
    // Whoever tries a channel wants to know now: it is not tried again.
    let reason = "The receiver answered 500.".to_owned();
    assert_eq!(depot.fate(&failed).await, (Status::Failed, reason));
    assert!(!depot.read_channel(&channel).await.enabled);
    receiver.behave(Manner::status(200));
    let passed = depot.post_test(&channel, "test-2").await;
    depot.run().await;
    assert_eq!(depot.fate(&passed).await.0, Status::Delivered);
    let on = depot.read_channel(&channel).await;
    assert!(on.enabled);
    assert_eq!((on.gave_up_at, on.failing_since), (None, None));
    assert_eq!(depot.world.audited(depot.person(), "notification_channel.enabled").len(), 1);
}

#[tokio::test]
async fn a_test_that_passes_does_not_enable_what_a_person_has_disabled() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let config = Config::Webhook { url: receiver.url.clone(), secrets: Vec::new() };
    let channel = depot.channel(depot.new_channel_id(), config, |it| it.enabled = false).await;
    let test = depot.post_test(&channel, "test-1").await;
    depot.stream().await;
    assert_eq!(depot.fate(&test).await.0, Status::Delivered);
    assert!(!depot.read_channel(&channel).await.enabled);
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_asked_once() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(410)).await;
    let channel = depot.webhook(&receiver.url).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let reason = "The receiver answered 410.".to_owned();
    assert_eq!(depot.fate(&delivery).await, (Status::Failed, reason));
    let off = depot.read_channel(&channel).await;
    assert_eq!((off.enabled, off.receiver_gone), (false, true));
    let records = depot.world.audited(depot.person(), "notification_channel.disabled");
    assert_eq!(records[0]["reason"], "receiver_gone");
    depot.world.clock.advance_minutes(FIVE_DAYS);
    depot.run().await;
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn every_other_channel_is_told_whether_a_rule_says_so_or_not() {
    let depot = Depot::new().await;
    let gone = Receiver::start(Manner::status(410)).await;
    let other = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&gone.url).await;
    let others = [depot.webhook(&other.url).await, depot.webhook(&other.url).await];
    depot.rule("notification.*", &[&others[0]]).await;
    depot.post(&channel, "evt-1").await;
    depot.stream().await;
    depot.hand_over(depot.world.inserts("AUDIT#")).await;
    depot.stream().await;
    let seen = other.seen();
    assert_eq!(seen.len(), 2);
    for request in &seen {
        assert_eq!(request.json()["type"], "notification.channel.disabled");
        let summary = "The channel \"Operations\" was disabled: its receiver wants nothing more.";
        assert_eq!(request.json()["data"]["summary"], summary);
    }
    assert_eq!(gone.seen().len(), 1);
}

#[tokio::test]
async fn where_no_other_channel_is_left_its_creator_gets_a_mail() {
    let depot = Depot::new().await;
    let smtp = Smtp::start().await;
    let gone = Receiver::start(Manner::status(410)).await;
    let channel = depot.webhook(&gone.url).await;
    depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let audits = depot.world.inserts("AUDIT#");
    // Without a server nobody can be told, and the record is not handed over for ever.
    assert_eq!(depot.hand_over(audits.clone()).await, json!([]));
    assert_eq!(depot.world.items_under("DELIVERY#").len(), 1);
    depot.world.clock.advance_minutes(6);
    depot.world.set_deployment(&json!({"smtp": {
        "host": "127.0.0.1", "port": smtp.port, "tls": "none", "from": "a@planasonix.example",
    }}));
    // A server that refuses keeps no record back: the letter is a delivery, tried again as all are.
    smtp.answer(depot.person().email, Some(451));
    for _ in 0..2 {
        assert_eq!(depot.hand_over(audits.clone()).await, json!([]));
    }
    assert_eq!(depot.stream().await, json!([]));
    let letters = || depot.world.items_under("DELIVERY#").into_iter();
    let letter = letters().find(|it| it["letter_to"] == depot.person().email).unwrap();
    assert_eq!(
        (&letter["status"], letter["attempts"].as_array().unwrap().len()),
        (&json!("queued"), 1)
    );
    assert_eq!(letters().count(), 2);
    smtp.answer(depot.person().email, None);
    depot.world.clock.advance_minutes(1);
    depot.run().await;
    let letter = letters().find(|it| it["letter_to"] == depot.person().email).unwrap();
    assert_eq!(letter["status"], "delivered");
    let [mail] = &smtp.mails()[..] else { panic!("not one mail") };
    assert_eq!(mail.to, depot.person().email);
    assert!(mail.header("Subject").starts_with("[HIGH] notification.channel.disabled"));
    // It tells nothing of the channel, which stays as it is.
    assert!(!depot.read_channel(&channel).await.enabled);
}
