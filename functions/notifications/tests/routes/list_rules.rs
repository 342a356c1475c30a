//! `GET /api/notifications/rules`, `GET` and `DELETE /api/notifications/rules/{id}`

use harness::{Answer, World, at_once};
use serde_json::json;

const PATH: &str = "/api/notifications/rules";

async fn channel(world: &World, token: &str) -> String {
    let client = world.client(notifications::router());
    let config = json!({"workspace": "acme", "channel": "C01234567"});
    let body = json!({"type": "slack", "name": "#data-alerts", "config": config});
    let path = "/api/notifications/channels";
    client.post(path).bearer(token).json(body).send().await.text(201, "id")
}

async fn rule(world: &World, token: &str, name: &str, channel: &str) -> Answer {
    let body = json!({
        "name": name, "event": "pipeline.run.failed", "channel_ids": [channel],
        "filters": {"pipeline_ids": ["pl_01hqxyz"]},
    });
    world.client(notifications::router()).post(PATH).bearer(token).json(body).send().await
}

#[tokio::test]
async fn rules_are_listed_as_the_seed_shows_them_and_nobody_else_s() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let (admin, viewer) = (world.session(&world.admin).await, world.session(&world.viewer).await);
    client.get(PATH).bearer(&viewer).send().await.expect(200, "").expect_cost(2, 3.0);
    let channel_id = channel(&world, &admin).await;
    let id = rule(&world, &admin, "Pipeline failure to Slack", &channel_id).await.text(201, "id");
    let stranger = world.session(&world.stranger).await;
    let theirs = channel(&world, &stranger).await;
    rule(&world, &stranger, "Theirs", &theirs).await.expect(201, "");
    let answer = client.get(PATH).bearer(&viewer).send().await;
    answer.expect_cost(2, 3.0);
    let expected = json!([{
        "id": id, "name": "Pipeline failure to Slack", "event": "pipeline.run.failed",
        "channel_ids": [channel_id], "filters": {"pipeline_ids": ["pl_01hqxyz"]}, "enabled": true,
        "created_at": "2026-03-27T15:00:00Z", "updated_at": "2026-03-27T15:00:00Z",
    }]);
    assert_eq!(answer.data(200), &expected);
    let one = client.get(format!("{PATH}/{id}")).bearer(&viewer).send().await;
    one.expect_cost(2, 3.0);
    assert_eq!((one.data(200), one.header("etag")), (&expected[0], Some("\"1\"")));
    let foreign = client.get(format!("{PATH}/{id}")).bearer(&stranger).send().await;
    foreign.expect(404, "not_found").expect_cost(2, 3.0);
}

#[tokio::test]
async fn pages_follow_each_other_newest_first() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let channel_id = channel(&world, &token).await;
    for index in 0..3 {
        world.clock.advance_seconds(1);
        rule(&world, &token, &index.to_string(), &channel_id).await.expect(201, "");
    }
    let first = client.get(format!("{PATH}?limit=2")).bearer(&token).send().await;
    let next = first.body["meta"]["next_cursor"].as_str().unwrap();
    let second = client.get(format!("{PATH}?limit=2&cursor={next}")).bearer(&token).send().await;
    let names = [&first.data(200)[0], &first.data(200)[1], &second.data(200)[0]];
    assert_eq!(names.map(|rule| rule["name"].as_str().unwrap()), ["2", "1", "0"]);
    assert_eq!(second.body["meta"]["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_rule_is_deleted() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let channel_id = channel(&world, &token).await;
    let id = rule(&world, &token, "One", &channel_id).await.text(201, "id");
    let path = format!("{PATH}/{id}");
    let stranger = world.session(&world.stranger).await;
    let foreign = client.delete(&path).bearer(&stranger).send().await;
    let missing = format!("{PATH}/nrl_00000000000000000000000000");
    let missing = client.delete(missing).bearer(&token).send().await;
    foreign.expect(404, "not_found").expect_cost(2, 3.0);
    assert_eq!(foreign.bytes, missing.bytes);
    let tagged = client.delete(&path).bearer(&token).header("if-match", "\"2\"");
    tagged.send().await.expect(412, "precondition_failed");
    let answer = client.delete(&path).bearer(&token).header("if-match", "\"1\"").send().await;
    answer.expect(204, "").expect_cost(3, 9.0);
    assert!(world.app.store.rules(world.admin.organization_id).await.unwrap().is_empty());
    let records = world.audited(&world.admin, "notification_rule.deleted");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], id);
    assert_eq!(record["changes"], json!({"name": {"from": "One", "to": null}}));
}

#[tokio::test]
async fn of_two_deletes_at_once_one_finds_nothing() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let channel_id = channel(&world, &token).await;
    let id = rule(&world, &token, "One", &channel_id).await.text(201, "id");
    world.gather("TransactWriteItems", 2);
    let delete = |_| client.delete(format!("{PATH}/{id}")).bearer(&token).send();
    let answers = at_once((0..2).map(delete)).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    assert_eq!(world.audited(&world.admin, "notification_rule.deleted").len(), 1);
}
