//! `Idempotency-Key`: a retry gets the first answer, byte for byte, and changes nothing.

use harness::{Answer, Client, Fault, Request, World};
use serde_json::{Value, json};
use shared::{auth::permissions::Scope, model::user::MAX_API_KEYS};

const PATH: &str = "/api/user/api-keys";
const KEY: &str = "2f1c9a52-retry-of-the-deploy-script";

fn create<'a>(client: &'a Client<'a>, token: &str, key: &str) -> Request<'a> {
    let body = json!({"name": "CI", "scopes": ["profile:read"]});
    client.post(PATH).bearer(token).header("Idempotency-Key", key).json(body)
}

fn assert_replay(answer: &Answer, first: &Answer) {
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    assert_eq!((answer.status, &answer.bytes), (first.status, &first.bytes));
    assert_eq!(answer.header("content-type"), first.header("content-type"));
}

fn assert_first(answer: &Answer) {
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_makes_nothing() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let first = create(&client, &token, KEY).send().await;
    assert_first(&first);
    first.expect_cost(2, 9.0);
    let before = world.dump();
    let retry = create(&client, &token, KEY).send().await;
    assert_replay(&retry, &first);
    retry.expect_cost(1, 3.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_retry_is_answered_even_where_a_new_request_would_reach_the_limit() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    for _ in 1..MAX_API_KEYS {
        world.api_key(&world.viewer, &[Scope::ProfileRead]).await;
    }
    let first = create(&client, &token, KEY).send().await;
    assert_first(&first);
    create(&client, &token, "another").send().await.expect(409, "limit_reached");
    assert_replay(&create(&client, &token, KEY).send().await, &first);
}

#[tokio::test]
async fn another_body_or_path_with_the_same_key_is_refused() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let first = create(&client, &token, KEY).send().await;
    let regenerate = format!("{PATH}/{}/regenerate", first.text(201, "id"));
    let before = world.dump();
    for (path, body) in [
        (PATH, json!({"name": "CD", "scopes": ["profile:read"]})),
        (&regenerate, json!({})),
        (&regenerate, json!({"overlap_minutes": 5})),
    ] {
        let request = client.post(path).bearer(&token).header("Idempotency-Key", KEY).json(body);
        request.send().await.expect(422, "idempotency_key_reused").expect_cost(1, 3.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn two_keys_regenerated_with_one_idempotency_key_are_two_requests() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let regenerate = |id| {
        let request = client.post(format!("{PATH}/{id}/regenerate")).bearer(&token);
        request.header("Idempotency-Key", KEY).send()
    };
    let (one, _) = world.api_key_with_id(&world.admin, &[Scope::ProfileRead], None).await;
    let (two, _) = world.api_key_with_id(&world.admin, &[Scope::ProfileRead], None).await;
    let first = regenerate(one).await;
    first.expect(200, "");
    regenerate(two).await.expect(422, "idempotency_key_reused");
    assert_replay(&regenerate(one).await, &first);
    let keys = world.user(&world.admin).await.api_keys;
    assert_eq!((keys[&one].version, keys[&two].version), (2, 1));
}

#[tokio::test]
async fn another_user_s_same_key_is_another_key() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let mut secrets = Vec::new();
    for person in [&world.admin, &world.viewer, &world.stranger] {
        let answer = create(&client, &world.session(person).await, KEY).send().await;
        assert_first(&answer);
        secrets.push(answer.text(201, "secret"));
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 3);
}

#[tokio::test]
async fn the_table_has_neither_the_secret_nor_the_idempotency_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let answer = create(&client, &token, KEY).send().await;
    let dump = world.dump();
    assert!(!dump.contains(&answer.text(201, "secret")[14..]));
    assert!(!dump.contains(KEY));
    let records = world.items_under("REPLAY#");
    let record = records[0].as_object().unwrap();
    let names: Vec<_> = record.keys().map(String::as_str).collect();
    assert_eq!(names, ["PK", "SK", "expires_at", "sealed", "status"]);
    let sealed = record["sealed"].as_str().unwrap();
    assert!(!sealed.contains(&base64_of(&answer.text(201, "secret"))));
}

/// What stands in the base 64 of any text that has `secret` in it, whatever comes before.
fn base64_of(secret: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bytes = secret.as_bytes();
    let word =
        (usize::from(bytes[20]) << 16) | (usize::from(bytes[21]) << 8) | usize::from(bytes[22]);
    [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(word >> shift) & 63])).iter().collect()
}

#[tokio::test]
async fn a_copied_record_does_not_open_for_another_user() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    create(&client, &token, KEY).send().await.expect(201, "");
    let viewer = world.session(&world.viewer).await;
    create(&client, &viewer, KEY).send().await.expect(201, "");
    let partition =
        |person: &harness::Person| format!("REPLAY#{}#{}", person.organization_id, person.user_id);
    let of_admin = world.items_under(&partition(&world.admin))[0]["sealed"].clone();
    world.tamper(&partition(&world.viewer), |item| item["sealed"]["S"] = of_admin.clone());
    let answer = create(&client, &viewer, KEY).send_any().await;
    answer.expect(500, "internal_error");
    assert_eq!(answer.body["detail"], "The service failed. Nothing was changed.");
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_gets_it() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    world.order("TransactWriteItems", Fault::AnswerLost, 3);
    create(&client, &token, KEY).send_any().await.expect(503, "unavailable");
    let retry = create(&client, &token, KEY).send().await;
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.user(&world.admin).await.api_keys.len(), 1);
    let secret = retry.text(201, "secret");
    client.get(PATH).bearer(&secret).send().await.expect(200, "");
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_repaired_under_its_key() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let send = |body: Value| {
        client.post(PATH).bearer(&token).header("Idempotency-Key", KEY).json(body).send()
    };
    send(json!({})).await.expect(422, "validation_failed");
    send(json!({"name": "CI", "scopes": ["audit:read"]})).await.expect(403, "role_required");
    assert_eq!(world.items_under("REPLAY#"), [] as [Value; 0]);
    assert_first(&send(json!({"name": "CI", "scopes": ["profile:read"]})).await);
}

#[tokio::test]
async fn the_deployment_s_secret_is_not_asked_for() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    world.order_secret(Fault::Refused, 9);
    let first = create(&client, &token, KEY).send().await;
    assert_first(&first);
    assert_replay(&create(&client, &token, KEY).send().await, &first);
}

/// The key that seals the answer comes from the token, too: with another one there is no answer to
/// open, and the request is another.
#[tokio::test]
async fn the_same_key_in_another_session_is_another_key() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (one, two) = (world.session(&world.admin).await, world.session(&world.admin).await);
    let first = create(&client, &one, KEY).send().await;
    let second = create(&client, &two, KEY).send().await;
    assert_first(&first);
    assert_first(&second);
    assert_ne!(first.text(201, "id"), second.text(201, "id"));
    assert_replay(&create(&client, &one, KEY).send().await, &first);
    assert_replay(&create(&client, &two, KEY).send().await, &second);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_ascii_characters() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let before = world.dump();
    for key in ["", &"k".repeat(256), "two words", "tab\tbed", "clé-unique"] {
        let answer = create(&client, &token, key).send().await;
        answer.expect(400, "invalid_idempotency_key").expect_cost(0, 0.0);
    }
    assert_eq!(world.dump(), before);
    for key in ["k", &"k".repeat(255), "!~,;\"'"] {
        assert_first(&create(&client, &token, key).send().await);
    }
}
