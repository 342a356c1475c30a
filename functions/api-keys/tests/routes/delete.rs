//! `DELETE /api/user/api-keys/{id}`

use harness::{Client, Request, World};
use serde_json::json;
use shared::{auth::permissions::Scope, ids::ApiKeyId};

const PATH: &str = "/api/user/api-keys";

fn delete<'a>(client: &'a Client<'a>, token: &str, id: ApiKeyId) -> Request<'a> {
    client.delete(format!("{PATH}/{id}")).bearer(token)
}

#[tokio::test]
async fn the_key_is_gone_and_dead_at_once() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, secret) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let (kept, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let answer = delete(&client, &token, id).send().await;
    answer.expect(204, "").expect_cost(2, 6.0);
    assert_eq!(answer.bytes, b"");
    client.get(PATH).bearer(&secret).send().await.expect(401, "invalid_credential");
    let left: Vec<_> = world.user(&world.viewer).await.api_keys.into_keys().collect();
    assert_eq!(left, [kept]);
}

#[tokio::test]
async fn is_audited() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (session, token) = world.session_with_id(&world.viewer).await;
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let answer = delete(&client, &token, id).from_address("198.51.100.9").send().await;
    let records = world.audited(&world.viewer, "api_key.deleted");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["target"], json!(id));
    let actor = json!({"type": "session", "user_id": world.viewer.user_id, "session_id": session});
    assert_eq!(records[0]["actor"], actor);
    assert_eq!(records[0]["ip_address"], "198.51.100.9");
    assert_eq!(records[0]["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(records[0]["changes"], json!({"name": {"from": "Test key", "to": null}}));
}

#[tokio::test]
async fn a_replaced_secret_in_its_overlap_dies_with_the_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, old) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let request = client.post(format!("{PATH}/{id}/regenerate")).bearer(&token);
    let answer = request.json(json!({"overlap_minutes": 60})).send().await;
    delete(&client, &token, id).send().await.expect(204, "");
    for secret in [old, answer.text(200, "secret")] {
        client.get(PATH).bearer(&secret).send().await.expect(401, "invalid_credential");
    }
}

#[tokio::test]
async fn the_second_time_there_is_no_such_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    delete(&client, &token, id).send().await.expect(204, "");
    let before = world.dump();
    delete(&client, &token, id).send().await.expect(404, "not_found").expect_cost(1, 2.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let request = client.post(format!("{PATH}/{id}/regenerate")).bearer(&token);
    request.send().await.expect(200, "");
    let before = world.dump();
    for (tag, status, code) in [
        ("\"1\"", 412, "precondition_failed"),
        ("W/\"2\"", 412, "precondition_failed"),
        ("2", 400, "invalid_if_match"),
    ] {
        let answer = delete(&client, &token, id).header("If-Match", tag).send().await;
        answer.expect(status, code).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
    delete(&client, &token, id).header("If-Match", "\"2\"").send().await.expect(204, "");
}

#[tokio::test]
async fn if_match_with_a_star_asks_only_that_the_key_exists() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    delete(&client, &token, id).header("If-Match", "*").send().await.expect(204, "");
    delete(&client, &token, id).header("If-Match", "*").send().await.expect(404, "not_found");
}

#[tokio::test]
async fn delete_doesnt_delete_other_users_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let mut bodies = Vec::new();
    for owner in [&world.viewer, &world.stranger] {
        let (id, secret) = world.api_key_with_id(owner, &[Scope::ProfileRead], None).await;
        let before = world.dump();
        let answer = delete(&client, &token, id).send().await;
        bodies.push(answer.expect(404, "not_found").bytes.clone());
        assert_eq!(world.dump(), before);
        client.get(PATH).bearer(&secret).send().await.expect(200, "");
    }
    for id in ["key_01jq8me0000000000000000000", "key_", "nonsense", "%00", "key_%C3%A9"] {
        let answer = client.delete(format!("{PATH}/{id}")).bearer(&token).send().await;
        bodies.push(answer.expect(404, "not_found").bytes.clone());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn an_expired_key_does_not_exist() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let ends = Some(world.now().plus_seconds(1));
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    world.clock.advance_seconds(1);
    delete(&client, &token, id).send().await.expect(404, "not_found");
}

#[tokio::test]
async fn only_a_session_may_delete_a_key() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (id, secret) = world.api_key_with_id(&world.admin, Scope::ALL, None).await;
    let path = format!("{PATH}/{id}");
    delete(&client, &secret, id).send().await.expect(403, "session_required");
    client.delete(&path).send().await.expect(401, "missing_credential").expect_cost(0, 0.0);
    for method in ["POST", "PUT", "PATCH"] {
        let answer = client.request(method, &path).bearer(&secret).send().await;
        answer.expect(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET,HEAD,DELETE"));
    }
    client.get(PATH).bearer(&secret).send().await.expect(200, "");
}
