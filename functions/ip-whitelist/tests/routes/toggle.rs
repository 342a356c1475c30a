//! `POST /api/settings/ip-whitelist/toggle` and `POST /api/settings/ip-whitelist/confirm`

use harness::{Answer, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const TOGGLE: &str = "/api/settings/ip-whitelist/toggle";
const CONFIRM: &str = "/api/settings/ip-whitelist/confirm";

async fn toggle(world: &World, token: &str, body: Value) -> Answer {
    world.client(ip_whitelist::router()).post(TOGGLE).bearer(token).json(body).send().await
}

async fn confirm(world: &World, token: &str, address: &str) -> Answer {
    let client = world.client(ip_whitelist::router());
    client.post(CONFIRM).bearer(token).from_address(address).send().await
}

async fn read(world: &World, token: &str, address: &str) -> u16 {
    let client = world.client(organization::router());
    client.get("/api/organization").bearer(token).from_address(address).send().await.status
}

#[tokio::test]
async fn the_list_is_turned_on_and_off() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.allow(&world.admin, &["192.0.2.0/24"]).await;
    world.clock.advance_seconds(5);
    let answer = toggle(&world, &token, json!({"enabled": true})).await;
    answer.expect_cost(2, 6.0);
    let mut expected = json!({
        "enabled": true, "mode": "enforce", "applies_to": ["api", "ui"], "confirm_by": null,
        "updated_at": "2026-03-27T15:00:05Z",
    });
    assert_eq!(answer.data(200), &expected);
    assert_eq!(read(&world, &token, "198.51.100.1").await, 403);
    assert_eq!(read(&world, &token, "192.0.2.9").await, 200);
    world.clock.advance_seconds(5);
    expected["enabled"] = json!(false);
    expected["updated_at"] = json!("2026-03-27T15:00:10Z");
    let answer = toggle(&world, &token, json!({"enabled": false})).await;
    assert_eq!(answer.data(200), &expected);
    assert_eq!(read(&world, &token, "198.51.100.1").await, 200);
    let records = world.audited(&world.admin, "allowlist.toggled");
    let changes: Vec<_> = records.iter().map(|record| record["changes"].clone()).collect();
    let expected = [(false, true), (true, false)];
    assert_eq!(changes, expected.map(|(from, to)| json!({"enabled": {"from": from, "to": to}})));
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let before = world.dump();
    let answer = toggle(&world, &token, json!({"enabled": false})).await;
    answer.expect(200, "").expect_cost(1, 2.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn who_would_be_shut_out_is_told_unless_it_is_forced() {
    let world = World::new().await;
    let (token, key) =
        (world.session(&world.admin).await, world.api_key(&world.admin, Scope::ALL).await);
    world.allow(&world.admin, &["203.0.113.0/24"]).await;
    let before = world.dump();
    for body in [
        json!({"enabled": true}),
        json!({"enabled": true, "applies_to": ["ui"]}),
        json!({"enabled": true, "confirm_within_minutes": 5}),
    ] {
        toggle(&world, &token, body).await.expect(409, "would_lock_out_caller");
    }
    let api = json!({"enabled": true, "applies_to": ["api"]});
    toggle(&world, &key, api.clone()).await.expect(409, "would_lock_out_caller");
    assert_eq!(world.dump(), before);
    toggle(&world, &token, json!({"enabled": true, "mode": "report_only"})).await.expect(200, "");
    toggle(&world, &token, api).await.expect(200, "");
    let client = world.client(ip_whitelist::router());
    let forced = client.post(format!("{TOGGLE}?force=true")).bearer(&token);
    forced.json(json!({"enabled": true})).send().await.expect(200, "");
    assert_eq!(read(&world, &token, "192.0.2.1").await, 403);
}

#[tokio::test]
async fn it_applies_to_keys_to_sessions_or_to_both() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (token, key) =
        (world.session(&world.admin).await, world.api_key(&world.admin, Scope::ALL).await);
    world.allow(&world.admin, &["192.0.2.1/32"]).await;
    for (applies_to, by_key, by_session) in [
        (json!(["api"]), 403, 200),
        (json!(["ui"]), 200, 403),
        (json!(["ui", "api", "ui"]), 403, 403),
    ] {
        let body = json!({"enabled": true, "applies_to": applies_to});
        toggle(&world, &token, body).await.expect(200, "");
        assert_eq!(read(&world, &key, "198.51.100.1").await, by_key);
        assert_eq!(read(&world, &token, "198.51.100.1").await, by_session);
        let login = json!({"email": world.viewer.email, "password": harness::PASSWORD});
        let login = client.post("/api/login").from_address("198.51.100.1").json(login);
        assert_eq!(login.send().await.status, by_session);
    }
}

#[tokio::test]
async fn an_enforcement_that_is_not_confirmed_turns_itself_off() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.allow(&world.admin, &["192.0.2.1/32"]).await;
    let body = json!({"enabled": true, "confirm_within_minutes": 5});
    let answer = toggle(&world, &token, body.clone()).await;
    assert_eq!(answer.data(200)["confirm_by"], "2026-03-27T15:05:00Z");
    world.clock.advance_milliseconds(299_999);
    assert_eq!(read(&world, &token, "198.51.100.1").await, 403);
    confirm(&world, &token, "198.51.100.1").await.expect(403, "ip_not_allowed");
    world.clock.advance_milliseconds(1);
    assert_eq!(read(&world, &token, "198.51.100.1").await, 200);
    confirm(&world, &token, "192.0.2.1").await.expect(409, "nothing_to_confirm");
    let client = world.client(ip_whitelist::router());
    let status = client.get("/api/settings/ip-whitelist/status").bearer(&token).send().await;
    assert_eq!(
        (&status.data(200)["enabled"], &status.data(200)["confirm_by"]),
        (&json!(false), &Value::Null)
    );
    // And on again, which is recorded as that.
    toggle(&world, &token, body).await.expect(200, "");
    assert_eq!(read(&world, &token, "198.51.100.1").await, 403);
    let records = world.audited(&world.admin, "allowlist.toggled");
    assert_eq!(records[1]["changes"]["enabled"], json!({"from": false, "to": true}));
}

#[tokio::test]
async fn an_enforcement_that_is_confirmed_stays() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.allow(&world.admin, &["192.0.2.1/32"]).await;
    confirm(&world, &token, "192.0.2.1").await.expect(409, "nothing_to_confirm");
    toggle(&world, &token, json!({"enabled": true, "confirm_within_minutes": 60}))
        .await
        .expect(200, "");
    let answer = confirm(&world, &token, "192.0.2.1").await;
    answer.expect_cost(2, 6.0);
    assert_eq!(
        (&answer.data(200)["enabled"], &answer.data(200)["confirm_by"]),
        (&json!(true), &Value::Null)
    );
    let records = world.audited(&world.admin, "allowlist.confirmed");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({"confirm_by": {"from": "2026-03-27T16:00:00Z", "to": null}});
    assert_eq!(record["changes"], changes);
    world.clock.advance_minutes(59);
    assert_eq!(read(&world, &token, "192.0.2.1").await, 200);
    world.clock.advance_minutes(10);
    assert_eq!(read(&world, &token, "198.51.100.1").await, 403);
    confirm(&world, &token, "192.0.2.1").await.expect(409, "nothing_to_confirm");
}

#[tokio::test]
async fn who_is_not_asked_for_the_address_confirms_from_one_on_the_list_alone() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.allow(&world.admin, &["203.0.113.0/24"]).await;
    let body = json!({"enabled": true, "applies_to": ["api"], "confirm_within_minutes": 1});
    toggle(&world, &token, body).await.expect(200, "");
    let refused = confirm(&world, &token, "198.51.100.1").await;
    refused.expect(409, "would_lock_out_caller");
    // Nothing forces it, so nothing is said of forcing.
    assert!(!refused.body["detail"].as_str().unwrap().contains("force"), "{}", refused.body);
    confirm(&world, &token, "203.0.113.1").await.expect(200, "");
}

#[tokio::test]
async fn turning_it_on_needs_a_recent_proof_in_a_session() {
    let world = World::new().await;
    let (token, key) =
        (world.session(&world.admin).await, world.api_key(&world.admin, Scope::ALL).await);
    world.allow(&world.admin, &["192.0.2.1/32"]).await;
    world.clock.advance_seconds(600);
    let before = world.audit(world.admin.organization_id).len();
    for body in [
        json!({"enabled": true}),
        json!({"enabled": true, "mode": "report_only"}),
        json!({"enabled": true, "applies_to": ["api"]}),
        json!({"enabled": true, "confirm_within_minutes": 5}),
    ] {
        toggle(&world, &token, body).await.expect(403, "reauthentication_required");
    }
    assert_eq!(world.audit(world.admin.organization_id).len(), before);
    toggle(&world, &key, json!({"enabled": true})).await.expect(200, "");
    toggle(&world, &token, json!({"enabled": false})).await.expect(200, "");
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let body = json!({
        "enabled": "true", "mode": "off", "applies_to": ["all"], "confirm_within_minutes": 61, "ip": 1,
    });
    toggle(&world, &token, body).await.expect_faults(&[
        ("/applies_to/0", "unknown_value"),
        ("/confirm_within_minutes", "out_of_range"),
        ("/enabled", "invalid_type"),
        ("/ip", "unknown_field"),
        ("/mode", "unknown_value"),
    ]);
    toggle(&world, &token, json!({})).await.expect_faults(&[("/enabled", "required")]);
    for (field, wrong, code) in [
        ("mode", Value::Null, "not_nullable"),
        ("applies_to", Value::Null, "not_nullable"),
        ("applies_to", json!([]), "invalid_length"),
        ("applies_to", json!("api"), "invalid_type"),
        ("confirm_within_minutes", json!(0), "out_of_range"),
        ("confirm_within_minutes", json!(1.5), "invalid_type"),
    ] {
        let answer = toggle(&world, &token, json!({"enabled": true, field: wrong})).await;
        answer.expect_faults(&[(&format!("/{field}"), code)]);
    }
    for body in [
        json!({"enabled": false, "confirm_within_minutes": 5}),
        json!({"enabled": true, "mode": "report_only", "confirm_within_minutes": 5}),
    ] {
        let answer = toggle(&world, &token, body).await;
        answer.expect_faults(&[("/confirm_within_minutes", "not_applicable")]);
    }
    let client = world.client(ip_whitelist::router());
    let query = client.post(format!("{TOGGLE}?dry_run=1")).bearer(&token);
    let query = query.json(json!({"enabled": false})).send().await;
    assert_eq!(query.expect(400, "malformed_query").faults(), [("/dry_run", "unknown_parameter")]);
}

#[tokio::test]
async fn another_change_that_comes_first_is_a_conflict() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let partition = || format!("ORG#{}", world.admin.organization_id);
    let changed = |item: &mut Value| item["version"] = json!({"N": "77"});
    world.tamper_before("TransactWriteItems", partition(), changed);
    let body = json!({"enabled": true, "mode": "report_only"});
    toggle(&world, &token, body).await.expect(409, "edit_conflict");
    world.allow(&world.admin, &["192.0.2.1/32"]).await;
    let confirm_by = world.now().plus_seconds(60);
    world.enforce(&world.admin, |rules| rules.confirm_by = Some(confirm_by)).await;
    world.tamper_before("TransactWriteItems", partition(), changed);
    confirm(&world, &token, "192.0.2.1").await.expect(409, "edit_conflict");
    assert!(world.rules(&world.admin).await.confirm_by.is_some());
}
