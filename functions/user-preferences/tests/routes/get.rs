//! `GET /api/user-preferences/{key}`

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const KEY: &str = "canvas.snap_to_grid";
const PATH: &str = "/api/user-preferences/canvas.snap_to_grid";

fn partition(world: &World) -> String {
    format!("PREFERENCES#{}#{}", world.viewer.organization_id, world.viewer.user_id)
}

/// The version of the viewer's preference, in the index's item.
fn version(index: &mut Value) -> &mut Value {
    &mut index["entries"]["M"][KEY]["M"]["version"]["N"]
}

#[tokio::test]
async fn tells_key_value_and_time_and_has_an_entity_tag() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    world.preference(&world.viewer, KEY, &true.into()).await;
    world.clock.advance_seconds(30);
    let secret = world.api_key(&world.viewer, &[Scope::PreferencesRead]).await;
    let answer = client.get(PATH).bearer(&secret).send().await;
    answer.expect_cost(1, 4.0);
    let expected = json!({"key": KEY, "value": true, "updated_at": "2026-03-27T15:00:00Z"});
    assert_eq!(answer.data(200), &expected);
    assert!(answer.header("etag").unwrap().starts_with('"'));
}

#[tokio::test]
async fn a_large_value_comes_in_the_same_call() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    for (length, units) in [(257, 4.0), (3900, 4.0), (4094, 5.0)] {
        let value = json!("x".repeat(length));
        world.preference(&world.viewer, KEY, &value).await;
        let answer = client.get(PATH).bearer(&token).send().await;
        assert_eq!(answer.expect_cost(1, units).data(200)["value"], value);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_whatever_it_is_called() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &true.into()).await;
    let long = "k".repeat(129);
    let mut bodies = Vec::new();
    for (key, units) in [
        ("canvas.snap", 4.0),
        ("canvas", 4.0),
        ("Canvas.snap_to_grid", 3.0),
        ("PREFERENCES", 3.0),
        ("a.b.c.d.e.f", 3.0),
        ("%00", 3.0),
        ("%FF", 3.0),
        (&long, 3.0),
    ] {
        let path = format!("/api/user-preferences/{key}");
        let answer = client.get(path).bearer(&token).send().await;
        bodies.push(answer.expect(404, "not_found").expect_cost(1, units).bytes.clone());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_key_may_be_percent_encoded() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &true.into()).await;
    let path = "/api/user-preferences/canvas%2Esnap%5fto_grid";
    let answer = client.get(path).bearer(&token).send().await;
    assert_eq!(answer.data(200)["key"], KEY);
}

#[tokio::test]
async fn a_large_value_that_a_write_has_come_between_is_read_again() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let value = json!("x".repeat(300));
    world.preference(&world.viewer, KEY, &value).await;
    let written = client.get(PATH).bearer(&token).send().await;
    let now = written.header("etag").unwrap().trim_matches('"').to_owned();
    world.tamper_before("BatchGetItem", partition(&world), |item| *version(item) = "1".into());
    world.tamper_before("BatchGetItem", partition(&world), move |item| {
        *version(item) = now.clone().into();
    });
    let answer = client.get(PATH).bearer(&token).send().await;
    answer.expect(200, "").expect_cost(2, 6.0);
    assert_eq!(answer.bytes, written.bytes);
}

#[tokio::test]
async fn a_large_value_that_stays_away_is_503() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &json!("x".repeat(300))).await;
    world.remove(&partition(&world), &format!("VALUE#{KEY}"));
    let before = world.dump();
    for method in ["GET", "DELETE", "PUT"] {
        let request = client.request(method, PATH).bearer(&token);
        let answer = request.json(json!({"value": 1})).send_any().await;
        answer.expect(503, "unavailable").expect_cost(4, 10.0);
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn an_item_that_does_not_decode_is_told_in_the_log_without_its_value() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &true.into()).await;
    world.tamper(&partition(&world), |item| {
        item["entries"]["M"][KEY]["M"]["value"]["S"] = "{not json".into();
    });
    let answer = client.get(PATH).bearer(&token).send_any().await;
    answer.expect(500, "internal_error");
    let lines = world.log.lines().join("\n");
    let named = format!("preferences {}/PREFERENCES does not decode: value", partition(&world));
    assert!(lines.contains(&named), "{lines}");
    assert!(!lines.contains("not json"), "{lines}");
}
