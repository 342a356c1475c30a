//! `GET /api/user/api-keys/{id}`

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user/api-keys";

#[tokio::test]
async fn tells_the_key_and_its_entity_tag() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let scopes = &[Scope::ProfileRead, Scope::PipelinesRead];
    let ends = Some(world.now().plus_days(7));
    let (id, secret) = world.api_key_with_id(&world.viewer, scopes, ends).await;
    let answer = client.get(format!("{PATH}/{id}")).bearer(&token).send().await;
    answer.expect_cost(1, 2.0);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let expected = json!({
        "id": id,
        "name": "Test key",
        "prefix": &secret[..14],
        "scopes": ["pipelines:read", "profile:read"],
        "created_at": "2026-03-27T15:00:00Z",
        "last_used_at": "2026-03-27T15:00:00Z",
        "expires_at": "2026-04-03T15:00:00Z",
        "rotated_at": null,
        "previous_secret_valid_until": null,
    });
    assert_eq!(answer.data(200), &expected);
}

#[tokio::test]
async fn tells_of_a_new_secret_and_of_the_overlap_while_it_lasts() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let (id, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let path = format!("{PATH}/{id}");
    let request = client.post(format!("{path}/regenerate")).bearer(&token);
    let new = request.json(json!({"overlap_minutes": 1})).send().await.text(200, "prefix");
    let answer = client.get(&path).bearer(&token).send().await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(answer.data(200)["prefix"], json!(new));
    assert_eq!(answer.data(200)["rotated_at"], "2026-03-27T15:00:00Z");
    assert_eq!(answer.data(200)["previous_secret_valid_until"], "2026-03-27T15:01:00Z");
    world.clock.advance_seconds(60);
    let answer = client.get(&path).bearer(&token).send().await;
    assert_eq!(answer.data(200)["previous_secret_valid_until"], Value::Null);
}

#[tokio::test]
async fn the_last_use_is_noted_at_most_once_a_minute_and_beside_the_answer() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (id, secret) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let path = format!("{PATH}/{id}");
    for (seconds, touched, shown) in [
        (59, false, "2026-03-27T15:00:00Z"),
        (1, true, "2026-03-27T15:00:00Z"),
        (59, false, "2026-03-27T15:01:00Z"),
        (1, true, "2026-03-27T15:01:00Z"),
    ] {
        world.clock.advance_seconds(seconds);
        let answer = client.get(&path).bearer(&secret).send().await;
        answer.expect_cost(1, 2.0);
        assert_eq!((answer.touched, &answer.data(200)["last_used_at"]), (touched, &json!(shown)));
    }
    assert_eq!(world.user(&world.viewer).await.api_keys[&id].last_used_at, Some(world.now()));
}

#[tokio::test]
async fn before_its_first_use_a_key_has_no_last_one() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let body = json!({"name": "CI", "scopes": ["profile:read"]});
    let made = client.post(PATH).bearer(&token).json(body).send().await;
    let path = format!("{PATH}/{}", made.text(201, "id"));
    let answer = client.get(&path).bearer(&token).send().await;
    assert_eq!(answer.data(200)["last_used_at"], Value::Null);
    let secret = made.text(201, "secret");
    assert!(client.get(&path).bearer(&secret).send().await.touched);
    let answer = client.get(&path).bearer(&secret).send().await;
    assert_eq!(answer.data(200)["last_used_at"], "2026-03-27T15:00:00Z");
    assert!(!answer.touched);
}

#[tokio::test]
async fn what_is_not_the_callers_does_not_exist() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.admin).await);
    let ended = Some(world.now());
    let ids = [
        world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await.0.to_string(),
        world.api_key_with_id(&world.stranger, &[Scope::ProfileRead], None).await.0.to_string(),
        world.api_key_with_id(&world.admin, &[Scope::ProfileRead], ended).await.0.to_string(),
        "key_01jq8me0000000000000000000".to_owned(),
        "key_01JQ8ME0000000000000000000".to_owned(),
        world.admin.user_id.to_string(),
        "nonsense".to_owned(),
        "%20".to_owned(),
    ];
    let mut bodies = Vec::new();
    for id in ids {
        let answer = client.get(format!("{PATH}/{id}")).bearer(&token).send().await;
        answer.expect(404, "not_found").expect_cost(1, 2.0);
        bodies.push(answer.bytes);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_key_needs_profile_read_and_so_does_its_owner() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let (id, good) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    let mut others = Scope::ALL.to_vec();
    others.retain(|scope| *scope != Scope::ProfileRead);
    let poor = world.api_key(&world.viewer, &others).await;
    for path in [PATH.to_owned(), format!("{PATH}/{id}")] {
        client.get(&path).bearer(&good).send().await.expect(200, "");
        client.get(&path).bearer(&poor).send().await.expect(403, "insufficient_scope");
        client.get(&path).send().await.expect(401, "missing_credential").expect_cost(0, 0.0);
    }
    let session = world.session(&world.viewer).await;
    let user = format!("USER#{}#{}", world.viewer.organization_id, world.viewer.user_id);
    world.tamper(&user, |item| item["roles"] = json!({"L": []}));
    for path in [PATH.to_owned(), format!("{PATH}/{id}")] {
        for token in [&good, &session] {
            client.get(&path).bearer(token).send().await.expect(403, "role_required");
        }
    }
}
