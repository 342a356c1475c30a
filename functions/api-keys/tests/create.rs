//! `POST /api/user/api-keys`: what it makes.

use harness::{Client, Request, World};
use serde_json::{Value, json};
use shared::{
    auth::permissions::{Role, Scope},
    ids::ApiKeyId,
    model::user::MAX_API_KEYS,
    store::Lost,
};

const PATH: &str = "/api/user/api-keys";

fn create<'a>(client: &'a Client<'a>, token: &str, body: Value) -> Request<'a> {
    client.post(PATH).bearer(token).json(body)
}

fn reading() -> Value {
    json!({"name": "CI", "scopes": ["profile:read"]})
}

#[tokio::test]
async fn answers_with_the_key_and_its_secret() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::routes()), world.session(&world.admin).await);
    let body = json!({
        "name": "GitHub Actions deploy",
        "scopes": ["pipelines:read", "connections:read"],
        "expires_in_days": 90,
    });
    let answer = create(&client, &token, body).send().await;
    answer.expect_cost(2, 10.0);
    let (id, secret) = (answer.text(201, "id"), answer.text(201, "secret"));
    assert_eq!(
        answer.data(201),
        &json!({
            "id": id,
            "name": "GitHub Actions deploy",
            "secret": secret,
            "prefix": &secret[..14],
            "scopes": ["pipelines:read", "connections:read"],
            "expires_at": "2026-06-25T15:00:00Z",
            "created_at": "2026-03-27T15:00:00Z",
        })
    );
    assert!(secret.starts_with("plnx_live_"));
    let id: ApiKeyId = id.parse().unwrap();
    assert_eq!(id.created_at(), world.now());
}

#[tokio::test]
async fn stores_the_key_with_the_hash_of_its_secret_and_nothing_more_of_it() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::routes()), world.session(&world.admin).await);
    let answer = create(&client, &token, reading()).send().await;
    let (id, secret) = (answer.text(201, "id"), answer.text(201, "secret"));
    let user = world.user(&world.admin).await;
    let key = &user.api_keys[&id.parse::<ApiKeyId>().unwrap()];
    assert_eq!((key.name.as_str(), key.version), ("CI", 1));
    assert_eq!(key.scopes.iter().collect::<Vec<_>>(), [Scope::ProfileRead]);
    assert_eq!((key.expires_at, key.last_used_at), (None, None));
    assert_eq!((key.rotated_at, key.previous.as_ref()), (None, None));
    assert!(key.accepts(harness_hash(&secret), world.now()));
    assert!(!world.dump().contains(&secret[14..]));
}

fn harness_hash(secret: &str) -> shared::auth::token::TokenHash {
    shared::auth::token::PresentedToken::parse(secret).unwrap().hash
}
