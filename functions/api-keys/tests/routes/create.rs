//! `POST /api/user/api-keys`: what it makes, and whom it refuses.

use harness::{Client, Request, World};
use serde_json::{Value, json};
use shared::{
    auth::{
        permissions::Scope,
        token::{PresentedToken, TokenHash},
    },
    ids::ApiKeyId,
    model::user::MAX_API_KEYS,
};

const PATH: &str = "/api/user/api-keys";

fn create<'a>(client: &'a Client<'a>, token: &str, body: Value) -> Request<'a> {
    client.post(PATH).bearer(token).json(body)
}

fn reading() -> Value {
    json!({"name": "CI", "scopes": ["profile:read"]})
}

fn hash(secret: &str) -> TokenHash {
    PresentedToken::parse(secret).unwrap().hash
}

#[tokio::test]
async fn answers_with_the_key_and_its_secret() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let body = json!({
        "name": "GitHub Actions deploy",
        "scopes": ["pipelines:read", "connections:read"],
        "expires_in_days": 90,
    });
    let answer = create(&client, &token, body).send().await;
    answer.expect_cost(2, 6.0);
    let (id, secret) = (answer.text(201, "id"), answer.text(201, "secret"));
    let expected = json!({
        "id": id,
        "name": "GitHub Actions deploy",
        "secret": secret,
        "prefix": &secret[..14],
        "scopes": ["pipelines:read", "connections:read"],
        "expires_at": "2026-06-25T15:00:00Z",
        "created_at": "2026-03-27T15:00:00Z",
    });
    assert_eq!(answer.data(201), &expected);
    assert!(secret.starts_with("plnx_live_"));
    assert_eq!(id.parse::<ApiKeyId>().unwrap().created_at(), world.now());
}

#[tokio::test]
async fn stores_the_hash_of_the_secret_and_nothing_more_of_it() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let answer = create(&client, &token, reading()).send().await;
    let (id, secret) = (answer.text(201, "id"), answer.text(201, "secret"));
    let user = world.user(&world.admin).await;
    let key = &user.api_keys[&id.parse::<ApiKeyId>().unwrap()];
    assert_eq!(
        (key.name.as_str(), key.prefix.to_string(), key.version),
        ("CI", secret[..14].to_owned(), 1)
    );
    assert_eq!(key.scopes.iter().collect::<Vec<_>>(), [Scope::ProfileRead]);
    assert_eq!((key.expires_at, key.last_used_at, key.rotated_at), (None, None, None));
    assert_eq!(key.hash, hash(&secret));
    assert!(!world.dump().contains(&secret[14..]));
}

#[tokio::test]
async fn is_audited_without_the_secret() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (session, token) = world.session_with_id(&world.admin).await;
    let body = json!({"name": "CI", "scopes": ["profile:read"], "expires_in_days": 1});
    let answer = create(&client, &token, body).from_address("2001:db8::7").send().await;
    let records = world.audited(&world.admin, "api_key.created");
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["target"], answer.body["data"]["id"]);
    let actor = json!({"type": "session", "user_id": world.admin.user_id, "session_id": session});
    assert_eq!(record["actor"], actor);
    assert_eq!(record["ip_address"], "2001:db8::7");
    assert_eq!(Some(record["request_id"].as_str().unwrap()), answer.header("x-request-id"));
    assert_eq!(record["occurred_at"], world.now().as_second());
    let changes = json!({
        "name": {"from": null, "to": "CI"},
        "scopes": {"from": null, "to": ["profile:read"]},
        "expires_at": {"from": null, "to": "2026-03-28T15:00:00Z"},
    });
    assert_eq!(record["changes"], changes);
}

#[tokio::test]
async fn the_secret_works_at_once_on_another_instance() {
    let world = World::new().await;
    let (here, there) = (world.client(api_keys::router()), world.client(api_keys::router()));
    let token = world.session(&world.viewer).await;
    let secret = create(&here, &token, reading()).send().await.text(201, "secret");
    let answer = there.get(PATH).bearer(&secret).send().await;
    assert_eq!(answer.data(200)[0]["name"], "CI");
    let answer = there.get(PATH).header("X-Planasonix-Api-Key", &secret).send().await;
    assert_eq!(answer.data(200)[0]["name"], "CI");
}

#[tokio::test]
async fn a_key_ends_in_the_very_second() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let body = json!({"name": "CI", "scopes": ["profile:read"], "expires_in_days": 365});
    let secret = create(&client, &token, body).send().await.text(201, "secret");
    world.clock.advance_seconds(365 * 86_400 - 1);
    client.get(PATH).bearer(&secret).send().await.expect(200, "");
    world.clock.advance_seconds(1);
    client.get(PATH).bearer(&secret).send().await.expect(401, "api_key_expired");
}

#[tokio::test]
async fn without_or_with_null_days_a_key_never_ends() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let answer = create(&client, &token, reading()).send().await;
    assert_eq!(answer.data(201)["expires_at"], Value::Null);
    let body = json!({"name": "CI", "scopes": ["profile:read"], "expires_in_days": null});
    let answer = create(&client, &token, body).send().await;
    assert_eq!(answer.data(201)["expires_at"], Value::Null);
}

#[tokio::test]
async fn scopes_outside_the_callers_roles_are_refused() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (viewer, editor) = (world.session(&world.viewer).await, world.session(&world.editor).await);
    let before = world.dump();
    for (token, scope) in [
        (&viewer, "pipelines:write"),
        (&viewer, "notifications:publish"),
        (&viewer, "admin:organization"),
        (&editor, "settings:write"),
        (&editor, "audit:read"),
        (&editor, "admin:organization"),
    ] {
        let body = json!({"name": "CI", "scopes": ["profile:read", scope]});
        let answer = create(&client, token, body).send().await;
        answer.expect(403, "role_required").expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_scope_of_the_callers_roles_is_granted() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    for person in [&world.admin, &world.editor, &world.viewer] {
        let roles = world.user(person).await.roles;
        let scopes: Vec<_> = roles[0].scopes().iter().map(Scope::as_str).collect();
        let body = json!({"name": "CI", "scopes": scopes});
        let answer = create(&client, &world.session(person).await, body).send().await;
        assert_eq!(answer.data(201)["scopes"], json!(scopes));
    }
}

#[tokio::test]
async fn a_scope_named_twice_counts_once() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let body = json!({"name": "CI", "scopes": ["settings:read", "profile:read", "settings:read"]});
    let answer = create(&client, &token, body).send().await;
    assert_eq!(answer.data(201)["scopes"], json!(["profile:read", "settings:read"]));
}

#[tokio::test]
async fn the_51st_key_is_refused() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    for _ in 0..MAX_API_KEYS {
        world.api_key(&world.viewer, &[Scope::ProfileRead]).await;
    }
    let before = world.dump();
    create(&client, &token, reading()).send().await.expect(409, "limit_reached");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn expired_keys_do_not_count_and_are_removed_in_the_same_write() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let soon = Some(world.now().plus_seconds(60));
    for index in 0..MAX_API_KEYS {
        let ends = soon.filter(|_| index > 0);
        world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    }
    let token = world.session(&world.viewer).await;
    world.clock.advance_seconds(59);
    create(&client, &token, reading()).send().await.expect(409, "limit_reached");
    world.clock.advance_seconds(1);
    let answer = create(&client, &token, reading()).send().await;
    let left: Vec<_> = world.user(&world.viewer).await.api_keys.into_values().collect();
    assert_eq!(answer.calls, 2);
    assert_eq!(left.iter().map(|key| &*key.name).collect::<Vec<_>>(), ["Test key", "CI"]);
}
