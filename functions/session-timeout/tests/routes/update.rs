//! `PUT /api/user/session-timeout`

use harness::{Client, Request, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user/session-timeout";

fn put<'a>(client: &'a Client<'a>, token: &str, body: Value) -> Request<'a> {
    client.put(PATH).bearer(token).json(body)
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    world.clock.advance_seconds(5);
    let mut expected = json!({
        "idle_timeout_minutes": 30, "absolute_timeout_minutes": 720, "extend_on_activity": true,
    });
    let answer = put(&client, &token, expected.clone()).send().await;
    answer.expect_cost(2, 6.0);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let read = client.get(PATH).bearer(&token).send().await;
    assert_eq!(read.data(200), &expected);
    assert_eq!(read.header("etag"), Some("\"2\""));
    expected["updated_at"] = json!("2026-03-27T15:00:05Z");
    assert_eq!(answer.data(200), &expected);
}

#[tokio::test]
async fn changes_what_is_sent_and_keeps_the_rest() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    let policy = async || {
        let policy = world.principal(&world.admin).await.organization.session_policy;
        let (idle, absolute) = (policy.idle_timeout_minutes, policy.absolute_timeout_minutes);
        (idle, absolute, policy.extend_on_activity)
    };
    for (body, expected) in [
        (json!({"extend_on_activity": false}), (60, 1440, false)),
        (json!({"idle_timeout_minutes": 1440}), (1440, 1440, false)),
        (json!({"absolute_timeout_minutes": 43_200}), (1440, 43_200, false)),
        (json!({"idle_timeout_minutes": 5, "extend_on_activity": true}), (5, 43_200, true)),
        (json!({"absolute_timeout_minutes": 15}), (5, 15, true)),
        (json!({"idle_timeout_minutes": 15}), (15, 15, true)),
    ] {
        put(&client, &token, body).send().await.expect(200, "").expect_cost(2, 6.0);
        assert_eq!(policy().await, expected);
    }
}

#[tokio::test]
async fn is_audited_from_and_to() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let (id, key) = world.api_key_with_id(&world.admin, &[Scope::SettingsWrite], None).await;
    let body = json!({"idle_timeout_minutes": 30, "absolute_timeout_minutes": 1440, "extend_on_activity": false});
    let answer = put(&client, &key, body).send().await;
    answer.expect(200, "");
    let records = world.audited(&world.admin, "session_policy.updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "api_key", "user_id": world.admin.user_id, "api_key_id": id});
    assert_eq!(record["actor"], actor);
    assert_eq!(record["target"], json!(world.admin.organization_id));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    let changes = json!({
        "idle_timeout_minutes": {"from": 60, "to": 30},
        "extend_on_activity": {"from": true, "to": false},
    });
    assert_eq!(record["changes"], changes);
    assert!(world.audited(&world.stranger, "session_policy.updated").is_empty());
}

#[tokio::test]
async fn the_first_change_of_a_day_enters_the_day_into_the_index() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    world.clock.advance_minutes(24 * 60);
    let change = async |minutes: u32| {
        put(&client, &key, json!({"idle_timeout_minutes": minutes})).send().await
    };
    change(30).await.expect(200, "").expect_cost(2, 8.0);
    change(31).await.expect(200, "").expect_cost(2, 6.0);
    let days = world.items_under(&format!("LOGDAYS#{}", world.admin.organization_id));
    let days: Vec<_> = days.iter().map(|day| day["SK"].as_str().unwrap()).collect();
    assert_eq!(days, ["audit#2026-03-27", "audit#2026-03-28"]);
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    let before = world.dump();
    world.clock.advance_seconds(5);
    let same = json!({
        "idle_timeout_minutes": 60, "absolute_timeout_minutes": 1440, "extend_on_activity": true,
    });
    for body in [json!({}), same] {
        let answer = put(&client, &token, body).send().await;
        answer.expect_cost(1, 2.0);
        assert_eq!(answer.data(200)["updated_at"], "2026-03-27T15:00:00Z");
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    let before = world.dump();
    let body = json!({
        "idle_timeout_minutes": 4, "absolute_timeout_minutes": "720", "extend_on_activity": 1,
        "idle_floor": null,
    });
    put(&client, &token, body).send().await.expect_faults(&[
        ("/absolute_timeout_minutes", "invalid_type"),
        ("/extend_on_activity", "invalid_type"),
        ("/idle_floor", "unknown_field"),
        ("/idle_timeout_minutes", "out_of_range"),
    ]);
    for (field, wrong, code) in [
        ("idle_timeout_minutes", json!(0), "out_of_range"),
        ("idle_timeout_minutes", json!(4), "out_of_range"),
        ("idle_timeout_minutes", json!(1441), "out_of_range"),
        ("idle_timeout_minutes", json!(30.5), "invalid_type"),
        ("absolute_timeout_minutes", json!(14), "out_of_range"),
        ("absolute_timeout_minutes", json!(43_201), "out_of_range"),
        ("absolute_timeout_minutes", json!(4_294_967_356_u64), "out_of_range"),
        ("extend_on_activity", json!("true"), "invalid_type"),
        ("idle_timeout_minutes", json!(null), "not_nullable"),
        ("absolute_timeout_minutes", json!(null), "not_nullable"),
        ("extend_on_activity", json!(null), "not_nullable"),
    ] {
        let answer = put(&client, &token, json!({field: wrong})).send().await;
        answer.expect_faults(&[(&format!("/{field}"), code)]).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn the_idle_time_must_not_be_over_the_absolute_one_and_the_fault_is_at_what_was_sent() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    put(&client, &token, json!({"absolute_timeout_minutes": 60})).send().await.expect(200, "");
    let before = world.dump();
    for (body, pointer) in [
        (json!({"idle_timeout_minutes": 61}), "/idle_timeout_minutes"),
        (
            json!({"idle_timeout_minutes": 31, "absolute_timeout_minutes": 30}),
            "/idle_timeout_minutes",
        ),
        (
            json!({"absolute_timeout_minutes": 59, "extend_on_activity": false}),
            "/absolute_timeout_minutes",
        ),
    ] {
        let answer = put(&client, &token, body).send().await;
        answer.expect_faults(&[(pointer, "out_of_range")]).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    let change = |tag: &'static str, minutes: u32| {
        let request = put(&client, &token, json!({"idle_timeout_minutes": minutes}));
        request.header("if-match", tag).send()
    };
    change("\"1\"", 10).await.expect(200, "");
    change("\"1\"", 20).await.expect(412, "precondition_failed").expect_cost(1, 2.0);
    change("W/\"2\"", 20).await.expect(412, "precondition_failed");
    change("2", 20).await.expect(400, "invalid_if_match");
    change("\"7\", \"2\"", 20).await.expect(200, "");
    let policy = world.principal(&world.admin).await.organization.session_policy;
    assert_eq!(policy.idle_timeout_minutes, 20);
}

#[tokio::test]
async fn of_two_simultaneous_changes_one_is_written_and_the_other_told() {
    for (condition, refusal) in
        [(None, (409, "edit_conflict")), (Some("\"1\""), (412, "precondition_failed"))]
    {
        let world = World::new().await;
        let client = world.client(session_timeout::router());
        let token = world.session(&world.admin).await;
        world.gather("BatchGetItem", 2);
        let change = |minutes: u32| {
            let request = put(&client, &token, json!({"idle_timeout_minutes": minutes}));
            match condition {
                Some(tag) => request.header("if-match", tag).send(),
                None => request.send(),
            }
        };
        let (first, second) = tokio::join!(change(10), change(20));
        let mut codes = [(first.status, first.code()), (second.status, second.code())];
        codes.sort_unstable();
        assert_eq!(codes, [(200, ""), refusal]);
        assert_eq!(world.audited(&world.admin, "session_policy.updated").len(), 1);
        let written = if first.status == 200 { 10 } else { 20 };
        let policy = world.principal(&world.admin).await.organization.session_policy;
        assert_eq!(policy.idle_timeout_minutes, written);
    }
}

#[tokio::test]
async fn a_change_of_anything_else_in_the_organization_meanwhile_is_not_written_over() {
    let world = World::new().await;
    let (client, token) =
        (world.client(session_timeout::router()), world.session(&world.admin).await);
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["version"] = json!({"N": "2"});
        item["plan"] = json!({"S": "team"});
    });
    let answer = put(&client, &token, json!({"idle_timeout_minutes": 10})).send().await;
    answer.expect(409, "edit_conflict");
    let organization = world.principal(&world.admin).await.organization;
    assert_eq!(organization.session_policy.idle_timeout_minutes, 60);
    assert_eq!(organization.plan, "team");
    assert!(world.audited(&world.admin, "session_policy.updated").is_empty());
}
