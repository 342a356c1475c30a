//! `GET /api/settings/ip-whitelist/status`, and what is noted for it

use harness::{Fault, World};
use serde_json::{Value, json};
use shared::auth::{allowlist::Mode, permissions::Scope};

const PATH: &str = "/api/settings/ip-whitelist/status";

async fn status(world: &World, token: &str) -> Value {
    let client = world.client(ip_whitelist::router());
    let answer = client.get(PATH).bearer(token).send().await;
    answer.expect_cost(1, 3.0);
    answer.data(200).clone()
}

#[tokio::test]
async fn a_list_that_is_off_has_come_to_nothing() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let expected = json!({
        "enabled": false, "mode": "enforce", "applies_to": ["api", "ui"], "entry_count": 0,
        "last_evaluated_at": null, "confirm_by": null, "would_be_refused": [],
    });
    let before = world.dump();
    assert_eq!(status(&world, &token).await, expected);
    assert_eq!(status(&world, &token).await, expected);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn an_evaluation_is_noted_once_a_minute() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.allow(&world.admin, &["192.0.2.0/24", "10.0.0.0/8"]).await;
    let confirm_by = world.now().plus_seconds(600);
    world.enforce(&world.admin, |rules| rules.confirm_by = Some(confirm_by)).await;
    let first = status(&world, &token).await;
    assert_eq!((&first["enabled"], &first["entry_count"]), (&json!(true), &json!(2)));
    assert_eq!(first["confirm_by"], "2026-03-27T15:10:00Z");
    assert_eq!(first["last_evaluated_at"], Value::Null);
    for (seconds, noted) in [
        (0, "2026-03-27T15:00:00Z"),
        (59, "2026-03-27T15:00:00Z"),
        (1, "2026-03-27T15:00:00Z"),
        (0, "2026-03-27T15:01:00Z"),
    ] {
        world.clock.advance_seconds(seconds);
        assert_eq!(status(&world, &token).await["last_evaluated_at"], noted);
    }
    let notes = world.items_under("EVALUATIONS#");
    assert_eq!((notes.len(), &notes[0]["version"]), (1, &json!(2)));
}

#[tokio::test]
async fn a_report_refuses_nobody_and_counts_by_credential() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let token = world.session(&world.admin).await;
    let (id, key) = world.api_key_with_id(&world.viewer, Scope::ALL, None).await;
    world.allow(&world.admin, &["192.0.2.0/24"]).await;
    world.enforce(&world.admin, |rules| rules.mode = Mode::ReportOnly).await;
    let get = async |credential: &str, address: &str| {
        let request = client.get("/api/organization").bearer(credential).from_address(address);
        request.send().await.expect(200, "").expect_cost(1, 2.0);
    };
    get(&key, "192.0.2.7").await;
    assert_eq!(status(&world, &token).await["would_be_refused"], json!([]));
    get(&key, "198.51.100.1").await;
    get(&key, "198.51.100.1").await;
    world.clock.advance_seconds(60);
    get(&key, "198.51.100.2").await;
    let session = world.session_with_id(&world.viewer).await;
    get(&session.1, "2001:db8::1").await;
    world.clock.advance_seconds(60);
    get(&session.1, "2001:db8::1").await;
    let expected = json!([
        {"credential": session.0, "count": 2, "last_at": "2026-03-27T15:02:00Z"},
        {"credential": id, "count": 2, "last_at": "2026-03-27T15:01:00Z"},
    ]);
    let told = status(&world, &token).await;
    assert_eq!((&told["mode"], &told["would_be_refused"]), (&json!("report_only"), &expected));
    let stranger = world.session(&world.stranger).await;
    assert_eq!(status(&world, &stranger).await["would_be_refused"], json!([]));
}

#[tokio::test]
async fn a_refusal_writes_nothing() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let key = world.api_key(&world.viewer, Scope::ALL).await;
    world.enforce(&world.admin, |_| {}).await;
    let before = world.dump();
    let answer = client.get("/api/organization").bearer(&key).send().await;
    answer.expect(403, "ip_not_allowed");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_note_that_fails_fails_no_request() {
    for (call, times) in [(".GetItem", 3), ("UpdateItem", 3)] {
        let world = World::new().await;
        let client = world.client(organization::router());
        let key = world.api_key(&world.viewer, Scope::ALL).await;
        world.enforce(&world.admin, |rules| rules.mode = Mode::ReportOnly).await;
        let before = world.dump();
        world.order(call, Fault::Throttled, times);
        client.get("/api/organization").bearer(&key).send().await.expect(200, "");
        assert_eq!(world.dump(), before);
        let lines = world.log.lines().join("\n");
        assert!(lines.contains("the allowlist's evaluation was not noted"), "{lines}");
    }
}

#[tokio::test]
async fn a_note_that_meets_another_is_written_after_it() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let (id, key) = world.api_key_with_id(&world.viewer, Scope::ALL, None).await;
    world.enforce(&world.admin, |rules| rules.mode = Mode::ReportOnly).await;
    let partition = format!("EVALUATIONS#{}", world.admin.organization_id);
    world.put(&json!({
        "PK": {"S": partition}, "SK": {"S": "EVALUATIONS"}, "version": {"N": "1"},
        "would_be_refused": {"M": {}},
    }));
    world.tamper_before("UpdateItem", partition, |item| {
        item["version"] = json!({"N": "2"});
        item["would_be_refused"] =
            json!({"M": {"other": {"M": {"count": {"N": "4"}, "last_at": {"N": "1774623599"}}}}});
    });
    client.get("/api/organization").bearer(&key).send().await.expect(200, "");
    let notes = world.items_under("EVALUATIONS#");
    let refused = &notes[0]["would_be_refused"];
    assert_eq!(
        (&refused["other"]["count"], &refused[id.to_string()]["count"]),
        (&json!(4), &json!(1))
    );
}
