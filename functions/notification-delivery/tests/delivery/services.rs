//! Slack, `PagerDuty` and Teams.

use harness::Fault;
use serde_json::json;
use shared::model::notifications::{
    channel::{Channel, Config},
    delivery::Status,
};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

/// A depot whose Slack and `PagerDuty` are the receiver.
async fn depot_of(receiver: &Receiver) -> Depot {
    let url = receiver.url.clone();
    let depot = Depot::with(move |settings| {
        settings.slack_url = format!("{url}/api").into();
        settings.pagerduty_url = format!("{url}/v2/enqueue").into();
    })
    .await;
    let own = format!("{}/acme", depot.person().organization_id);
    let other = format!("{}/globex", depot.world.stranger.organization_id);
    depot.world.set_deployment(&json!({"slack": {own: "xoxb-acme", other: "xoxb-globex"}}));
    depot
}

async fn slack(depot: &Depot, workspace: &str) -> Channel {
    let config = Config::Slack { workspace: workspace.to_owned(), channel: "C0123".to_owned() };
    depot.channel(depot.new_channel_id(), config, |_| {}).await
}

#[tokio::test]
async fn slack_gets_the_workspace_s_token_and_escaped_text() {
    let receiver = Receiver::start(Manner::json(r#"{"ok":true,"ts":"1"}"#)).await;
    let depot = depot_of(&receiver).await;
    let delivery = depot.post(&slack(&depot, "acme").await, "evt-1").await;
    depot.stream().await;
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
    let seen = receiver.seen().remove(0);
    assert_eq!(seen.path, "/api/chat.postMessage");
    assert_eq!(seen.header("authorization"), "Bearer xoxb-acme");
    let body = seen.json();
    assert_eq!(body["channel"], "C0123");
    let text = "[HIGH] pipeline.run.failed: Orders &lt;script&gt; &amp; \"co\" failed";
    assert_eq!(body["text"], text);
    assert_eq!(body["blocks"][0]["text"]["text"], "[HIGH] pipeline.run.failed");
    let section = "Orders &lt;script&gt; &amp; \"co\" failed";
    assert_eq!(body["blocks"][1]["text"]["text"], section);
    assert_eq!(body["metadata"]["event_payload"]["delivery_id"], delivery.id.to_string());
    assert!(!depot.world.log.lines().join("\n").contains("xoxb"));
}

#[tokio::test]
async fn what_slack_will_never_take_has_failed_and_what_passes_is_tried_again() {
    let receiver = Receiver::start(Manner::status(200)).await;
    let depot = depot_of(&receiver).await;
    let channel = slack(&depot, "acme").await;
    for error in ["invalid_auth", "channel_not_found", "is_archived", "not_in_channel"] {
        receiver.behave(Manner::json(&json!({"ok": false, "error": error}).to_string()));
        let delivery = depot.post(&channel, error).await;
        depot.run().await;
        let reason = format!("Slack answered {error}.");
        assert_eq!(depot.fate(&delivery).await, (Status::Failed, reason));
    }
    let wish = vec![("retry-after", "30".to_owned())];
    for (manner, reason) in [
        (Manner::Answer(429, wish, String::new()), "The receiver answered 429."),
        (Manner::json(r#"{"ok":false,"error":"ratelimited"}"#), "Slack answered ratelimited."),
        (Manner::json("<html>"), "Slack's answer is not of its form."),
    ] {
        receiver.behave(manner);
        let delivery = depot.post(&channel, reason).await;
        depot.run().await;
        assert_eq!(depot.fate(&delivery).await, (Status::Queued, reason.to_owned()));
    }
}

#[tokio::test]
async fn nobody_posts_into_another_organization_s_workspace() {
    let receiver = Receiver::start(Manner::json(r#"{"ok":true}"#)).await;
    let depot = depot_of(&receiver).await;
    let delivery = depot.post(&slack(&depot, "globex").await, "evt-1").await;
    depot.stream().await;
    let reason = "The deployment has no token for the organization's Slack workspace.".to_owned();
    assert_eq!(depot.fate(&delivery).await, (Status::Queued, reason));
    assert!(receiver.seen().is_empty());
}

#[tokio::test]
async fn without_secrets_manager_it_waits_and_the_channel_is_not_to_blame() {
    let receiver = Receiver::start(Manner::json(r#"{"ok":true}"#)).await;
    let depot = depot_of(&receiver).await;
    let channel = slack(&depot, "acme").await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.world.order_secret(Fault::Refused, 3);
    assert_eq!(depot.stream().await, json!([]));
    let waiting = depot.read(delivery.id).await;
    assert_eq!((waiting.status, waiting.attempts.len()), (Status::Queued, 0));
    assert_eq!(waiting.reason.as_deref(), Some("The service's secrets are out of reach."));
    assert_eq!(depot.read_channel(&channel).await.failing_since, None);
    assert_eq!(depot.run_when_due(&delivery).await.status, Status::Delivered);
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn pagerduty_gets_an_incident_that_it_knows_again() {
    let receiver = Receiver::start(Manner::status(202)).await;
    let depot = depot_of(&receiver).await;
    let id = depot.new_channel_id();
    let sealed_routing_key = depot.seal(id, "0123456789abcdef0123456789abcdef").await;
    let config = Config::Pagerduty { sealed_routing_key, hint: "cdef".to_owned() };
    let channel = depot.channel(id, config, |_| {}).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
    let seen = receiver.seen().remove(0);
    assert_eq!(seen.path, "/v2/enqueue");
    let body = seen.json();
    assert_eq!(body["routing_key"], "0123456789abcdef0123456789abcdef");
    assert_eq!(body["event_action"], "trigger");
    assert_eq!(body["dedup_key"], delivery.id.to_string());
    assert_eq!(body["payload"]["severity"], "error");
    assert_eq!(body["payload"]["source"], "pip_orders");
    receiver.behave(Manner::status(400));
    let refused = depot.post(&channel, "evt-2").await;
    depot.run().await;
    let reason = "The receiver answered 400.".to_owned();
    assert_eq!(depot.fate(&refused).await, (Status::Failed, reason));
}

#[tokio::test]
async fn teams_gets_a_card_whose_text_is_no_markup() {
    let receiver = Receiver::start(Manner::status(202)).await;
    let depot = depot_of(&receiver).await;
    let id = depot.new_channel_id();
    let sealed_url = depot.seal(id, &format!("{}/workflows/1?sig=hidden", receiver.url)).await;
    let config = Config::Teams { sealed_url, host: "127.0.0.1".to_owned() };
    let channel = depot.channel(id, config, |_| {}).await;
    let delivery = depot.post(&channel, "evt-1").await;
    depot.stream().await;
    assert_eq!(depot.fate(&delivery).await.0, Status::Delivered);
    let seen = receiver.seen().remove(0);
    assert_eq!(seen.path, "/workflows/1?sig=hidden");
    let card = &seen.json()["attachments"][0]["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    let blocks = card["body"].as_array().unwrap();
    assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"));
    assert_eq!(blocks[1]["inlines"][0]["text"], "Orders <script> & \"co\" failed");
    receiver.behave(Manner::json("Webhook message delivery failed with error: HTTP error 429"));
    let again = depot.post(&channel, "evt-2").await;
    depot.run().await;
    assert_eq!(depot.fate(&again).await.0, Status::Queued);
    assert!(!depot.world.log.lines().join("\n").contains("hidden"));
    assert!(!depot.world.dump().contains("sig=hidden"));
}
