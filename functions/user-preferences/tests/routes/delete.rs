//! `DELETE /api/user-preferences/{key}`

use harness::{Client, Request, World};
use serde_json::{Value, json};

const KEY: &str = "canvas.snap_to_grid";

fn delete<'a>(client: &'a Client<'a>, token: &str, key: &str) -> Request<'a> {
    client.delete(format!("/api/user-preferences/{key}")).bearer(token)
}

fn partition(world: &World) -> String {
    format!("PREFERENCES#{}#{}", world.viewer.organization_id, world.viewer.user_id)
}

#[tokio::test]
async fn the_preference_is_gone_and_the_others_stay() {
    for (value, units) in [(json!(true), 8.0), (json!("x".repeat(300)), 10.0)] {
        let world = World::new().await;
        let client = world.client(user_preferences::router());
        let token = world.session(&world.viewer).await;
        world.preference(&world.viewer, KEY, &value).await;
        world.preference(&world.viewer, "canvas", &json!(1)).await;
        let answer = delete(&client, &token, KEY).send().await;
        answer.expect(204, "").expect_cost(2, units);
        assert_eq!(answer.bytes, b"");
        let list = client.get("/api/user-preferences").bearer(&token).send().await;
        assert_eq!(list.data(200), &json!({"canvas": 1}));
        assert_eq!(world.items_under(&partition(&world)).len(), 1);
        let before = world.dump();
        delete(&client, &token, KEY).send().await.expect(404, "not_found").expect_cost(1, 4.0);
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn is_audited_with_the_value_that_was() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let (session, token) = world.session_with_id(&world.viewer).await;
    for (key, value) in [("a", json!(null)), ("b", json!("x".repeat(300)))] {
        world.preference(&world.viewer, key, &value).await;
        let request = delete(&client, &token, key).from_address("198.51.100.9");
        let answer = request.send().await;
        let records = world.audited(&world.viewer, "preference.deleted");
        let record = records.iter().find(|record| record["target"] == key).unwrap();
        let user_id = world.viewer.user_id;
        let actor = json!({"type": "session", "user_id": user_id, "session_id": session});
        assert_eq!(record["actor"], actor);
        assert_eq!(record["ip_address"], "198.51.100.9");
        assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
        let changes = json!({"value": {"from": value.to_string(), "to": null}});
        assert_eq!(record["changes"], changes);
    }
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &json!(true)).await;
    let path = format!("/api/user-preferences/{KEY}");
    let read = client.get(path).bearer(&token).send().await;
    let tag = read.header("etag").unwrap();
    let before = world.dump();
    for (tag, status, code) in [
        ("\"1\"", 412, "precondition_failed"),
        (&format!("W/{tag}"), 412, "precondition_failed"),
        ("1", 400, "invalid_if_match"),
    ] {
        let answer = delete(&client, &token, KEY).header("if-match", tag).send().await;
        answer.expect(status, code).expect_cost(1, 4.0);
    }
    assert_eq!(world.dump(), before);
    delete(&client, &token, KEY).header("if-match", tag).send().await.expect(204, "");
    for tag in [tag, "*"] {
        let answer = delete(&client, &token, KEY).header("if-match", tag).send().await;
        answer.expect(404, "not_found");
    }
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_deleted() {
    for (condition, status, code) in
        [(None, 409, "edit_conflict"), (Some("*"), 412, "precondition_failed")]
    {
        for value in [json!(true), json!("x".repeat(300))] {
            let world = World::new().await;
            let client = world.client(user_preferences::router());
            let token = world.session(&world.viewer).await;
            world.preference(&world.viewer, KEY, &value).await;
            world.tamper_before("TransactWriteItems", partition(&world), |item| {
                item["entries"]["M"][KEY]["M"]["version"] = json!({"N": "1"});
            });
            let request = delete(&client, &token, KEY);
            let request = match condition {
                Some(tag) => request.header("if-match", tag),
                None => request,
            };
            request.send().await.expect(status, code);
            let items = world.items_under(&partition(&world));
            assert_eq!(items.len(), if value.is_string() { 2 } else { 1 });
            let has = |item: &Value| item["entries"][KEY]["version"] == 1;
            assert!(items.iter().any(has));
            assert_eq!(world.audited(&world.viewer, "preference.deleted").len(), 0);
        }
    }
}

#[tokio::test]
async fn of_two_simultaneous_deletes_one_succeeds() {
    let world = World::new().await;
    let client = world.client(user_preferences::router());
    let token = world.session(&world.viewer).await;
    world.preference(&world.viewer, KEY, &json!("x".repeat(300))).await;
    world.gather("BatchGetItem", 2);
    let (first, second) =
        tokio::join!(delete(&client, &token, KEY).send(), delete(&client, &token, KEY).send());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(world.audited(&world.viewer, "preference.deleted").len(), 1);
}
