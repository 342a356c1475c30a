//! Making a secret needs a session whose user has proved lately who they are.

use harness::{Answer, Client, PASSWORD, World};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, ids::ApiKeyId};

const PATH: &str = "/api/user/api-keys";

async fn create(client: &Client<'_>, token: &str) -> Answer {
    let body = json!({"name": "CI", "scopes": ["profile:read"]});
    client.post(PATH).bearer(token).json(body).send().await
}

async fn regenerate(client: &Client<'_>, token: &str, id: ApiKeyId) -> Answer {
    client.post(format!("{PATH}/{id}/regenerate")).bearer(token).send().await
}

async fn reauthenticate(world: &World, token: &str, body: Value) -> Answer {
    let client = world.client(sessions::router());
    client.post("/api/session/reauthenticate").bearer(token).json(body).send().await
}

fn assert_refused(answer: &Answer) {
    answer.expect(403, "reauthentication_required");
    assert_eq!(answer.calls, 1);
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("`POST /api/session/reauthenticate`"), "{detail}");
}

#[tokio::test]
async fn after_ten_minutes_to_the_second_a_new_proof_is_asked_for() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    world.clock.advance_seconds(599);
    create(&client, &token).await.expect(201, "");
    regenerate(&client, &token, id).await.expect(200, "");
    world.clock.advance_seconds(1);
    let before = world.user(&world.viewer).await.api_keys;
    assert_refused(&create(&client, &token).await);
    assert_refused(&regenerate(&client, &token, id).await);
    // What is not there is not told of before the proof.
    assert_refused(&regenerate(&client, &token, ApiKeyId::from_bits(0)).await);
    assert_eq!(world.user(&world.viewer).await.api_keys, before);
    reauthenticate(&world, &token, json!({"password": PASSWORD})).await.expect(204, "");
    create(&client, &token).await.expect(201, "");
    regenerate(&client, &token, id).await.expect(200, "");
}

#[tokio::test]
async fn a_retry_asks_for_the_proof_too_and_then_gets_its_answer() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let send = || {
        let body = json!({"name": "CI", "scopes": ["profile:read"]});
        client.post(PATH).bearer(&token).header("Idempotency-Key", "retry").json(body).send()
    };
    let first = send().await;
    world.clock.advance_minutes(10);
    assert_refused(&send().await);
    reauthenticate(&world, &token, json!({"password": PASSWORD})).await.expect(204, "");
    let retry = send().await;
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(retry.bytes, first.bytes);
}

#[tokio::test]
async fn with_mfa_on_a_password_alone_does_not_do() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    world.clock.advance_minutes(10);
    let answer = reauthenticate(&world, &token, json!({"password": PASSWORD})).await;
    answer.expect_faults(&[("/code", "required")]);
    assert_refused(&create(&client, &token).await);
    let change =
        json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
    let profile = world.client(profile::router());
    profile.post("/api/user/password").bearer(&token).json(change).send().await.expect(204, "");
    assert_refused(&create(&client, &token).await);
    let proof = json!({"password": "quartz-lantern-mosaic-ferry", "code": world.code()});
    reauthenticate(&world, &token, proof).await.expect(204, "");
    create(&client, &token).await.expect(201, "");
}

#[tokio::test]
async fn a_session_is_proved_apart_from_the_user_s_others() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (mine, other) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    world.clock.advance_minutes(10);
    reauthenticate(&world, &mine, json!({"password": PASSWORD})).await.expect(204, "");
    create(&client, &mine).await.expect(201, "");
    assert_refused(&create(&client, &other).await);
}

#[tokio::test]
async fn reading_and_deleting_keys_need_no_new_proof() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    world.clock.advance_minutes(59);
    client.get(PATH).bearer(&token).send().await.expect(200, "");
    client.delete(format!("{PATH}/{id}")).bearer(&token).send().await.expect(204, "");
}
