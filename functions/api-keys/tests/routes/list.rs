//! `GET /api/user/api-keys`

use harness::{Client, Person, World};
use serde_json::{Value, json};
use shared::{
    auth::permissions::Scope,
    http::user_agent::MAX_USER_AGENT,
    model::user::{ApiKey, MAX_API_KEYS, MAX_SESSIONS, Session},
};

const PATH: &str = "/api/user/api-keys";

/// Makes keys of these names, a second apart.
async fn make(world: &World, client: &Client<'_>, person: &Person, names: &[&str]) -> String {
    let token = world.session(person).await;
    for name in names {
        let body = json!({"name": name, "scopes": ["profile:read"]});
        client.post(PATH).bearer(&token).json(body).send().await.expect(201, "");
        world.clock.advance_seconds(1);
    }
    token
}

/// The names on all pages, page by page.
async fn walk(client: &Client<'_>, token: &str, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{PATH}?limit={limit}{cursor}");
        let answer = client.get(path).bearer(token).send().await;
        answer.expect_cost(1, 2.0);
        pages.push(names(answer.data(200)));
        match answer.body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

fn names(data: &Value) -> Vec<String> {
    let keys = data.as_array().unwrap().iter();
    keys.map(|key| key["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_the_callers_own_keys_newest_first_and_without_secrets() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    world.api_key(&world.admin, &[Scope::ProfileRead]).await;
    world.api_key(&world.stranger, &[Scope::ProfileRead]).await;
    let (one, first) = world.api_key_with_id(&world.viewer, &[Scope::SettingsRead], None).await;
    world.clock.advance_seconds(1);
    let ends = Some(world.now().plus_days(1));
    let (two, second) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    let answer = client.get(PATH).bearer(&token).send().await;
    answer.expect(200, "").expect_cost(1, 2.0);
    assert_eq!(answer.header("etag"), None);
    let shown = |id, secret: &str, scope, at, ends| {
        json!({
            "id": id, "name": "Test key", "prefix": &secret[..14], "scopes": [scope],
            "created_at": at, "last_used_at": at, "expires_at": ends,
            "rotated_at": null, "previous_secret_valid_until": null,
        })
    };
    let newer =
        shown(two, &second, "profile:read", "2026-03-27T15:00:01Z", Some("2026-03-28T15:00:01Z"));
    let older = shown(one, &first, "settings:read", "2026-03-27T15:00:00Z", None);
    let expected = json!({"data": [newer, older], "meta": {"next_cursor": null}});
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn nobody_without_keys_has_any() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.body, json!({"data": [], "meta": {"next_cursor": null}}));
}

#[tokio::test]
async fn pages_have_every_key_once_whatever_their_size() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let token = make(&world, &client, &world.viewer, &["a", "b", "c", "d"]).await;
    assert_eq!(walk(&client, &token, 1).await, [["d"], ["c"], ["b"], ["a"]]);
    assert_eq!(walk(&client, &token, 2).await, [["d", "c"], ["b", "a"]]);
    assert_eq!(walk(&client, &token, 3).await, [vec!["d", "c", "b"], vec!["a"]]);
    assert_eq!(walk(&client, &token, 100).await, [["d", "c", "b", "a"]]);
}

#[tokio::test]
async fn a_walk_goes_on_after_the_key_at_its_cursor_is_deleted() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let token = make(&world, &client, &world.viewer, &["a", "b", "c"]).await;
    let page = client.get(format!("{PATH}?limit=2")).bearer(&token).send().await;
    let (last, next) = (&page.data(200)[1]["id"], &page.body["meta"]["next_cursor"]);
    let path = format!("{PATH}/{}", last.as_str().unwrap());
    client.delete(path).bearer(&token).send().await.expect(204, "");
    let path = format!("{PATH}?limit=2&cursor={}", next.as_str().unwrap());
    let page = client.get(path).bearer(&token).send().await;
    assert_eq!(names(page.data(200)), ["a"]);
}

#[tokio::test]
async fn expired_keys_are_not_shown() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    let ends = Some(world.now().plus_seconds(60));
    world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    let (kept, _) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], None).await;
    world.clock.advance_seconds(59);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200).as_array().unwrap().len(), 2);
    world.clock.advance_seconds(1);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200).as_array().unwrap().len(), 1);
    assert_eq!(answer.data(200)[0]["id"], json!(kept));
}

#[tokio::test]
async fn fifty_keys_are_one_page_and_one_call_of_two_units() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let token = make(&world, &client, &world.viewer, &["k"; MAX_API_KEYS]).await;
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200).as_array().unwrap().len(), MAX_API_KEYS);
    assert_eq!(answer.body["meta"]["next_cursor"], Value::Null);
    answer.expect_cost(1, 2.0);
}

#[tokio::test]
async fn a_user_with_as_much_of_everything_as_one_can_have_is_read_for_three_units() {
    for (length, units) in [(20, 3.0), (100, 4.0)] {
        let world = World::new().await;
        let later = Some(world.now().plus_days(1));
        for _ in 0..MAX_API_KEYS {
            let change = |key| ApiKey {
                name: "n".repeat(length),
                expires_at: later,
                rotated_at: later,
                version: 300,
                ..key
            };
            world.api_key_like(&world.viewer, Scope::ALL, change).await;
        }
        let mut token = String::new();
        for _ in 0..MAX_SESSIONS {
            let change = |session| Session {
                proved_at: later,
                ip_address: "2001:db8:1:2:3:4:5:6".parse().ok(),
                user_agent: Some("u".repeat(MAX_USER_AGENT)),
                ..session
            };
            (_, token) = world.session_like(&world.viewer, change).await;
        }
        let user = world.user(&world.viewer).await;
        assert_eq!((user.api_keys.len(), user.sessions.len()), (MAX_API_KEYS, MAX_SESSIONS));
        let client = world.client(api_keys::router());
        client.get(PATH).bearer(&token).send().await.expect(200, "").expect_cost(1, units);
    }
}

#[tokio::test]
async fn a_cursor_that_was_tampered_with_is_refused() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let token = make(&world, &client, &world.viewer, &["a", "b"]).await;
    let page = client.get(format!("{PATH}?limit=1")).bearer(&token).send().await;
    let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
    let mut tampered: Vec<String> = (0..cursor.len())
        .map(|index| {
            let other = if &cursor[index..=index] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &cursor[..index], &cursor[index + 1..])
        })
        .collect();
    tampered.extend(["", "A", "!", "%00", "%FF", "null"].map(str::to_owned));
    tampered.extend([cursor[1..].to_owned(), format!("{cursor}A"), format!("{cursor}=")]);
    for cursor in tampered {
        let path = format!("{PATH}?limit=1&cursor={cursor}");
        let answer = client.get(path).bearer(&token).send().await;
        answer.expect(400, "invalid_cursor").expect_cost(1, 2.0);
    }
}

#[tokio::test]
async fn a_cursor_of_somebody_else_is_refused() {
    let world = World::new().await;
    let client = world.client(api_keys::router());
    let viewer = make(&world, &client, &world.viewer, &["a", "b"]).await;
    let page = client.get(format!("{PATH}?limit=1")).bearer(&viewer).send().await;
    let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
    for other in [&world.admin, &world.stranger] {
        let token = make(&world, &client, other, &["c", "d"]).await;
        let path = format!("{PATH}?cursor={cursor}");
        client.get(path).bearer(&token).send().await.expect(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn every_fault_of_the_query_is_told() {
    let world = World::new().await;
    let (client, token) = (world.client(api_keys::router()), world.session(&world.viewer).await);
    for (query, faults) in [
        ("limit=0", vec![("/limit", "out_of_range")]),
        ("limit=101", vec![("/limit", "out_of_range")]),
        ("limit=-1", vec![("/limit", "out_of_range")]),
        ("limit=1.5", vec![("/limit", "out_of_range")]),
        ("limit=", vec![("/limit", "out_of_range")]),
        ("limit", vec![("/limit", "out_of_range")]),
        ("limit=ten", vec![("/limit", "out_of_range")]),
        ("limit=99999999999999999999", vec![("/limit", "out_of_range")]),
        ("limit=1&limit=2", vec![("/limit", "repeated")]),
        ("cursor=a&cursor=a", vec![("/cursor", "repeated")]),
        ("page=2", vec![("/page", "unknown_parameter")]),
        ("Limit=2", vec![("/Limit", "unknown_parameter")]),
        ("a%2Fb=1", vec![("/a~1b", "unknown_parameter")]),
        (
            "sort=name&limit=0&limit=0&order=up",
            vec![
                ("/limit", "out_of_range"),
                ("/limit", "out_of_range"),
                ("/limit", "repeated"),
                ("/order", "unknown_parameter"),
                ("/sort", "unknown_parameter"),
            ],
        ),
    ] {
        let answer = client.get(format!("{PATH}?{query}")).bearer(&token).send().await;
        answer.expect(400, "malformed_query");
        assert_eq!(answer.faults(), faults, "{query}");
    }
}
