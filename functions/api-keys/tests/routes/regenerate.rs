//! `POST /api/user/api-keys/{id}/regenerate`

use harness::{Client, Request, World};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, ids::ApiKeyId};

const PATH: &str = "/api/user/api-keys";

fn regenerate<'a>(client: &'a Client<'a>, token: &str, id: ApiKeyId) -> Request<'a> {
    client.post(format!("{PATH}/{id}/regenerate")).bearer(token)
}

async fn use_of(client: &Client<'_>, secret: &str) -> (u16, String) {
    let answer = client.get(PATH).bearer(secret).send().await;
    (answer.status, answer.code().to_owned())
}

fn let_in() -> (u16, String) {
    (200, String::new())
}

fn refused() -> (u16, String) {
    (401, "invalid_credential".to_owned())
}

#[tokio::test]
async fn answers_with_the_new_secret_and_the_old_one_is_dead_at_once() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    world.clock.advance_minutes(5);
    let answer = regenerate(&client, &token, id).send().await;
    answer.expect_cost(2, 6.0);
    let new = answer.text(200, "secret");
    let expected = json!({
        "id": id, "secret": new, "prefix": &new[..14], "rotated_at": "2026-03-27T15:05:00Z",
    });
    assert_eq!(answer.data(200), &expected);
    assert_eq!(use_of(&client, &old).await, refused());
    assert_eq!(use_of(&client, &new).await, let_in());
    assert!(!world.dump().contains(&new[14..]));
}

#[tokio::test]
async fn changes_the_secret_and_nothing_else() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let ends = Some(world.now().plus_days(1));
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    let before = world.user(&world.viewer).await.api_keys.remove(&id).unwrap();
    let answer = regenerate(&client, &token, id).send().await;
    let after = world.user(&world.viewer).await.api_keys.remove(&id).unwrap();
    assert_eq!(after.prefix.to_string(), answer.text(200, "prefix"));
    assert_eq!((after.rotated_at, after.version), (Some(world.now()), 2));
    assert_eq!((&after.name, after.scopes), (&before.name, before.scopes));
    assert_eq!((after.expires_at, after.last_used_at), (ends, before.last_used_at));
    assert_ne!(after.hash, before.hash);
}

#[tokio::test]
async fn is_audited_without_a_secret() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (session, token) = world.session_with_id(&world.viewer).await;
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let body = json!({"overlap_minutes": 30});
    let answer = regenerate(&client, &token, id).json(body).send().await;
    let records = world.audited(&world.viewer, "api_key.regenerated");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["target"], json!(id));
    let actor = json!({"type": "session", "user_id": world.viewer.user_id, "session_id": session});
    assert_eq!(records[0]["actor"], actor);
    assert_eq!(records[0]["ip_address"], "192.0.2.1");
    assert_eq!(records[0]["request_id"].as_str(), answer.header("x-request-id"));
    let changes = json!({
        "prefix": {"from": &old[..14], "to": answer.text(200, "prefix")},
        "previous_secret_valid_until": {"from": null, "to": "2026-03-27T15:30:00Z"},
    });
    assert_eq!(records[0]["changes"], changes);
}

#[tokio::test]
async fn with_an_overlap_both_secrets_work_until_the_very_second() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let body = json!({"overlap_minutes": 1440});
    let answer = regenerate(&client, &token, id).json(body).send().await;
    assert_eq!(answer.data(200)["previous_secret_valid_until"], "2026-03-28T15:00:00Z");
    let new = answer.text(200, "secret");
    world.clock.advance_seconds(1440 * 60 - 1);
    assert_eq!(use_of(&client, &old).await, let_in());
    assert_eq!(use_of(&client, &new).await, let_in());
    world.clock.advance_seconds(1);
    assert_eq!(use_of(&client, &old).await, refused());
    assert_eq!(use_of(&client, &new).await, let_in());
}

#[tokio::test]
async fn an_overlap_does_not_outlive_the_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let ends = Some(world.now().plus_seconds(60));
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    let body = json!({"overlap_minutes": 2});
    let answer = regenerate(&client, &token, id).json(body).send().await;
    assert_eq!(answer.data(200)["previous_secret_valid_until"], json!(ends));
    let new = answer.text(200, "secret");
    world.clock.advance_seconds(60);
    assert_eq!(use_of(&client, &old).await, (401, "api_key_expired".to_owned()));
    assert_eq!(use_of(&client, &new).await, (401, "api_key_expired".to_owned()));
}

#[tokio::test]
async fn regenerating_again_during_an_overlap_kills_the_oldest() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, first) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let body = || json!({"overlap_minutes": 60});
    let second = regenerate(&client, &token, id).json(body()).send().await.text(200, "secret");
    let third = regenerate(&client, &token, id).json(body()).send().await.text(200, "secret");
    assert_eq!(use_of(&client, &first).await, refused());
    assert_eq!(use_of(&client, &second).await, let_in());
    assert_eq!(use_of(&client, &third).await, let_in());
    let fourth = regenerate(&client, &token, id).send().await.text(200, "secret");
    assert_eq!(use_of(&client, &second).await, refused());
    assert_eq!(use_of(&client, &third).await, refused());
    assert_eq!(use_of(&client, &fourth).await, let_in());
}

#[tokio::test]
async fn the_body_may_be_left_out_or_empty_and_the_overlap_null() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    regenerate(&client, &token, id).send().await.expect(200, "");
    regenerate(&client, &token, id).text("").send().await.expect(200, "");
    regenerate(&client, &token, id).json(json!({})).send().await.expect(200, "");
    let body = json!({"overlap_minutes": null});
    let answer = regenerate(&client, &token, id).json(body).send().await;
    assert_eq!(answer.data(200).get("previous_secret_valid_until"), None);
    assert_eq!(world.user(&world.viewer).await.api_keys[&id].version, 5);
}

#[tokio::test]
async fn every_fault_of_the_body_is_told() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let before = world.dump();
    for (value, code) in [
        (json!(0), "out_of_range"),
        (json!(1441), "out_of_range"),
        (json!(-5), "out_of_range"),
        (json!(1.5), "invalid_type"),
        (json!("5"), "invalid_type"),
        (json!([5]), "invalid_type"),
    ] {
        let body = json!({"overlap_minutes": value, "force": true});
        let answer = regenerate(&client, &token, id).json(body).send().await;
        answer.expect_faults(&[("/force", "unknown_field"), ("/overlap_minutes", code)]);
    }
    let send = |body: Value| regenerate(&client, &token, id).json(body).send();
    send(json!([])).await.expect_faults(&[("", "invalid_type")]);
    send(json!(null)).await.expect_faults(&[("", "not_nullable")]);
    let text = |text: &str| regenerate(&client, &token, id).text(text).send();
    text("{}").await.expect(415, "unsupported_media_type");
    text(&" ".repeat(65_537)).await.expect(413, "body_too_large");
    let broken = regenerate(&client, &token, id).header("content-type", "application/json");
    broken.text("{").send().await.expect(400, "malformed_json");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn an_overlap_of_one_minute_is_the_shortest() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let body = json!({"overlap_minutes": 1});
    regenerate(&client, &token, id).json(body).send().await.expect(200, "");
    world.clock.advance_seconds(59);
    assert_eq!(use_of(&client, &old).await, let_in());
    world.clock.advance_seconds(1);
    assert_eq!(use_of(&client, &old).await, refused());
}

#[tokio::test]
async fn what_is_not_the_callers_does_not_exist() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let ended = Some(world.now());
    let ids = [
        world.api_key_with_id(&world.admin, &[Scope::ProfileRead], None).await.0.to_string(),
        world.api_key_with_id(&world.stranger, &[Scope::ProfileRead], None).await.0.to_string(),
        world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ended).await.0.to_string(),
        "key_01jq8me0000000000000000000".to_owned(),
        "KEY_01JQ8ME0000000000000000000".to_owned(),
        world.viewer.user_id.to_string(),
        "nonsense".to_owned(),
    ];
    let before = world.dump();
    let mut bodies = Vec::new();
    for id in ids {
        let answer = client.post(format!("{PATH}/{id}/regenerate")).bearer(&token).send().await;
        answer.expect(404, "not_found").expect_cost(1, 2.0);
        bodies.push(answer.bytes);
    }
    bodies.dedup();
    assert_eq!((bodies.len(), world.dump()), (1, before));
}

#[tokio::test]
async fn only_a_session_may_do_it() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (id, secret) = world.api_key_with_id(&world.admin, Scope::ALL, None).await;
    regenerate(&client, &secret, id).send().await.expect(403, "session_required");
    let path = format!("{PATH}/{id}/regenerate");
    client.post(&path).send().await.expect(401, "missing_credential");
    for method in ["GET", "PUT", "DELETE"] {
        let answer = client.request(method, &path).bearer(&secret).send().await;
        answer.expect(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    assert_eq!(use_of(&client, &secret).await, let_in());
}
