//! `POST /api/login`: whom it refuses, and what that tells.

use harness::{Answer, Client, PASSWORD, Person, Request, World};
use serde_json::{Value, json};

fn login<'a>(client: &'a Client<'a>, email: &str, password: &str) -> Request<'a> {
    client.post("/api/login").json(json!({"email": email, "password": password}))
}

fn tamper_organization(world: &World, change: impl Fn(&mut Value)) {
    world.tamper(&format!("ORG#{}", world.admin.organization_id), change);
}

/// Turns Acme's allowlist on, for 203.0.113.0/24 alone.
async fn allow_203_0_113(world: &World) {
    world.allow(&world.admin, &["203.0.113.0/24"]).await;
    world.enforce(&world.admin, |_| {}).await;
}

/// The one record of a refusal in the person's organization.
fn refusal(world: &World, person: &Person) -> Value {
    let records = world.audited(person, "session.refused");
    assert_eq!(records.len(), 1, "{records:?}");
    records[0].clone()
}

/// Signs in wrongly, and tells the answer and how many hashes were computed.
async fn attempt(world: &World, email: &str, password: &str) -> (Answer, u64) {
    let before = world.app.passwords.invocations();
    let answer = login(&world.client(sessions::router()), email, password).send().await;
    (answer, world.app.passwords.invocations() - before)
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_the_same_in_answer_and_work() {
    let world = World::new().await;
    let (wrong, wrong_hashes) = attempt(&world, world.viewer.email, "wrong-password").await;
    let (unknown, unknown_hashes) = attempt(&world, "nobody@acme.example", "wrong-password").await;
    wrong.expect(401, "invalid_login").expect_cost(3, 13.0);
    unknown.expect(401, "invalid_login").expect_cost(3, 13.0);
    assert_eq!(wrong.bytes, unknown.bytes);
    assert_eq!(wrong.headers, unknown.headers);
    assert_eq!((wrong_hashes, unknown_hashes), (1, 1));
}

#[tokio::test]
async fn a_disabled_user_is_refused_like_a_wrong_password() {
    let world = World::new().await;
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper(&partition, |item| item["disabled"]["BOOL"] = json!(true));
    let (right, right_hashes) = attempt(&world, viewer.email, PASSWORD).await;
    let (wrong, wrong_hashes) = attempt(&world, viewer.email, "wrong-password").await;
    right.expect(401, "invalid_login").expect_cost(3, 13.0);
    assert_eq!((right.bytes, right_hashes), (wrong.bytes, wrong_hashes));
    assert!(world.user(viewer).await.sessions.is_empty());
}

#[tokio::test]
async fn a_refusal_is_audited_with_its_reason_and_changes_nothing_else() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let before = world.principal(&world.viewer).await;
    let request = login(&client, world.viewer.email, "wrong-password").from_address("2001:db8::7");
    let answer = request.send().await;
    let record = refusal(&world, &world.viewer);
    assert_eq!(record["reason"], "invalid_login");
    assert_eq!(record["actor"], json!({"type": "claimed", "user_id": world.viewer.user_id}));
    assert_eq!(record["target"], json!(world.viewer.user_id));
    assert_eq!(record["ip_address"], "2001:db8::7");
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(record.get("changes"), None);
    let after = world.principal(&world.viewer).await;
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
}

#[tokio::test]
async fn a_stranger_s_refusal_is_recorded_apart_from_every_tenant_and_ends_by_itself() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    login(&client, "nobody@acme.example", "wrong-password")
        .send()
        .await
        .expect(401, "invalid_login");
    for person in [&world.admin, &world.stranger] {
        assert!(world.audited(person, "session.refused").is_empty());
    }
    let mut records = world.items_under("AUDIT#");
    records.retain(|record| record["action"] == "session.refused");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["expires_at"], world.now().plus_days(30).as_second());
    assert!(!record.to_string().contains("nobody"));
}

#[tokio::test]
async fn single_sign_on_lets_administrators_in_and_tells_others_only_after_the_right_password() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    tamper_organization(&world, |item| item["require_sso"]["BOOL"] = json!(true));
    login(&client, world.admin.email, PASSWORD).send().await.expect(200, "");
    login(&client, world.viewer.email, PASSWORD).send().await.expect(403, "sso_required");
    assert_eq!(refusal(&world, &world.viewer)["reason"], "sso_required");
    let wrong = login(&client, world.viewer.email, "wrong-password").send().await;
    wrong.expect(401, "invalid_login");
    assert!(world.user(&world.viewer).await.sessions.is_empty());
}

#[tokio::test]
async fn the_allowlist_refuses_even_administrators_and_tells_only_after_the_right_password() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    allow_203_0_113(&world).await;
    let email = world.admin.email;
    login(&client, email, PASSWORD).send().await.expect(403, "ip_not_allowed");
    assert_eq!(refusal(&world, &world.admin)["reason"], "ip_not_allowed");
    login(&client, email, "wrong-password").send().await.expect(401, "invalid_login");
    login(&client, email, PASSWORD).from_nowhere().send().await.expect(403, "ip_not_allowed");
    login(&client, email, PASSWORD).from_address("203.0.113.9").send().await.expect(200, "");
    login(&client, world.stranger.email, PASSWORD).send().await.expect(200, "");
}

#[tokio::test]
async fn an_unreadable_allowlist_lets_nobody_sign_in() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    tamper_organization(&world, |item| item["allowlist"] = json!({"S": "off"}));
    for address in ["192.0.2.1", "203.0.113.9", "2001:db8::1"] {
        let request = login(&client, world.admin.email, PASSWORD).from_address(address);
        request.send().await.expect(403, "ip_not_allowed");
    }
}

#[tokio::test]
async fn a_sign_in_that_a_password_change_overtakes_fails() {
    let world = World::new().await;
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["credentials_version"]["N"] = json!("2");
    });
    let (answer, _) = attempt(&world, viewer.email, PASSWORD).await;
    answer.expect(401, "invalid_login");
    assert!(world.user(viewer).await.sessions.is_empty());
    assert!(world.audited(viewer, "session.created").is_empty());
}

#[tokio::test]
async fn a_sign_in_that_is_overtaken_by_being_disabled_fails() {
    let world = World::new().await;
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["disabled"]["BOOL"] = json!(true);
    });
    attempt(&world, viewer.email, PASSWORD).await.0.expect(401, "invalid_login");
    assert!(world.user(viewer).await.sessions.is_empty());
}
