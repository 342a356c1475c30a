//! Webhooks: how they are signed, and when they are tried again.

use serde_json::json;
use shared::{
    clock::{Clock as _, SystemClock},
    model::notifications::{
        channel::{Config, SigningSecret},
        delivery::Status,
    },
};
use standardwebhooks::Webhook;

use crate::{
    depot::{Depot, SECRET},
    receiver::{Manner, Receiver},
};

#[tokio::test]
async fn a_receiver_verifies_the_signature_with_the_standard_s_library() {
    let depot = Depot::new().await;
    // The library goes by the machine's clock.
    let ahead = SystemClock.now().as_millisecond() - depot.world.now().as_millisecond();
    depot.world.clock.advance_milliseconds(ahead);
    let receiver = Receiver::start(Manner::status(204)).await;
    let channel = depot.webhook(&format!("{}/hook?a=b", receiver.url)).await;
    let delivery = depot.post(&channel, "evt-1").await;
    assert_eq!(depot.stream().await, json!([]));
    let [seen] = &receiver.seen()[..] else { panic!("not one request") };
    Webhook::new(SECRET).unwrap().verify(seen.body.as_bytes(), &seen.headers).unwrap();
    let other = Webhook::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
    assert!(other.verify(seen.body.as_bytes(), &seen.headers).is_err());
    assert!(Webhook::new(SECRET).unwrap().verify(b"{}", &seen.headers).is_err());
    assert_eq!(seen.path, "/hook?a=b");
    assert_eq!(seen.header("webhook-id"), delivery.id.to_string());
    assert_eq!(seen.header("user-agent"), "planasonix-notifications/1");
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    let expected = json!({
        "type": "pipeline.run.failed",
        "timestamp": delivery.event.occurred_at,
        "data": {
            "event_id": "evt-1",
            "organization_id": delivery.organization_id,
            "severity": "high",
            "pipeline_id": "pip_orders",
            "summary": "Orders <script> & \"co\" failed",
            "details": {"run": "r-1", "rows": [1, 2]},
        },
    });
    assert_eq!(seen.json(), expected);
    let delivered = depot.read(delivery.id).await;
    assert_eq!(delivered.status, Status::Delivered);
    assert_eq!((delivered.due_at, delivered.due_shard), (None, None));
    let [attempt] = &delivered.attempts[..] else { panic!("not one attempt") };
    assert_eq!((attempt.succeeded, attempt.status, &attempt.reason), (true, Some(204), &None));
}

#[tokio::test]
async fn every_secret_that_still_holds_signs_and_none_that_has_ended() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let id = depot.new_channel_id();
    let texts = [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "whsec_plJ3nmyCDGBKInavdOK15jsl+SkUgkYA",
    ];
    let now = depot.world.now();
    let ends = [None, Some(now.plus_seconds(1)), Some(now)];
    let mut secrets = Vec::new();
    for (text, valid_until) in texts.iter().zip(ends) {
        secrets.push(SigningSecret { sealed: depot.seal(id, text).await, valid_until });
    }
    let config = Config::Webhook { url: receiver.url.clone(), secrets };
    let channel = depot.channel(id, config, |_| {}).await;
    depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let seen = receiver.seen().remove(0);
    let moment: i64 = seen.header("webhook-timestamp").parse().unwrap();
    let sign = |text: &str| {
        let webhook = Webhook::new(text).unwrap();
        webhook.sign(seen.header("webhook-id"), moment, seen.body.as_bytes()).unwrap()
    };
    let expected = format!("{} {}", sign(texts[0]), sign(texts[1]));
    assert_eq!(seen.header("webhook-signature"), expected);
}

#[tokio::test]
async fn it_is_tried_ten_times_over_three_days_and_then_it_has_failed() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(500)).await;
    let channel = depot.webhook(&receiver.url).await;
    let delivery = depot.post(&channel, "evt-1").await;
    let began = depot.world.now();
    depot.stream().await;
    let pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (tried, pause) in (1..).zip(pauses) {
        let before = depot.world.now();
        let queued = depot.read(delivery.id).await;
        assert_eq!((queued.status, queued.attempts.len()), (Status::Queued, tried));
        assert_eq!(queued.reason.as_deref(), Some("The receiver answered 500."));
        let waits = queued.due_at.unwrap().seconds_since(before);
        assert!((pause * 8 / 10..=pause * 12 / 10).contains(&waits), "{tried}: {waits}");
        // A second before it is due nothing is tried.
        depot.world.clock.advance_seconds(waits - 1);
        depot.run().await;
        assert_eq!(receiver.seen().len(), tried);
        depot.run_when_due(&delivery).await;
        assert_eq!(receiver.seen().len(), tried + 1);
    }
    let failed = depot.read(delivery.id).await;
    assert_eq!((failed.status, failed.attempts.len()), (Status::Failed, 10));
    assert_eq!((failed.due_at, failed.due_shard), (None, None));
    assert!(depot.world.now().seconds_since(began) < 4 * 86_400);
    depot.world.clock.advance_minutes(7 * 24 * 60);
    depot.run().await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|it| it.header("webhook-id") == delivery.id.to_string()));
    assert!(seen.iter().all(|it| it.body == seen[0].body));
}

#[tokio::test]
async fn the_receiver_s_wish_to_be_left_alone_is_respected() {
    let depot = Depot::new().await;
    let wish = vec![("retry-after", "3600".to_owned())];
    let receiver = Receiver::start(Manner::Answer(429, wish, String::new())).await;
    let channel = depot.webhook(&receiver.url).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let due = depot.read(delivery.id).await.due_at.unwrap();
    assert_eq!(due.seconds_since(depot.world.now()), 3600);
    receiver.behave(Manner::status(200));
    assert_eq!(depot.run_when_due(&delivery).await.status, Status::Delivered);
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_told_in_the_attempt() {
    let depot = Depot::with(|settings| settings.timeout_milliseconds = 1500).await;
    let receiver = Receiver::start(Manner::Silence).await;
    let channel = depot.webhook(&receiver.url).await;
    let mut delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    for manner in [Manner::BreakOff, Manner::status(307), Manner::Endless] {
        receiver.behave(manner);
        delivery = depot.run_when_due(&delivery).await;
    }
    let told: Vec<_> =
        delivery.attempts.iter().map(|it| (it.status, it.reason.as_deref())).collect();
    let redirect = "The receiver answered 307. Redirects are not followed.";
    let expected = [
        (None, Some("The receiver did not answer in time.")),
        (None, Some("The receiver broke off.")),
        (Some(307), Some(redirect)),
        (Some(200), None),
    ];
    assert_eq!(told, expected);
    assert_eq!(delivery.status, Status::Delivered);
}

#[tokio::test]
async fn an_address_that_has_become_private_is_refused_at_once() {
    let depot = Depot::with(|settings| settings.allow_insecure = false).await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url.replace("http://", "https://")).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    let reason = "The address is refused. Must lead to a public address.".to_owned();
    assert_eq!(depot.fate(&delivery).await, (Status::Failed, reason));
    assert!(receiver.seen().is_empty());
}
