//! `GET /api/notifications/channels` and `GET /api/notifications/channels/{id}`

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/notifications/channels";

fn slack(name: &str) -> Value {
    json!({"type": "slack", "name": name, "config": {"workspace": "acme", "channel": "C01234567"}})
}

#[tokio::test]
async fn channels_are_listed_as_the_seed_shows_them_and_nobody_else_s() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let (admin, viewer) = (world.session(&world.admin).await, world.session(&world.viewer).await);
    let empty = client.get(PATH).bearer(&viewer).send().await;
    empty.expect_cost(2, 3.0);
    assert_eq!(empty.body, json!({"data": [], "meta": {"next_cursor": null}}));
    let created = client.post(PATH).bearer(&admin).json(slack("#data-alerts")).send().await;
    let id = created.text(201, "id");
    let stranger = world.session(&world.stranger).await;
    client.post(PATH).bearer(&stranger).json(slack("Theirs")).send().await.expect(201, "");
    let answer = client.get(PATH).bearer(&viewer).send().await;
    answer.expect_cost(2, 3.0);
    let expected = json!([{
        "id": id, "type": "slack", "name": "#data-alerts", "enabled": true,
        "config": {"workspace": "acme", "channel": "C01234567"}, "quiet_hours": null,
        "created_at": "2026-03-27T15:00:00Z", "updated_at": "2026-03-27T15:00:00Z",
        "failing_since": null, "disabled_reason": null,
    }]);
    assert_eq!(answer.data(200), &expected);
    let one = client.get(format!("{PATH}/{id}")).bearer(&viewer).send().await;
    one.expect_cost(2, 3.0);
    assert_eq!((one.data(200), one.header("etag")), (&expected[0], Some("\"1\"")));
}

#[tokio::test]
async fn how_a_channel_fares_is_told() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let id = client.post(PATH).bearer(&token).json(slack("One")).send().await.text(201, "id");
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let mut item = json!({"PK": {"S": partition}, "SK": {"S": id}, "id": {"S": id}});
    for (name, value) in [
        ("name", json!({"S": "One"})),
        ("enabled", json!({"BOOL": false})),
        (
            "config",
            json!({"M": {"type": {"S": "slack"}, "workspace": {"S": "a"}, "channel": {"S": "b"}}}),
        ),
        ("created_by", json!({"S": world.admin.user_id.to_string()})),
        ("updated_at", json!({"N": "1774623600"})),
        ("version", json!({"N": "1"})),
        ("failing_since", json!({"N": "1774537200"})),
        ("gave_up_at", json!({"N": "1774623600"})),
    ] {
        item[name] = value;
    }
    world.put(&item);
    let answer = client.get(PATH).bearer(&token).send().await;
    let channel = &answer.data(200)[0];
    assert_eq!(channel["failing_since"], "2026-03-26T15:00:00Z");
    assert_eq!(channel["disabled_reason"], "failing");
}

#[tokio::test]
async fn pages_follow_each_other_newest_first() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    for index in 0..5 {
        world.clock.advance_seconds(1);
        client
            .post(PATH)
            .bearer(&token)
            .json(slack(&index.to_string()))
            .send()
            .await
            .expect(201, "");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(format!("{PATH}?limit=2{cursor}")).bearer(&token).send().await;
        let page = answer.data(200).as_array().unwrap();
        seen.extend(page.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
        let Some(next) = answer.body["meta"]["next_cursor"].as_str() else { break };
        assert_eq!(page.len(), 2);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let first = client.get(format!("{PATH}?limit=2")).bearer(&token).send().await;
    let next = first.body["meta"]["next_cursor"].as_str().unwrap();
    let stranger = world.session(&world.stranger).await;
    for (path, token) in [(PATH, &stranger), ("/api/notifications/rules", &token)] {
        let foreign = client.get(format!("{path}?cursor={next}")).bearer(token).send().await;
        foreign.expect(400, "invalid_cursor").expect_cost(1, 2.0);
    }
}

#[tokio::test]
async fn what_is_missing_and_what_is_another_tenant_s_answer_the_same() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let stranger = world.session(&world.stranger).await;
    let theirs = client.post(PATH).bearer(&stranger).json(slack("Theirs")).send().await;
    let theirs = theirs.text(201, "id");
    let key = world.api_key(&world.viewer, &[Scope::NotificationsRead]).await;
    let mut bodies = Vec::new();
    for id in [&theirs, "nch_00000000000000000000000000"] {
        let answer = client.get(format!("{PATH}/{id}")).bearer(&key).send().await;
        answer.expect(404, "not_found").expect_cost(2, 3.0);
        bodies.push(answer.bytes);
    }
    assert_eq!(bodies[0], bodies[1]);
}
