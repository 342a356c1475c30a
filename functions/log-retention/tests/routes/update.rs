//! `PUT /api/settings/log-retention`

use harness::{Client, Request, World};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, model::retention::LogKind};

const PATH: &str = "/api/settings/log-retention";

fn put<'a>(client: &'a Client<'a>, token: &str, body: Value) -> Request<'a> {
    client.put(PATH).bearer(token).json(body)
}

/// The days told and in force.
async fn days(world: &World, kind: LogKind) -> (u32, u32) {
    let period = world.principal(&world.admin).await.organization.retention.of(kind);
    (period.told(), period.in_force(world.now()))
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    world.clock.advance_seconds(5);
    let body = json!({"run_logs_days": 14, "diagnostic_artifacts_days": 14});
    let answer = put(&client, &token, body).send().await;
    answer.expect_cost(2, 6.0);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let mut expected = json!({
        "run_logs_days": 14, "audit_logs_days": 365, "diagnostic_artifacts_days": 14,
        "effective_at": {
            "run_logs_days": "2026-03-28T15:00:05Z", "audit_logs_days": null,
            "diagnostic_artifacts_days": null,
        },
    });
    let read = client.get(PATH).bearer(&token).send().await;
    assert_eq!(read.data(200), &expected);
    assert_eq!(read.header("etag"), Some("\"2\""));
    expected["updated_at"] = json!("2026-03-27T15:00:05Z");
    assert_eq!(answer.data(200), &expected);
    assert_eq!(days(&world, LogKind::RunLogs).await, (14, 30));
    assert_eq!(days(&world, LogKind::DiagnosticArtifacts).await, (14, 14));
}

#[tokio::test]
async fn fewer_days_are_in_force_a_day_later_and_not_a_second_before() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let key = world.api_key(&world.admin, &[Scope::SettingsRead, Scope::SettingsWrite]).await;
    put(&client, &key, json!({"run_logs_days": 14})).send().await.expect(200, "");
    let told = async || {
        let answer = client.get(PATH).bearer(&key).send().await;
        answer.data(200)["effective_at"]["run_logs_days"].clone()
    };
    world.clock.advance_seconds(24 * 60 * 60 - 1);
    assert_eq!(told().await, "2026-03-28T15:00:00Z");
    assert_eq!(days(&world, LogKind::RunLogs).await, (14, 30));
    world.clock.advance_seconds(1);
    assert_eq!(told().await, Value::Null);
    assert_eq!(days(&world, LogKind::RunLogs).await, (14, 14));
}

#[tokio::test]
async fn more_days_take_the_fewer_back() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    for (asked, effective_at) in [
        (14, json!("2026-03-28T15:00:00Z")),
        (20, json!("2026-03-28T15:00:00Z")),
        (30, Value::Null),
        (40, Value::Null),
    ] {
        let answer = put(&client, &key, json!({"run_logs_days": asked})).send().await;
        assert_eq!(answer.data(200)["effective_at"]["run_logs_days"], effective_at);
        assert_eq!(days(&world, LogKind::RunLogs).await, (asked, 30.max(asked)));
    }
}

#[tokio::test]
async fn a_deployment_without_a_cooling_off_has_none() {
    let mut world = World::new().await;
    world.app.settings.retention_cooling_off_hours = 0;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    let answer = put(&client, &token, json!({"run_logs_days": 1})).send().await;
    assert_eq!(answer.data(200)["effective_at"]["run_logs_days"], Value::Null);
    assert_eq!(days(&world, LogKind::RunLogs).await, (1, 1));
}

#[tokio::test]
async fn is_audited_from_and_to() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let (id, key) = world.api_key_with_id(&world.admin, &[Scope::SettingsWrite], None).await;
    let body = json!({"run_logs_days": 14, "audit_logs_days": 365, "diagnostic_artifacts_days": 8});
    let answer = put(&client, &key, body).send().await;
    answer.expect(200, "");
    let records = world.audited(&world.admin, "log_retention.updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "api_key", "user_id": world.admin.user_id, "api_key_id": id});
    assert_eq!(record["actor"], actor);
    assert_eq!(record["target"], json!(world.admin.organization_id));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    let changes = json!({
        "run_logs_days": {"from": 30, "to": 14}, "diagnostic_artifacts_days": {"from": 7, "to": 8},
    });
    assert_eq!(record["changes"], changes);
    assert!(world.audited(&world.stranger, "log_retention.updated").is_empty());
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    put(&client, &token, json!({"run_logs_days": 14})).send().await.expect(200, "");
    let before = world.dump();
    world.clock.advance_seconds(5);
    let same = json!({"run_logs_days": 14, "audit_logs_days": 365, "diagnostic_artifacts_days": 7});
    for body in [json!({}), same] {
        let answer = put(&client, &token, body).send().await;
        answer.expect_cost(1, 2.0);
        assert_eq!(answer.data(200)["updated_at"], "2026-03-27T15:00:00Z");
        assert_eq!(answer.header("etag"), Some("\"2\""));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    let before = world.dump();
    let body = json!({
        "run_logs_days": 0, "audit_logs_days": "365", "diagnostic_artifacts_days": null,
        "pending": 1,
    });
    put(&client, &token, body).send().await.expect_faults(&[
        ("/audit_logs_days", "invalid_type"),
        ("/diagnostic_artifacts_days", "not_nullable"),
        ("/pending", "unknown_field"),
        ("/run_logs_days", "out_of_range"),
    ]);
    for (field, wrong, code) in [
        ("run_logs_days", json!(0), "out_of_range"),
        ("run_logs_days", json!(366), "out_of_range"),
        ("run_logs_days", json!(1.5), "invalid_type"),
        ("run_logs_days", json!(-1), "out_of_range"),
        ("run_logs_days", json!(null), "not_nullable"),
        ("audit_logs_days", json!(29), "out_of_range"),
        ("audit_logs_days", json!(3651), "out_of_range"),
        ("audit_logs_days", json!(null), "not_nullable"),
        ("diagnostic_artifacts_days", json!(0), "out_of_range"),
        ("diagnostic_artifacts_days", json!(366), "out_of_range"),
        ("diagnostic_artifacts_days", json!("7"), "invalid_type"),
    ] {
        let answer = put(&client, &token, json!({field: wrong})).send().await;
        answer.expect_faults(&[(&format!("/{field}"), code)]).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn the_plan_s_limits_are_held_and_named() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper(&partition, |item| {
        let limits = item["limits"]["M"].as_object_mut().unwrap();
        limits.insert("max_run_logs_days".to_owned(), json!({"N": "60"}));
        limits.insert("max_audit_logs_days".to_owned(), json!({"N": "300"}));
        limits.insert("max_diagnostic_artifacts_days".to_owned(), json!({"N": "10"}));
    });
    let before = world.dump();
    let body =
        json!({"run_logs_days": 61, "audit_logs_days": 301, "diagnostic_artifacts_days": 11});
    let answer = put(&client, &token, body).send().await;
    answer.expect_faults(&[
        ("/audit_logs_days", "out_of_range"),
        ("/diagnostic_artifacts_days", "out_of_range"),
        ("/run_logs_days", "out_of_range"),
    ]);
    let detail = answer.body["errors"][2]["detail"].as_str().unwrap();
    assert_eq!(detail, "Must be at most 60, which is the plan's limit max_run_logs_days.");
    assert_eq!(world.dump(), before);
    // What a plan had before it shrank may be sent back unchanged.
    let body =
        json!({"run_logs_days": 60, "audit_logs_days": 365, "diagnostic_artifacts_days": 10});
    put(&client, &token, body).send().await.expect(200, "");
    put(&client, &token, json!({"audit_logs_days": 300})).send().await.expect(200, "");
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    let change = |tag: &'static str, days: u32| {
        put(&client, &token, json!({"run_logs_days": days})).header("if-match", tag).send()
    };
    change("\"1\"", 40).await.expect(200, "");
    change("\"1\"", 50).await.expect(412, "precondition_failed").expect_cost(1, 2.0);
    change("W/\"2\"", 50).await.expect(412, "precondition_failed");
    change("2", 50).await.expect(400, "invalid_if_match");
    change("\"7\", \"2\"", 50).await.expect(200, "");
    assert_eq!(days(&world, LogKind::RunLogs).await.0, 50);
}

#[tokio::test]
async fn of_two_simultaneous_changes_one_is_written_and_the_other_told() {
    for (condition, refusal) in
        [(None, (409, "edit_conflict")), (Some("\"1\""), (412, "precondition_failed"))]
    {
        let world = World::new().await;
        let client = world.client(log_retention::router());
        let token = world.session(&world.admin).await;
        world.gather("BatchGetItem", 2);
        let change = |days: u32| {
            let request = put(&client, &token, json!({"run_logs_days": days}));
            match condition {
                Some(tag) => request.header("if-match", tag).send(),
                None => request.send(),
            }
        };
        let (first, second) = tokio::join!(change(40), change(50));
        let mut codes = [(first.status, first.code()), (second.status, second.code())];
        codes.sort_unstable();
        assert_eq!(codes, [(200, ""), refusal]);
        assert_eq!(world.audited(&world.admin, "log_retention.updated").len(), 1);
        let written = if first.status == 200 { 40 } else { 50 };
        assert_eq!(days(&world, LogKind::RunLogs).await.0, written);
    }
}

#[tokio::test]
async fn a_hold_that_is_placed_meanwhile_is_not_written_over() {
    let world = World::new().await;
    let (client, token) =
        (world.client(log_retention::router()), world.session(&world.admin).await);
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["version"] = json!({"N": "2"});
        item["holds"] = json!({"L": [{"M": {
            "kind": {"S": "run_logs"}, "case": {"S": "C-1"}, "placed_at": {"N": "1"},
        }}]});
    });
    let answer = put(&client, &token, json!({"run_logs_days": 40})).send().await;
    answer.expect(409, "edit_conflict");
    let organization = world.principal(&world.admin).await.organization;
    assert!(organization.holds(LogKind::RunLogs));
    assert_eq!(days(&world, LogKind::RunLogs).await.0, 30);
    assert!(world.audited(&world.admin, "log_retention.updated").is_empty());
}
