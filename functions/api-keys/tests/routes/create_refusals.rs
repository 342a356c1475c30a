//! `POST /api/user/api-keys`: requests that are wrong in themselves.

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user/api-keys";

fn with(field: &str, value: &Value) -> Value {
    let mut body = json!({"name": "CI", "scopes": ["profile:read"]});
    body[field] = value.clone();
    body
}

#[tokio::test]
async fn every_fault_of_every_field_is_told() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let before = world.dump();
    for (field, value, pointer, code) in [
        ("name", json!(null), "/name", "not_nullable"),
        ("name", json!(7), "/name", "invalid_type"),
        ("name", json!(["CI"]), "/name", "invalid_type"),
        ("name", json!(""), "/name", "invalid_length"),
        ("name", json!("n".repeat(101)), "/name", "invalid_length"),
        ("name", json!(" CI"), "/name", "invalid_value"),
        ("name", json!("CI\n"), "/name", "invalid_value"),
        ("name", json!("C\u{0}I"), "/name", "invalid_value"),
        ("scopes", json!(null), "/scopes", "not_nullable"),
        ("scopes", json!("profile:read"), "/scopes", "invalid_type"),
        ("scopes", json!({}), "/scopes", "invalid_type"),
        ("scopes", json!([]), "/scopes", "invalid_length"),
        ("scopes", json!(["profile:delete"]), "/scopes/0", "unknown_value"),
        ("scopes", json!(["profile:read", 1]), "/scopes/1", "invalid_type"),
        ("scopes", json!(["profile:read", null]), "/scopes/1", "not_nullable"),
        ("expires_in_days", json!(0), "/expires_in_days", "out_of_range"),
        ("expires_in_days", json!(366), "/expires_in_days", "out_of_range"),
        ("expires_in_days", json!(-1), "/expires_in_days", "out_of_range"),
        ("expires_in_days", json!(u64::MAX), "/expires_in_days", "out_of_range"),
        ("expires_in_days", json!(1.5), "/expires_in_days", "invalid_type"),
        ("expires_in_days", json!("90"), "/expires_in_days", "invalid_type"),
        ("expires_in_days", json!(true), "/expires_in_days", "invalid_type"),
        ("colour", json!("red"), "/colour", "unknown_field"),
        ("a/b~c", json!(1), "/a~1b~0c", "unknown_field"),
    ] {
        let answer = client.post(PATH).bearer(&token).json(with(field, &value)).send().await;
        answer.expect_faults(&[(pointer, code)]).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn the_bounds_themselves_are_right() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    for (field, value) in [
        ("name", json!("n")),
        ("name", json!("é".repeat(100))),
        ("expires_in_days", json!(1)),
        ("expires_in_days", json!(365)),
    ] {
        let answer = client.post(PATH).bearer(&token).json(with(field, &value)).send().await;
        answer.expect(201, "");
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let body = json!({"name": "", "scopes": ["x", 1], "expires_in_days": 0, "colour": 1});
    client.post(PATH).bearer(&token).json(body).send().await.expect_faults(&[
        ("/colour", "unknown_field"),
        ("/expires_in_days", "out_of_range"),
        ("/name", "invalid_length"),
        ("/scopes/0", "unknown_value"),
        ("/scopes/1", "invalid_type"),
    ]);
}

#[tokio::test]
async fn what_is_missing_or_no_object_is_told() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let send = |body: Value| client.post(PATH).bearer(&token).json(body).send();
    send(json!({})).await.expect_faults(&[("/name", "required"), ("/scopes", "required")]);
    send(json!([])).await.expect_faults(&[("", "invalid_type")]);
    send(json!("CI")).await.expect_faults(&[("", "invalid_type")]);
    send(json!(null)).await.expect_faults(&[("", "not_nullable")]);
}

#[tokio::test]
async fn a_body_is_json_and_declared_as_it_and_at_most_64_kib() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let good = with("name", &json!("CI")).to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    for (kind, body, status, code) in [
        ("application/json", padded(65_536), 201, ""),
        ("application/json", padded(65_537), 413, "body_too_large"),
        ("application/json", "{".to_owned(), 400, "malformed_json"),
        ("application/json", String::new(), 400, "malformed_json"),
        ("application/json", format!("{good}x"), 400, "malformed_json"),
        ("application/json", "[".repeat(1000), 400, "malformed_json"),
        ("application/json; charset=utf-8", good.clone(), 201, ""),
        ("application/json; charset=latin1", good.clone(), 415, "unsupported_media_type"),
        ("text/plain", good.clone(), 415, "unsupported_media_type"),
        ("", good.clone(), 415, "unsupported_media_type"),
    ] {
        let request = client.post(PATH).bearer(&token).header("content-type", kind);
        request.text(body).send().await.expect(status, code);
    }
    let answer = client.post(PATH).bearer(&token).text(good).send().await;
    answer.expect(415, "unsupported_media_type");
}

#[tokio::test]
async fn only_a_session_may_make_a_key() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let key = world.api_key(&world.admin, Scope::ALL).await;
    let body = with("name", &json!("CI"));
    let before = world.dump();
    let answer = client.post(PATH).bearer(&key).json(body.clone()).send().await;
    answer.expect(403, "session_required").expect_cost(1, 2.0);
    let answer = client.post(PATH).json(body.clone()).send().await;
    answer.expect(401, "missing_credential").expect_cost(0, 0.0);
    let answer = client.post(PATH).bearer("plnx_live_garbage").json(body).send().await;
    answer.expect(401, "invalid_credential").expect_cost(0, 0.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn other_methods_are_refused_with_those_there_are() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS"] {
        let answer = client.request(method, PATH).send().await;
        answer.expect(405, "method_not_allowed").expect_cost(0, 0.0);
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
    }
}
