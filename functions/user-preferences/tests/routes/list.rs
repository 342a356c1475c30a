//! `GET /api/user-preferences`

use harness::{Fault, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user-preferences";

fn partition(world: &World) -> String {
    format!("PREFERENCES#{}#{}", world.viewer.organization_id, world.viewer.user_id)
}

/// The version of the viewer's preference `a`, in the index's item.
fn version(index: &mut Value) -> &mut Value {
    &mut index["entries"]["M"]["a"]["M"]["version"]["N"]
}

fn long(name: &str) -> Value {
    json!(name.repeat(300))
}

#[tokio::test]
async fn maps_each_key_to_its_value_in_order() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let secret = world.api_key(&world.viewer, &[Scope::PreferencesRead]).await;
    let answer = client.get(PATH).bearer(&secret).send().await;
    assert_eq!(answer.expect_cost(1, 3.0).bytes, b"{\"data\":{}}");
    for (key, value) in [
        ("notifications.email_digest", json!("weekly")),
        ("canvas.show_minimap", json!(false)),
        ("canvas.snap_to_grid", json!(true)),
        ("canvas", json!(null)),
    ] {
        world.preference(&world.viewer, key, &value).await;
    }
    let answer = client.get(PATH).bearer(&secret).send().await;
    let expected = r#"{"data":{"canvas":null,"canvas.show_minimap":false,"canvas.snap_to_grid":true,"notifications.email_digest":"weekly"}}"#;
    assert_eq!(str::from_utf8(&answer.expect_cost(1, 3.0).bytes).unwrap(), expected);
    assert_eq!(answer.header("etag"), None);
}

#[tokio::test]
async fn is_the_caller_s_own() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    world.preference(&world.viewer, "key", &long("hers")).await;
    for person in [&world.admin, &world.stranger] {
        let token = world.session(person).await;
        let answer = client.get(PATH).bearer(&token).send().await;
        assert_eq!(answer.data(200), &json!({}));
    }
}

#[tokio::test]
async fn large_values_take_one_call_more() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "a", &long("a")).await;
    world.preference(&world.viewer, "b", &json!(1)).await;
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.expect_cost(2, 4.0).data(200), &json!({"a": long("a"), "b": 1}));
    let largest = json!("x".repeat(4094));
    for key in ["c", "d", "e"] {
        world.preference(&world.viewer, key, &largest).await;
    }
    let answer = client.get(PATH).bearer(&token).send().await;
    answer.expect_cost(2, 7.0);
    let expected = json!({"a": long("a"), "b": 1, "c": largest, "d": largest, "e": largest});
    assert_eq!(answer.data(200), &expected);
}

#[tokio::test]
async fn a_partition_of_several_pages_is_read_to_its_end() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let keys = ["a", "b", "c", "d"];
    for key in keys {
        world.preference(&world.viewer, key, &long(key)).await;
    }
    // A page has at most 1 MB.
    let padding = "x".repeat(390_000);
    for item in world.items_under(&partition(&world)) {
        if item["SK"] != "PREFERENCES" {
            world.put(&json!({
                "PK": {"S": item["PK"]}, "SK": {"S": item["SK"]}, "padding": {"S": padding},
                "value": {"S": item["value"]}, "version": {"N": item["version"].to_string()},
            }));
        }
    }
    let answer = client.get(PATH).bearer(&token).send().await;
    let expected = json!({"a": long("a"), "b": long("b"), "c": long("c"), "d": long("d")});
    assert_eq!(answer.data(200), &expected);
    assert_eq!(answer.calls, 3);
}

#[tokio::test]
async fn a_list_that_a_write_has_come_between_is_read_again() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "a", &long("a")).await;
    world.preference(&world.viewer, "b", &long("b")).await;
    let read = client.get(format!("{PATH}/a")).bearer(&token).send().await;
    let now = read.header("etag").unwrap().trim_matches('"').to_owned();
    world.tamper_before("Query", partition(&world), |item| *version(item) = "1".into());
    world.tamper_before("Query", partition(&world), move |item| {
        *version(item) = now.clone().into();
    });
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.expect_cost(3, 5.0).data(200), &json!({"a": long("a"), "b": long("b")}));
}

#[tokio::test]
async fn a_large_value_that_was_deleted_meanwhile_is_left_out() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "a", &long("a")).await;
    world.preference(&world.viewer, "b", &long("b")).await;
    world.tamper_before("Query", partition(&world), |item| {
        item["entries"]["M"].as_object_mut().unwrap().remove("a");
    });
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.expect_cost(2, 4.0).data(200), &json!({"b": long("b")}));
}

#[tokio::test]
async fn a_value_that_stays_away_or_a_failing_query_is_503() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "a", &long("a")).await;
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut, Fault::Refused] {
        world.order("Query", fault, 3);
        let answer = client.get(PATH).bearer(&token).send_any().await;
        answer.expect(503, "unavailable");
    }
    client.get(PATH).bearer(&token).send().await.expect(200, "");
    world.remove(&partition(&world), "VALUE#a");
    let answer = client.get(PATH).bearer(&token).send_any().await;
    answer.expect(503, "unavailable").expect_cost(4, 6.0);
}
