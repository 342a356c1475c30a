//! `PUT /api/user-preferences/{key}`

use harness::{Answer, Client, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const KEY: &str = "canvas.snap_to_grid";
const PATH: &str = "/api/user-preferences/canvas.snap_to_grid";

/// Sends a value as it is written.
async fn put(client: &Client<'_>, token: &str, value: &str) -> Answer {
    let body = format!("{{\"value\": {value}}}");
    let request = client.put(PATH).bearer(token).header("content-type", "application/json");
    request.text(body).send().await
}

/// The viewer's items: the index, and those of large values.
fn items(world: &World) -> Vec<Value> {
    let viewer = &world.viewer;
    let mut items =
        world.items_under(&format!("PREFERENCES#{}#{}", viewer.organization_id, viewer.user_id));
    items.sort_by_key(|item| item["SK"].to_string());
    items
}

#[tokio::test]
async fn is_answered_and_stored_the_first_time_and_later() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let mut tags = Vec::new();
    for (value, at) in [(true, "2026-03-27T15:00:00Z"), (false, "2026-03-27T15:00:05Z")] {
        let answer = put(&client, &token, &value.to_string()).await;
        answer.expect_cost(2, 8.0);
        assert_eq!(answer.data(200), &json!({"key": KEY, "value": value, "updated_at": at}));
        let read = client.get(PATH).bearer(&token).send().await;
        assert_eq!(read.bytes, answer.bytes);
        assert_eq!(read.header("etag"), answer.header("etag"));
        tags.push(answer.header("etag").unwrap().to_owned());
        world.clock.advance_seconds(5);
    }
    assert_ne!(tags[0], tags[1]);
    let [index] = &items(&world)[..] else { panic!("{:?}", items(&world)) };
    let version: Value = tags[1].trim_matches('"').parse::<u64>().unwrap().into();
    let entry = json!({"value": "false", "updated_at": 1_774_623_605, "version": version});
    assert_eq!(index["entries"], json!({KEY: entry}));
}

#[tokio::test]
async fn is_audited_from_and_to_as_json_text() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let (id, secret) = world.api_key_with_id(&world.viewer, &[Scope::PreferencesWrite], None).await;
    for value in ["\"weekly\"", "null", "{\"b\": 1e300, \"a\": []}"] {
        put(&client, &secret, value).await.expect(200, "");
        world.clock.advance_seconds(1);
    }
    let records = world.audited(&world.viewer, "preference.set");
    let changes: Vec<_> = records.iter().map(|it| it["changes"]["value"].clone()).collect();
    let expected = [
        json!({"from": null, "to": "\"weekly\""}),
        json!({"from": "\"weekly\"", "to": "null"}),
        json!({"from": "null", "to": "{\"a\":[],\"b\":1e+300}"}),
    ];
    assert_eq!(changes, expected);
    for record in records {
        assert_eq!(record["target"], KEY);
        assert_eq!(record["actor"]["api_key_id"], json!(id));
    }
}

#[tokio::test]
async fn any_json_is_answered_as_it_was_sent() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let deep = "[".repeat(100) + &"]".repeat(100);
    for value in [
        "null",
        "true",
        "\"\"",
        "\"\\u0000\\\"\\\\é🦀\"",
        "[]",
        "{\"\":{\"a.b\":[null,{}]}}",
        &deep,
        "18446744073709551615",
        "-9223372036854775808",
        "-0.0",
        "0.1",
        "1.2100000000000002",
        "0.30000000000000004",
        "5e-324",
        "1.7976931348623157e+308",
    ] {
        let answer = put(&client, &token, value).await;
        answer.expect(200, "");
        let sent = format!("\"value\":{value},");
        assert!(str::from_utf8(&answer.bytes).unwrap().contains(&sent), "{value}");
        let read = client.get(PATH).bearer(&token).send().await;
        assert_eq!(read.bytes, answer.bytes);
        let list = client.get("/api/user-preferences").bearer(&token).send().await;
        let whole = format!("{{\"data\":{{\"{KEY}\":{value}}}}}");
        assert_eq!(str::from_utf8(&list.bytes).unwrap(), whole);
        let before = world.dump();
        put(&client, &token, value).await.expect(200, "").expect_cost(1, 4.0);
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn the_value_that_is_there_already_is_not_written() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let long = "x".repeat(300);
    let (spread, dense) =
        (format!("{{ \"b\" : 2, \"a\": \"{long}\" }}"), format!("{{\"a\":\"{long}\",\"b\":2}}"));
    let first = put(&client, &token, &spread).await;
    let before = world.dump();
    world.clock.advance_seconds(5);
    let second = put(&client, &token, &dense).await;
    second.expect(200, "").expect_cost(1, 4.0);
    assert_eq!(second.bytes, first.bytes);
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_value_of_over_256_bytes_has_an_item_of_its_own_while_it_is_that_large() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    for (length, own, units) in [
        (256, false, 8.0),
        (257, true, 10.0),
        (4096, true, 26.0),
        (256, false, 27.0),
        (300, true, 10.0),
    ] {
        let answer = put(&client, &token, &text(length)).await;
        answer.expect(200, "").expect_cost(2, units);
        let items = items(&world);
        let entry = &items[0]["entries"][KEY];
        assert_eq!(entry.get("value").is_some(), !own, "{length}");
        assert_eq!(items.len(), if own { 2 } else { 1 }, "{length}");
        if own {
            assert_eq!(items[1]["SK"], format!("VALUE#{KEY}"));
            assert_eq!(items[1]["value"], text(length));
            assert_eq!(items[1]["version"], entry["version"]);
        }
        let read = client.get(PATH).bearer(&token).send().await;
        assert_eq!(read.bytes, answer.bytes);
    }
}

#[tokio::test]
async fn a_value_has_at_most_4_096_bytes_without_blanks() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let zeros = |count: usize| format!("[{}0]", "0  ,  ".repeat(count - 1));
    put(&client, &token, &zeros(2047)).await.expect(200, "");
    put(&client, &token, &format!("\"{}\"", "é".repeat(2047))).await.expect(200, "");
    let before = world.dump();
    for value in [zeros(2048), format!("\"{}\"", "é".repeat(2048))] {
        let answer = put(&client, &token, &value).await;
        answer.expect_faults(&[("/value", "invalid_length")]).expect_cost(1, 5.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn faults_of_key_and_body_are_told_at_once() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let (before, long) = (world.dump(), "k".repeat(129));
    let key = ("/key", "invalid_value");
    for name in ["Canvas", "1st", "a..b", "a.b.c.d.e.f", "a-b", "a%20b", "%2F", "%FF", &long] {
        let put = |body: Value| {
            client.put(format!("/api/user-preferences/{name}")).bearer(&token).json(body).send()
        };
        put(json!({"value": 1})).await.expect_faults(&[key]).expect_cost(1, 3.0);
        let (required, unknown) = (("/value", "required"), ("/key", "unknown_field"));
        put(json!({"key": "a"})).await.expect_faults(&[key, unknown, required]);
        let long = json!({"value": "x".repeat(4095)});
        put(long).await.expect_faults(&[key, ("/value", "invalid_length")]);
        put(json!([])).await.expect_faults(&[("", "invalid_type"), key]);
    }
    let answer = client.put(PATH).bearer(&token).json(json!({})).send().await;
    answer.expect_faults(&[("/value", "required")]);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let put = |tag: &str, value: u64| {
        let request = client.put(PATH).bearer(&token).json(json!({"value": value}));
        request.header("if-match", tag).send()
    };
    let before = world.dump();
    for tag in ["*", "\"1\""] {
        put(tag, 1).await.expect(412, "precondition_failed").expect_cost(1, 4.0);
    }
    put("1", 1).await.expect(400, "invalid_if_match");
    assert_eq!(world.dump(), before);
    world.preference(&world.viewer, KEY, &1.into()).await;
    let read = client.get(PATH).bearer(&token).send().await;
    let tag = read.header("etag").unwrap();
    let before = world.dump();
    // Whether the value would change or not.
    for value in [1, 2] {
        put("\"1\"", value).await.expect(412, "precondition_failed");
        put(&format!("W/{tag}"), value).await.expect(412, "precondition_failed");
        put("1", value).await.expect(400, "invalid_if_match");
    }
    assert_eq!(world.dump(), before);
    put(tag, 2).await.expect(200, "");
    put(tag, 3).await.expect(412, "precondition_failed");
    put("*", 3).await.expect(200, "");
}

#[tokio::test]
async fn an_entity_tag_does_not_come_back_after_a_delete() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    let first = put(&client, &token, "true").await;
    client.delete(PATH).bearer(&token).send().await.expect(204, "");
    let second = put(&client, &token, "true").await;
    assert_eq!(first.bytes, second.bytes);
    let tag = first.header("etag").unwrap();
    assert_ne!(second.header("etag"), Some(tag));
    let stale = client.put(PATH).bearer(&token).json(json!({"value": false}));
    stale.header("if-match", tag).send().await.expect(412, "precondition_failed");
}

#[tokio::test]
async fn set_doesnt_set_other_users_preference() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    world.preference(&world.viewer, KEY, &"hers".into()).await;
    let before = items(&world);
    for person in [&world.admin, &world.stranger] {
        let token = world.session(person).await;
        put(&client, &token, "\"theirs\"").await.expect(200, "");
    }
    assert_eq!(items(&world), before);
}
