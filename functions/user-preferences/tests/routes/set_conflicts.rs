//! `PUT /api/user-preferences/{key}`: the limit, and races.

use harness::{Answer, Client, World};
use serde_json::{Map, Value, json};

async fn put(client: &Client<'_>, token: &str, key: &str, value: Value) -> Answer {
    let request = client.put(format!("/api/user-preferences/{key}")).bearer(token);
    request.json(json!({"value": value})).send().await
}

fn partition(world: &World) -> String {
    format!("PREFERENCES#{}#{}", world.viewer.organization_id, world.viewer.user_id)
}

fn entry() -> Value {
    json!({"M": {"value": {"S": "true"}, "updated_at": {"N": "1"}, "version": {"N": "1"}}})
}

/// Gives the viewer that many preferences, `k0` and so on.
fn fill(world: &World, count: usize) {
    let entries: Map<_, _> = (0..count).map(|index| (format!("k{index}"), entry())).collect();
    world.tamper(&partition(world), |item| item["entries"] = json!({"M": entries}));
}

fn entries(world: &World) -> Map<String, Value> {
    world.items_under(&partition(world))[0]["entries"].as_object().unwrap().clone()
}

fn outcome<const N: usize>(answers: [&Answer; N]) -> [(u16, &str); N] {
    let mut outcome = answers.map(|answer| (answer.status, answer.code()));
    outcome.sort_unstable();
    outcome
}

#[tokio::test]
async fn there_are_at_most_200() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    fill(&world, 199);
    put(&client, &token, "last", json!("x".repeat(300))).await.expect(200, "");
    let before = world.dump();
    let answer = put(&client, &token, "one_more", json!(1)).await;
    answer.expect(409, "limit_reached");
    assert_eq!(answer.calls, 1);
    assert_eq!(world.dump(), before);
    put(&client, &token, "k7", json!(1)).await.expect(200, "");
    put(&client, &token, "last", json!(1)).await.expect(200, "");
    client.delete("/api/user-preferences/k7").bearer(&token).send().await.expect(204, "");
    put(&client, &token, "one_more", json!(1)).await.expect(200, "");
    assert_eq!(entries(&world).len(), 200);
}

#[tokio::test]
async fn of_two_simultaneous_first_sets_at_199_one_succeeds() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    fill(&world, 199);
    world.gather("BatchGetItem", 2);
    let (first, second) = tokio::join!(
        put(&client, &token, "one", json!(1)),
        put(&client, &token, "two", json!("x".repeat(300)))
    );
    assert_eq!(outcome([&first, &second]), [(200, ""), (409, "limit_reached")]);
    assert_eq!(entries(&world).len(), 200);
    assert_eq!(world.audited(&world.viewer, "preference.set").len(), 1);
    let list = client.get("/api/user-preferences").bearer(&token).send().await;
    assert_eq!(list.data(200).as_object().unwrap().len(), 200);
}

#[tokio::test]
async fn of_two_simultaneous_sets_one_is_written_and_the_other_told() {
    let (long, short) = (|name: &str| json!(name.repeat(200)), |name: &str| json!(name));
    for (before, values) in [
        (None, [short("one"), short("two")]),
        (None, [long("one"), short("two")]),
        (Some(short("old")), [short("one"), long("two")]),
        (Some(long("old")), [long("one"), long("two")]),
        (Some(long("old")), [short("one"), short("two")]),
    ] {
        let world = World::new().await;
        let client = world.client(user_preferences::router());
        let token = world.session(&world.viewer).await;
        if let Some(before) = &before {
            world.preference(&world.viewer, "key", before).await;
        }
        world.gather("BatchGetItem", 2);
        let [one, two] = values.clone();
        let (first, second) =
            tokio::join!(put(&client, &token, "key", one), put(&client, &token, "key", two));
        assert_eq!(outcome([&first, &second]), [(200, ""), (409, "edit_conflict")]);
        assert_eq!(world.audited(&world.viewer, "preference.set").len(), 1);
        let read = client.get("/api/user-preferences/key").bearer(&token).send().await;
        let winner = if first.status == 200 { &first } else { &second };
        assert_eq!(read.bytes, winner.bytes);
        assert_eq!(read.header("etag"), winner.header("etag"));
    }
}

#[tokio::test]
async fn a_race_that_is_lost_with_if_match_is_412() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "key", &json!("old")).await;
    let path = "/api/user-preferences/key";
    let read = client.get(path).bearer(&token).send().await;
    world.gather("BatchGetItem", 2);
    let put = |value: &'static str| {
        let request = client.put(path).bearer(&token).json(json!({"value": value}));
        request.header("if-match", read.header("etag").unwrap()).send()
    };
    let (first, second) = tokio::join!(put("one"), put("two"));
    assert_eq!(outcome([&first, &second]), [(200, ""), (412, "precondition_failed")]);
    assert_eq!(world.audited(&world.viewer, "preference.set").len(), 1);
}

#[tokio::test]
async fn simultaneous_sets_of_different_keys_do_not_disturb_each_other() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, "c", &json!("old")).await;
    world.gather("BatchGetItem", 3);
    let (a, b, c) = tokio::join!(
        put(&client, &token, "a", json!(1)),
        put(&client, &token, "b", json!("x".repeat(300))),
        put(&client, &token, "c", json!(3)),
    );
    assert_eq!(outcome([&a, &b, &c]), [(200, ""); 3]);
    let list = client.get("/api/user-preferences").bearer(&token).send().await;
    assert_eq!(list.data(200), &json!({"a": 1, "b": "x".repeat(300), "c": 3}));
}

#[tokio::test]
async fn what_is_deleted_or_changed_meanwhile_is_not_set_again() {
    for deleted in [true, false] {
        let world = World::new().await;
        let client = world.client(user_preferences::router());
        let token = world.session(&world.viewer).await;
        world.preference(&world.viewer, "key", &json!("old")).await;
        world.tamper_before("TransactWriteItems", partition(&world), move |item| {
            let entries = item["entries"]["M"].as_object_mut().unwrap();
            if deleted { entries.clear() } else { entries["key"] = entry() }
        });
        let answer = put(&client, &token, "key", json!("new")).await;
        answer.expect(409, "edit_conflict");
        assert_eq!(entries(&world).get("key").is_none(), deleted);
        assert_eq!(world.audited(&world.viewer, "preference.set").len(), 0);
    }
}

#[tokio::test]
async fn without_an_index_the_first_set_makes_it() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.remove(&partition(&world), "PREFERENCES");
    let list = client.get("/api/user-preferences").bearer(&token).send().await;
    assert_eq!(list.data(200), &json!({}));
    for method in ["GET", "DELETE"] {
        let request = client.request(method, "/api/user-preferences/a").bearer(&token);
        request.send().await.expect(404, "not_found");
    }
    world.gather("BatchGetItem", 2);
    let (first, second) = tokio::join!(
        put(&client, &token, "a", json!(1)),
        put(&client, &token, "a", json!("x".repeat(300)))
    );
    assert_eq!(outcome([&first, &second]), [(200, ""), (409, "edit_conflict")]);
    put(&client, &token, "b", json!(2)).await.expect(200, "").expect_cost(2, 8.0);
    assert_eq!(entries(&world).len(), 2);
}
