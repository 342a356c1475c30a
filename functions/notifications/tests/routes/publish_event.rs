//! `POST /api/notifications/events`

use std::collections::BTreeSet;

use harness::{Answer, Fault, World, at_once};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, model::notifications::event::EventName};

const PATH: &str = "/api/notifications/events";

async fn slack(world: &World, token: &str, name: &str) -> String {
    channel(
        world,
        token,
        json!({
            "type": "slack", "name": name, "config": {"workspace": "acme", "channel": "C01234567"},
        }),
    )
    .await
}

async fn channel(world: &World, token: &str, body: Value) -> String {
    let client = world.client(notifications::router());
    let path = "/api/notifications/channels";
    client.post(path).bearer(token).json(body).send().await.text(201, "id")
}

async fn rule(world: &World, token: &str, body: Value) {
    let client = world.client(notifications::router());
    let path = "/api/notifications/rules";
    client.post(path).bearer(token).json(body).send().await.expect(201, "");
}

async fn publish(world: &World, token: &str, body: Value) -> Answer {
    world.client(notifications::router()).post(PATH).bearer(token).json(body).send().await
}

fn deliveries(world: &World) -> Vec<Value> {
    world.items_under(&format!("DELIVERY#{}#", world.admin.organization_id))
}

/// The channels that an answer's deliveries go to.
fn reached(answer: &Answer) -> BTreeSet<String> {
    let list = answer.data(202)["deliveries"].as_array().unwrap();
    list.iter().map(|it| it["channel_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_goes_to_the_channels_that_rules_lead_it_to() {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let key = world.api_key(&world.editor, &[Scope::NotificationsPublish]).await;
    let (one, two) = (slack(&world, &admin, "One").await, slack(&world, &admin, "Two").await);
    slack(&world, &admin, "Nobody's").await;
    for (name, event, channels) in [
        ("Failures", "pipeline.run.failed", json!([one, two])),
        ("All of runs", "pipeline.run.*", json!([two])),
        ("Queues", "dlq.*", json!([one])),
    ] {
        rule(&world, &admin, json!({"name": name, "event": event, "channel_ids": channels})).await;
    }
    let body = json!({
        "id": "run-17", "type": "pipeline.run.failed", "occurred_at": "2026-03-27T15:59:58.7+01:00",
        "pipeline_id": "pl_01hqxyz", "value": 3, "summary": "Three steps failed.",
        "data": {"steps": [1, 2.5, null], "a": {"b": "c"}},
    });
    let answer = publish(&world, &key, body).await;
    // The event, two deliveries and the audit record: two units each, and each delivery's entry in the
    // index of what is due.
    answer.expect_cost(3, 13.0);
    let data = answer.data(202);
    assert_eq!(
        (&data["event_id"], &data["type"]),
        (&json!("run-17"), &json!("pipeline.run.failed"))
    );
    assert_eq!(
        (&data["severity"], &data["occurred_at"]),
        (&json!("high"), &json!("2026-03-27T14:59:58Z"))
    );
    assert_eq!(reached(&answer), BTreeSet::from([one.clone(), two.clone()]));
    let stored = deliveries(&world);
    assert_eq!(stored.len(), 2);
    for told in data["deliveries"].as_array().unwrap() {
        let id = &told["delivery_id"];
        let kept = stored.iter().find(|it| it["id"] == *id).unwrap();
        assert_eq!((&told["status"], &kept["status"]), (&json!("queued"), &json!("queued")));
        assert_eq!(kept["channel_id"], told["channel_id"]);
        assert_eq!(kept["due_at"], 1_774_623_600);
        assert_eq!(kept["expires_at"], 1_774_623_600 + 30 * 86_400);
        assert!(kept["due_shard"].as_str().unwrap().starts_with("DUE#"));
        assert_eq!(kept["event"]["summary"], "Three steps failed.");
        assert_eq!(kept["event"]["data"], r#"{"a":{"b":"c"},"steps":[1,2.5,null]}"#);
    }
    let records = world.audited(&world.editor, "notification_event.published");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({
        "type": {"from": null, "to": "pipeline.run.failed"},
        "severity": {"from": null, "to": "high"}, "deliveries": {"from": null, "to": 2},
    });
    assert_eq!((&record["target"], &record["changes"]), (&json!("run-17"), &changes));
}

#[tokio::test]
async fn filters_severities_and_what_is_disabled_hold_an_event_back() {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let all = slack(&world, &admin, "All").await;
    let one_pipeline = slack(&world, &admin, "One pipeline").await;
    let many = slack(&world, &admin, "Many records").await;
    let grave = slack(&world, &admin, "Grave").await;
    let mail = channel(
        &world,
        &admin,
        json!({
            "type": "email", "name": "Mail",
            "config": {"recipients": ["a@example.com"], "severity_filter": ["critical"]},
        }),
    )
    .await;
    let off = channel(
        &world,
        &admin,
        json!({
            "type": "slack", "name": "Off", "enabled": false,
            "config": {"workspace": "acme", "channel": "C01234567"},
        }),
    )
    .await;
    for (name, channels, filters, enabled) in [
        ("All", json!([all, mail, off]), json!({}), true),
        ("One pipeline", json!([one_pipeline]), json!({"pipeline_ids": ["pl_1", "pl_2"]}), true),
        ("Many records", json!([many]), json!({"threshold": 100}), true),
        ("Grave", json!([grave]), json!({"severity": ["high", "critical"]}), true),
        ("Not followed", json!([grave, many]), json!({}), false),
    ] {
        rule(
            &world,
            &admin,
            json!({
                "name": name, "event": "dlq.threshold_exceeded", "channel_ids": channels,
                "filters": filters, "enabled": enabled,
            }),
        )
        .await;
    }
    for (more, expected) in [
        (json!({}), vec![&all, &grave]),
        (json!({"severity": "low"}), vec![&all]),
        (json!({"severity": "critical"}), vec![&all, &grave, &mail]),
        (json!({"severity": "info", "value": 99}), vec![&all]),
        (json!({"severity": "info", "value": 100}), vec![&all, &many]),
        (json!({"severity": "info", "pipeline_id": "pl_2"}), vec![&all, &one_pipeline]),
        (json!({"severity": "info", "pipeline_id": "pl_3"}), vec![&all]),
    ] {
        let mut body = json!({"type": "dlq.threshold_exceeded"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = publish(&world, &admin, body).await;
        let expected: BTreeSet<_> = expected.into_iter().cloned().collect();
        assert_eq!(reached(&answer), expected, "{more}");
    }
    let answer = publish(&world, &admin, json!({"type": "dlq.drained"})).await;
    answer.expect_cost(3, 7.0);
    assert_eq!(answer.data(202)["deliveries"], json!([]));
}

#[tokio::test]
async fn fifty_channels_are_one_transaction() {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let mut ids = Vec::new();
    for index in 0..50 {
        ids.push(slack(&world, &admin, &format!("Channel {index}")).await);
    }
    rule(&world, &admin, json!({"name": "All", "event": "pipeline.*", "channel_ids": ids})).await;
    let event = json!({
        "id": "x".repeat(128), "type": "pipeline.run.failed", "summary": "é".repeat(500),
        "data": {"text": "x".repeat(4085)},
    });
    assert!(!world.take_calls().is_empty());
    let answer = publish(&world, &admin, event).await;
    assert_eq!((reached(&answer).len(), answer.calls), (50, 3));
    let names: Vec<_> = world.take_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["BatchGetItem", "Query", "TransactWriteItems"]);
    assert_eq!(deliveries(&world).len(), 50);
}

#[tokio::test]
async fn one_that_comes_again_is_answered_again_and_delivered_once() {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let id = slack(&world, &admin, "One").await;
    rule(&world, &admin, json!({"name": "All", "event": "dlq.*", "channel_ids": [id]})).await;
    let event = json!({"id": "evt/17 é", "type": "dlq.drained", "data": {"b": 1, "a": 2}});
    let first = publish(&world, &admin, event.clone()).await;
    first.expect(202, "");
    let before = world.dump();
    // Later, as another person, with other rules, and with the fields in another order.
    world.clock.advance_seconds(75);
    let editor = world.api_key(&world.editor, &[Scope::NotificationsPublish]).await;
    world.clock.advance_minutes(24 * 60 * 29);
    let before_again = (deliveries(&world), world.items_under("EVENT#"));
    let again = json!({"data": {"a": 2, "b": 1}, "type": "dlq.drained", "id": "evt/17 é"});
    let answer = publish(&world, &editor, again).await;
    assert_eq!((answer.status, answer.calls), (200, 4));
    assert_eq!(answer.bytes, first.bytes);
    assert_eq!((deliveries(&world), world.items_under("EVENT#")), before_again);
    assert_eq!(world.audited(&world.admin, "notification_event.published").len(), 1);
    assert!(before.contains("notification_event.published"));
    for other in [
        json!({"id": "evt/17 é", "type": "dlq.drained", "data": {"a": 2, "b": 2}}),
        json!({"id": "evt/17 é", "type": "dlq.drained", "data": {"a": 2, "b": 1}, "severity": "info"}),
        json!({"id": "evt/17 é", "type": "dlq.threshold_exceeded", "data": {"a": 2, "b": 1}}),
    ] {
        publish(&world, &editor, other).await.expect(422, "event_id_reused");
    }
    // Another organization's is another event.
    let stranger = world.session(&world.stranger).await;
    publish(&world, &stranger, event.clone()).await.expect(202, "");
    assert_eq!(deliveries(&world).len(), 1);
    // After 30 days it is forgotten in that very second, whether TTL has removed it or not.
    world.clock.advance_minutes(24 * 60);
    world.clock.advance_seconds(-76);
    let session = world.session(&world.admin).await;
    publish(&world, &session, event.clone()).await.expect(200, "");
    world.clock.advance_seconds(1);
    let anew = publish(&world, &session, event).await;
    assert_ne!(anew.data(202)["deliveries"], first.body["data"]["deliveries"]);
    assert_eq!(deliveries(&world).len(), 2);
}

#[tokio::test]
async fn of_the_same_event_four_times_at_once_one_is_written() {
    let world = World::new().await;
    let admin = world.session(&world.admin).await;
    let id = slack(&world, &admin, "One").await;
    rule(&world, &admin, json!({"name": "All", "event": "dlq.*", "channel_ids": [id]})).await;
    world.gather("TransactWriteItems", 4);
    let event = json!({"id": "once", "type": "dlq.drained"});
    let answers = at_once((0..4).map(|_| publish(&world, &admin, event.clone()))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 202]);
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
    assert_eq!(deliveries(&world).len(), 1);
    assert_eq!(world.audited(&world.admin, "notification_event.published").len(), 1);
}

#[tokio::test]
async fn one_without_an_id_is_another_one_each_time_but_for_an_idempotent_retry() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let admin = world.session(&world.admin).await;
    let event = json!({"type": "dlq.drained"});
    let ids: BTreeSet<_> = [
        publish(&world, &admin, event.clone()).await,
        publish(&world, &admin, event.clone()).await,
    ]
    .map(|answer| answer.text(202, "event_id"))
    .into();
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|id| id.starts_with("evt_")));
    let send = || {
        let request = client.post(PATH).bearer(&admin).header("idempotency-key", "once-only");
        request.json(event.clone()).send()
    };
    let (first, again) = (send().await, send().await);
    again.expect(202, "").expect_cost(1, 3.0);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &first.bytes));
    assert_eq!(world.items_under("EVENT#").len(), 3);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.editor).await;
    let before = world.dump();
    for (body, faults) in [
        (json!({}), &[("/type", "required")][..]),
        (
            json!({
                "id": "", "type": "pipeline.run.exploded", "severity": "grave", "occurred_at": "now",
                "pipeline_id": "x".repeat(101), "value": -1, "summary": "x".repeat(501), "data": [],
                "deliveries": [],
            }),
            &[
                ("/data", "invalid_type"),
                ("/deliveries", "unknown_field"),
                ("/id", "invalid_length"),
                ("/occurred_at", "invalid_value"),
                ("/pipeline_id", "invalid_length"),
                ("/severity", "unknown_value"),
                ("/summary", "invalid_length"),
                ("/type", "unknown_value"),
                ("/value", "out_of_range"),
            ],
        ),
        (
            json!({"type": "dlq.*", "id": "x".repeat(129), "value": 1.5, "summary": "a\nb"}),
            &[
                ("/id", "invalid_length"),
                ("/summary", "invalid_value"),
                ("/type", "unknown_value"),
                ("/value", "invalid_type"),
            ],
        ),
        (
            json!({"type": "dlq.drained", "data": {"text": "x".repeat(4086)}}),
            &[("/data", "invalid_length")],
        ),
        (json!({"type": null}), &[("/type", "not_nullable")]),
    ] {
        publish(&world, &token, body).await.expect_faults(faults).expect_cost(1, 2.0);
    }
    for name in EventName::ALL.iter().filter(|name| !name.is_public()) {
        let answer = publish(&world, &token, json!({"type": name.as_str()})).await;
        answer.expect_faults(&[("/type", "not_publishable")]);
    }
    assert_eq!(world.dump(), before);
    let nothing = json!({
        "type": "dlq.drained", "id": null, "severity": null, "occurred_at": null,
        "pipeline_id": null, "value": null, "summary": null, "data": null,
    });
    publish(&world, &token, nothing).await.expect(202, "");
}

#[tokio::test]
async fn a_table_that_fails_queues_nothing() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let admin = world.session(&world.admin).await;
    let id = slack(&world, &admin, "One").await;
    rule(&world, &admin, json!({"name": "All", "event": "dlq.*", "channel_ids": [id]})).await;
    let event = json!({"id": "once", "type": "dlq.drained"});
    let before = world.dump();
    for (call, fault) in [
        ("Query", Fault::Throttled),
        ("TransactWriteItems", Fault::ServerError),
        ("TransactWriteItems", Fault::Refused),
    ] {
        world.order(call, fault, 3);
        let answer = client.post(PATH).bearer(&admin).json(event.clone()).send_any().await;
        answer.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
    // The write is made and its answer lost: the SDK sends the very same one again.
    world.order("TransactWriteItems", Fault::AnswerLost, 1);
    let answer = publish(&world, &admin, event).await;
    assert_eq!(reached(&answer), BTreeSet::from([id]));
    assert_eq!(deliveries(&world).len(), 1);
}

#[tokio::test]
async fn the_key_of_a_retry_with_another_one_is_used_up_too() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let event = json!({"id": "evt-1", "type": "dlq.drained"});
    publish(&world, &token, event.clone()).await.expect(202, "");
    let client = world.client(notifications::router());
    let send = |body: Value| {
        let request = client.post(PATH).bearer(&token).header("idempotency-key", "second");
        request.json(body).send()
    };
    let answer = send(event.clone()).await;
    answer.expect(200, "");
    assert_eq!(answer.header("idempotent-replayed"), None);
    let again = send(event).await;
    again.expect(200, "");
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &answer.bytes));
    let other = send(json!({"id": "evt-2", "type": "dlq.drained"})).await;
    other.expect(422, "idempotency_key_reused");
}
