//! Events from the bus.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::path::Path;

use harness::{Fault, World, at_once};
use local_stack::template::Template;
use notification_intake::{Outcome, handle};
use serde_json::{Value, json};
use shared::error::Error;

/// A world in which a rule leads failed runs to two channels, and another one to one of them, too.
async fn world() -> World {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let client = world.client(notifications::router());
    let mut channels = Vec::new();
    for name in ["One", "Two"] {
        let body = json!({
            "type": "slack", "name": name, "config": {"workspace": "acme", "channel": "C01234567"},
        });
        let path = "/api/notifications/channels";
        channels.push(client.post(path).bearer(&admin).json(body).send().await.text(201, "id"));
    }
    for (name, channels) in [("All", &channels[..]), ("Again", &channels[..1])] {
        let body = json!({"name": name, "event": "pipeline.run.*", "channel_ids": channels});
        let path = "/api/notifications/rules";
        client.post(path).bearer(&admin).json(body).send().await.expect(201, "");
    }
    world
}

/// An event as `EventBridge` hands it over.
fn on_bus(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Notification",
        "source": "pipelines", "account": "123456789012", "time": "2026-03-27T14:59:30Z",
        "region": "us-east-1", "resources": [], "detail": detail,
    })
}

fn detail(world: &World, event: &Value) -> Value {
    json!({"organization_id": world.admin.organization_id, "event": event})
}

async fn take(world: &World, event: Value) -> Result<Outcome, Error> {
    handle(&world.app, "intake-request", event).await
}

/// The deliveries of what was published, as texts, sorted.
async fn published(world: &World, event: Value) -> (String, Vec<String>) {
    match take(world, event).await.unwrap() {
        Outcome::Published { event_id, deliveries } => {
            let mut ids: Vec<_> = deliveries.iter().map(ToString::to_string).collect();
            ids.sort();
            (event_id, ids)
        }
        dropped @ Outcome::Dropped { .. } => panic!("{dropped:?}"),
    }
}

async fn dropped(world: &World, event: Value) -> (&'static str, Vec<(String, &'static str)>) {
    match take(world, event).await.unwrap() {
        Outcome::Dropped { code, faults } => (code, faults),
        taken @ Outcome::Published { .. } => panic!("{taken:?}"),
    }
}

/// The ids of the deliveries in the table, sorted.
fn stored(world: &World) -> Vec<String> {
    let items = world.items_under("DELIVERY#");
    let mut ids: Vec<_> = items.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn an_event_is_delivered_once_to_each_channel_that_rules_lead_it_to() {
    let world = world().await;
    let event = json!({"id": "run-17", "type": "pipeline.run.failed", "summary": "It failed."});
    let _ = world.take_calls();
    let (id, deliveries) = published(&world, on_bus(&detail(&world, &event))).await;
    let names: Vec<_> = world.take_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["GetItem", "Query", "TransactWriteItems"]);
    assert_eq!((id.as_str(), deliveries.len()), ("run-17", 2));
    assert_eq!(stored(&world), deliveries);
    let item = &world.items_under("DELIVERY#")[0];
    assert_eq!((&item["status"], &item["event"]["severity"]), (&json!("queued"), &json!("high")));
    // It happened when it was put on the bus, where its publisher does not say.
    assert_eq!(item["event"]["occurred_at"], 1_774_623_570);
    let records = world.audited(&world.admin, "notification_event.published");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "platform"}));
    assert_eq!((&record["target"], &record["request_id"]), (&id.into(), &"intake-request".into()));
    assert_eq!(record["changes"]["deliveries"], json!({"from": null, "to": 2}));
}

#[tokio::test]
async fn an_event_that_is_handed_over_again_makes_nothing_new() {
    let world = world().await;
    // Without an id of its publisher's it is known by that of the bus.
    let event = on_bus(&detail(&world, &json!({"type": "pipeline.run.failed"})));
    let first = published(&world, event.clone()).await;
    assert_eq!(first.0, "6a7e8feb-b491-4cf7-a9f1-bf3703467718");
    world.clock.advance_minutes(60);
    assert_eq!(published(&world, event.clone()).await, first);
    let mut other = event;
    other["id"] = json!("another");
    assert_ne!(published(&world, other).await.1, first.1);
    assert_eq!(stored(&world).len(), 4);
}

#[tokio::test]
async fn what_comes_by_the_bus_and_by_http_is_one_event() {
    let world = world().await;
    let admin = world.session(&world.admin).await;
    let client = world.client(notifications::router());
    let path = "/api/notifications/events";
    for (id, by_bus_first) in [("run-1", true), ("run-2", false)] {
        let event = json!({
            "id": id, "type": "pipeline.run.failed", "occurred_at": "2026-03-27T14:00:00Z",
            "data": {"a": [1, 2.5]},
        });
        let on_bus = on_bus(&detail(&world, &event));
        let mut by_bus = None;
        if by_bus_first {
            by_bus = Some(published(&world, on_bus.clone()).await.1);
        }
        let answer = client.post(path).bearer(&admin).json(event).send().await;
        let data = answer.data(if by_bus_first { 200 } else { 202 });
        let by_bus = match by_bus {
            Some(ids) => ids,
            None => published(&world, on_bus).await.1,
        };
        let list = data["deliveries"].as_array().unwrap();
        let mut by_http: Vec<_> =
            list.iter().map(|it| it["delivery_id"].as_str().unwrap().to_owned()).collect();
        by_http.sort();
        assert_eq!(by_http, by_bus);
    }
    assert_eq!(stored(&world).len(), 4);
}

#[tokio::test]
async fn of_events_that_come_at_once_one_is_written() {
    let world = world().await;
    let event = on_bus(&detail(&world, &json!({"id": "run-17", "type": "pipeline.run.failed"})));
    world.gather("TransactWriteItems", 3);
    let all = at_once((0..3).map(|_| published(&world, event.clone()))).await;
    assert!(all.iter().all(|it| *it == all[0]), "{all:?}");
    assert_eq!(stored(&world), all[0].1);
    assert_eq!(world.audited(&world.admin, "notification_event.published").len(), 1);
}

#[tokio::test]
async fn what_never_can_be_taken_is_told_and_dropped() {
    let world = world().await;
    let failed = json!({"id": "run-17", "type": "pipeline.run.failed"});
    published(&world, on_bus(&detail(&world, &failed))).await;
    let with = |name: &str, value: Value| {
        let mut event = failed.clone();
        event[name] = value;
        on_bus(&detail(&world, &event))
    };
    let at = |pointer: &str, code| ("validation_failed", vec![(pointer.to_owned(), code)]);
    let organization = world.admin.organization_id;
    let mut timeless = with("value", json!(3));
    timeless.as_object_mut().unwrap().remove("time");
    let nobody = "org_01jq8zzzzz0000000000000000";
    let before = world.dump();
    for (event, expected) in [
        (json!("text"), at("", "invalid_type")),
        (json!([]), at("", "invalid_type")),
        (timeless, at("/time", "required")),
        (on_bus(&json!("hush-hush")), at("/detail", "invalid_type")),
        (on_bus(&json!({"event": failed})), at("/detail/organization_id", "required")),
        (on_bus(&json!({"organization_id": organization})), at("/detail/event", "required")),
        (
            on_bus(&json!({"organization_id": organization, "event": failed, "to": "all"})),
            at("/detail/to", "unknown_field"),
        ),
        (with("type", json!("hush-hush")), at("/detail/event/type", "unknown_value")),
        (with("type", json!("security.mfa.reset")), at("/detail/event/type", "not_publishable")),
        (with("value", json!(-1)), at("/detail/event/value", "out_of_range")),
        (with("hush", json!(1)), at("/detail/event/hush", "unknown_field")),
        (with("summary", json!("hush-hush")), ("event_id_reused", vec![])),
        (on_bus(&json!({"organization_id": nobody, "event": failed})), ("not_found", vec![])),
    ] {
        assert_eq!(dropped(&world, event.clone()).await, expected, "{event}");
        let lines = world.log.lines();
        let told = lines.last().unwrap();
        assert!(told.contains("an event is dropped") && told.contains(expected.0), "{told}");
    }
    assert!(!world.log.lines().join("\n").contains("hush-hush"));
    assert_eq!(world.dump(), before);
    // However much is wrong with it, the line stays short.
    let mut event = failed;
    for number in 0..50 {
        event[format!("{number:0>200}")] = json!(1);
    }
    let (_, faults) = dropped(&world, on_bus(&detail(&world, &event))).await;
    assert_eq!(faults.len(), 5);
    assert!(faults.iter().all(|(pointer, _)| pointer.len() <= 100));
}

#[tokio::test]
async fn what_the_table_could_not_answer_is_handed_back_and_taken_the_next_time() {
    let world = world().await;
    let event = on_bus(&detail(&world, &json!({"id": "run-17", "type": "pipeline.run.failed"})));
    for call in ["GetItem", "Query", "TransactWriteItems"] {
        world.order(call, Fault::Throttled, 3);
        let error = take(&world, event.clone()).await.unwrap_err();
        assert_eq!(error.code(), "unavailable", "{call}");
        assert!(stored(&world).is_empty());
    }
    world.order("TransactWriteItems", Fault::AnswerLost, 3);
    assert!(take(&world, event.clone()).await.is_err());
    let (_, deliveries) = published(&world, event).await;
    assert_eq!(stored(&world), deliveries);
    assert_eq!(deliveries.len(), 2);
}

#[tokio::test]
async fn rules_that_do_not_decode_are_no_fault_of_the_event() {
    let world = world().await;
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let rule = world.raw_items(&partition).into_iter().find(|it| it.get("channel_ids").is_some());
    let (whole, mut broken) = (rule.clone().unwrap(), rule.unwrap());
    broken["channel_ids"] = json!({"S": "lost"});
    world.put(&broken);
    let event = on_bus(&detail(&world, &json!({"id": "run-17", "type": "pipeline.run.failed"})));
    assert_eq!(take(&world, event.clone()).await.unwrap_err().code(), "internal_error");
    world.put(&whole);
    assert_eq!(published(&world, event).await.1.len(), 2);
}

#[tokio::test]
async fn it_is_granted_what_it_uses_and_no_more() {
    let world = world().await;
    // The first record of the organization's day, too.
    world.clock.advance_minutes(24 * 60);
    world.forget_accesses();
    let event = on_bus(&detail(&world, &json!({"id": "run-17", "type": "pipeline.run.failed"})));
    for _ in 0..2 {
        published(&world, event.clone()).await;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = Template::load(&path).unwrap();
    assert_eq!(world.accesses(), template.functions["notification-intake"].grants);
}
