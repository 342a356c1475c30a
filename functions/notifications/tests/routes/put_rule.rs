//! `POST /api/notifications/rules`

use harness::{Answer, Fault, World, at_once};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, model::notifications::rule::Rule};

const PATH: &str = "/api/notifications/rules";

async fn channel(world: &World, token: &str) -> String {
    let client = world.client(notifications::router());
    let config = json!({"workspace": "acme", "channel": "C01234567"});
    let body = json!({"type": "slack", "name": "#data-alerts", "config": config});
    let path = "/api/notifications/channels";
    client.post(path).bearer(token).json(body).send().await.text(201, "id")
}

async fn post(world: &World, token: &str, body: Value) -> Answer {
    world.client(notifications::router()).post(PATH).bearer(token).json(body).send().await
}

async fn rules(world: &World) -> Vec<Rule> {
    world.app.store.rules(world.admin.organization_id).await.unwrap()
}

fn growth(channel: &str) -> Value {
    json!({
        "name": "DLQ growth alert", "event": "dlq.threshold_exceeded", "channel_ids": [channel],
        "filters": {"pipeline_ids": ["pl_01hqxyz"], "threshold": 100}, "enabled": true,
    })
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    let answer = post(&world, &token, growth(&channel)).await;
    answer.expect_cost(3, 9.0);
    let data = answer.data(201);
    let filters = json!({"pipeline_ids": ["pl_01hqxyz"], "threshold": 100});
    let expected = json!({
        "id": data["id"], "name": "DLQ growth alert", "event": "dlq.threshold_exceeded",
        "channel_ids": [channel], "filters": filters, "enabled": true,
        "created_at": "2026-03-27T15:00:00Z", "updated_at": "2026-03-27T15:00:00Z",
    });
    assert_eq!(data, &expected);
    assert_eq!(rules(&world).await.len(), 1);
    let records = world.audited(&world.admin, "notification_rule.created");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({
        "name": {"from": null, "to": "DLQ growth alert"},
        "event": {"from": null, "to": "dlq.threshold_exceeded"},
        "channel_ids": {"from": null, "to": [channel]},
        "filters": {"from": null, "to": filters},
        "enabled": {"from": null, "to": true},
    });
    assert_eq!((&record["target"], &record["changes"]), (&data["id"], &changes));
}

#[tokio::test]
async fn the_rule_of_the_same_name_is_replaced_whole() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    let id = post(&world, &token, growth(&channel)).await.text(201, "id");
    world.clock.advance_seconds(90);
    let body = json!({
        "name": "DLQ growth alert", "event": "security.*", "channel_ids": [channel], "enabled": false,
    });
    let answer = post(&world, &token, body).await;
    answer.expect_cost(3, 9.0);
    let expected = json!({
        "id": id, "name": "DLQ growth alert", "event": "security.*", "channel_ids": [channel],
        "filters": {}, "enabled": false,
        "created_at": "2026-03-27T15:00:00Z", "updated_at": "2026-03-27T15:01:30Z",
    });
    assert_eq!(answer.data(200), &expected);
    let [rule] = &rules(&world).await[..] else { panic!("not one rule") };
    assert_eq!((rule.version, rule.filters.is_empty()), (2, true));
    let records = world.audited(&world.admin, "notification_rule.replaced");
    let filters = json!({"pipeline_ids": ["pl_01hqxyz"], "threshold": 100});
    let changes = json!({
        "event": {"from": "dlq.threshold_exceeded", "to": "security.*"},
        "filters": {"from": filters, "to": {}}, "enabled": {"from": true, "to": false},
    });
    assert_eq!(records[0]["changes"], changes);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    let before = world.dump();
    let with = |field: &str, value: Value| {
        let mut body = growth(&channel);
        body[field] = value;
        body
    };
    for (body, faults) in [
        (
            json!({}),
            &[("/channel_ids", "required"), ("/event", "required"), ("/name", "required")][..],
        ),
        (
            json!({
                "name": "", "event": "pipeline.run.exploded", "channel_ids": ["nch_1", channel, channel],
                "filters": {"severity": ["grave"], "pipelines": []}, "enabled": null, "id": "x",
            }),
            &[
                ("/channel_ids/0", "invalid_value"),
                ("/enabled", "not_nullable"),
                ("/event", "unknown_value"),
                ("/filters/pipelines", "unknown_field"),
                ("/filters/severity/0", "unknown_value"),
                ("/id", "unknown_field"),
                ("/name", "invalid_length"),
            ],
        ),
        (with("channel_ids", json!([channel, channel])), &[("/channel_ids/1", "duplicate")]),
        (with("channel_ids", json!([])), &[("/channel_ids", "invalid_length")]),
        (with("channel_ids", json!(vec![&channel; 51])), &[("/channel_ids", "invalid_length")]),
        (with("event", json!("*")), &[("/event", "unknown_value")]),
        (with("event", json!("notification.test")), &[("/event", "unknown_value")]),
        (with("event", json!(["dlq.*"])), &[("/event", "invalid_type")]),
        (
            with("filters", json!({"pipeline_ids": [], "threshold": -1, "severity": []})),
            &[
                ("/filters/pipeline_ids", "invalid_length"),
                ("/filters/severity", "invalid_length"),
                ("/filters/threshold", "out_of_range"),
            ],
        ),
        (
            with(
                "filters",
                json!({
                    "pipeline_ids": ["a", "", "a", "x".repeat(101)], "threshold": 9_007_199_254_740_992_u64,
                }),
            ),
            &[
                ("/filters/pipeline_ids/1", "invalid_length"),
                ("/filters/pipeline_ids/3", "invalid_length"),
                ("/filters/threshold", "out_of_range"),
            ],
        ),
        (with("filters", json!({"threshold": 1.5})), &[("/filters/threshold", "invalid_type")]),
        (with("filters", json!([])), &[("/filters", "invalid_type")]),
    ] {
        post(&world, &token, body).await.expect_faults(faults).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_filter_that_lets_no_such_event_through_is_refused() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    for event in ["security.*", "security.mfa.disabled", "notification.channel.disabled"] {
        let mut body = growth(&channel);
        body["event"] = json!(event);
        body["channel_ids"] = json!([channel, "nch_00000000000000000000000000"]);
        post(&world, &token, body.clone()).await.expect_faults(&[
            ("/channel_ids/1", "not_found"),
            ("/filters/pipeline_ids", "not_applicable"),
            ("/filters/threshold", "not_applicable"),
        ]);
        body["filters"] = json!({"severity": ["high"], "threshold": null});
        body["channel_ids"] = json!([channel]);
        body["name"] = json!(event);
        post(&world, &token, body).await.expect(201, "");
    }
}

#[tokio::test]
async fn a_foreign_channel_and_a_missing_one_answer_the_same() {
    let world = World::new().await;
    let (token, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let foreign = channel(&world, &token).await;
    let before = world.dump();
    let mut bodies = Vec::new();
    for id in [&foreign, "nch_00000000000000000000000000"] {
        let answer = post(&world, &stranger, growth(id)).await;
        answer.expect_faults(&[("/channel_ids/0", "not_found")]).expect_cost(2, 3.0);
        bodies.push(answer.bytes);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(world.dump(), before);
}

/// Puts rules behind everybody's back.
fn fill(world: &World, count: usize) {
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    for index in 0..count {
        let id = format!("nrl_01jq{index:022}");
        world.put(&json!({
            "PK": {"S": partition}, "SK": {"S": id}, "id": {"S": id},
            "name": {"S": format!("Rule {index}")}, "event": {"S": "dlq.*"}, "channel_ids": {"L": []},
            "enabled": {"BOOL": true}, "updated_at": {"N": "1774623600"}, "version": {"N": "1"},
        }));
    }
}

#[tokio::test]
async fn eighty_rules_and_not_one_more() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    fill(&world, 80);
    let before = world.dump();
    post(&world, &token, growth(&channel)).await.expect(409, "limit_reached");
    assert_eq!(world.dump(), before);
    let mut body = growth(&channel);
    body["name"] = json!("Rule 7");
    post(&world, &token, body).await.expect(200, "");
    assert_eq!(rules(&world).await.len(), 80);
}

#[tokio::test]
async fn of_two_new_rules_at_seventy_nine_one_is_made() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    fill(&world, 79);
    world.gather("TransactWriteItems", 2);
    let posts = ["One", "Two"].map(|name| {
        let mut body = growth(&channel);
        body["name"] = json!(name);
        post(&world, &token, body)
    });
    let answers = at_once(posts).await;
    let mut codes: Vec<_> = answers.iter().map(|it| (it.status, it.code())).collect();
    codes.sort_unstable();
    assert_eq!(codes, [(201, ""), (409, "limit_reached")]);
    assert_eq!(rules(&world).await.len(), 80);
}

#[tokio::test]
async fn two_rules_of_one_name_at_once_are_one_rule() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    world.gather("TransactWriteItems", 2);
    let answers = at_once((0..2).map(|_| post(&world, &token, growth(&channel)))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(answers[0].body["data"]["id"], answers[1].body["data"]["id"]);
    let [rule] = &rules(&world).await[..] else { panic!("not one rule") };
    assert_eq!(rule.version, 2);
}

#[tokio::test]
async fn a_channel_that_goes_meanwhile_is_not_led_to() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token).await;
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let version = json!({"PK": {"S": partition}, "SK": {"S": "VERSION"}, "version": {"N": "2"}});
    world.put_before("TransactWriteItems", vec![version], vec![(partition, id.clone())]);
    let answer = post(&world, &token, growth(&id)).await;
    answer.expect_faults(&[("/channel_ids/0", "not_found")]);
    assert!(rules(&world).await.is_empty());
}

#[tokio::test]
async fn a_retry_with_an_idempotency_key_gets_the_first_answer() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.api_key(&world.admin, &[Scope::NotificationsWrite]).await;
    let channel = channel(&world, &token).await;
    let send = |name: &str| {
        let mut body = growth(&channel);
        body["name"] = json!(name);
        client.post(PATH).bearer(&token).header("idempotency-key", "once-only").json(body).send()
    };
    let first = send("One").await;
    first.expect(201, "");
    let again = send("One").await;
    again.expect(201, "").expect_cost(1, 3.0);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &first.bytes));
    send("Two").await.expect(422, "idempotency_key_reused");
    // It tells what was answered first, and does not undo what came since.
    let mut other = growth(&channel);
    other["name"] = json!("One");
    other["enabled"] = json!(false);
    post(&world, &token, other).await.expect(200, "");
    send("One").await.expect(201, "");
    let [rule] = &rules(&world).await[..] else { panic!("not one rule") };
    assert!(!rule.enabled);
}

#[tokio::test]
async fn a_table_that_fails_leaves_no_rule() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let channel = channel(&world, &token).await;
    let before = world.dump();
    for call in ["Query", "TransactWriteItems"] {
        world.order(call, Fault::ServerError, 3);
        let answer = client.post(PATH).bearer(&token).json(growth(&channel)).send_any().await;
        answer.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
}
