//! `GET /api/user/sessions`, and how sessions live and end.

use harness::World;
use serde_json::{Value, json};

const PATH: &str = "/api/user/sessions";

fn tamper_policy(world: &World, field: &'static str, value: &Value) {
    let partition = format!("ORG#{}", world.viewer.organization_id);
    world.tamper(&partition, |item| item["session_policy"]["M"][field] = value.clone());
}

#[tokio::test]
async fn lists_the_user_s_own_newest_first_and_marks_the_present_one() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (older, _) = world.session_with_id(&world.viewer).await;
    world.session(&world.admin).await;
    world.clock.advance_minutes(1);
    let (newer, token) = world.session_with_id(&world.viewer).await;
    let answer = client.get(PATH).bearer(&token).send().await;
    answer.expect_cost(1, 2.0);
    let shown = |id, current, began: &str, idle: &str, ends: &str| {
        json!({
            "id": id, "current": current, "created_at": began, "last_active_at": began,
            "idle_expires_at": idle, "expires_at": ends,
            "ip_address": "192.0.2.1", "user_agent": null,
        })
    };
    let expected = json!([
        shown(newer, true, "2026-03-27T15:01:00Z", "2026-03-27T16:01:00Z", "2026-03-28T15:01:00Z"),
        shown(older, false, "2026-03-27T15:00:00Z", "2026-03-27T16:00:00Z", "2026-03-28T15:00:00Z"),
    ]);
    assert_eq!(answer.data(200), &expected);
    assert_eq!(answer.body["meta"], json!({"next_cursor": null}));
}

#[tokio::test]
async fn pages_tell_every_session_once() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let mut expected = Vec::new();
    for _ in 0..7 {
        world.clock.advance_seconds(1);
        expected.push(world.session_with_id(&world.viewer).await.0.to_string());
    }
    expected.reverse();
    let token = world.session(&world.viewer).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{PATH}?limit=3{cursor}");
        let answer = client.get(&*path).bearer(&token).send().await;
        let page = answer.data(200).as_array().unwrap();
        assert!(page.len() <= 3);
        let others = page.iter().filter(|session| session["current"] == false);
        seen.extend(others.map(|session| session["id"].as_str().unwrap().to_owned()));
        match answer.body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_of_another_user_or_list_is_refused() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    world.session(&world.viewer).await;
    let answer = client.get(format!("{PATH}?limit=1")).bearer(&token).send().await;
    let cursor = answer.body["meta"]["next_cursor"].as_str().unwrap().to_owned();
    for other in [&world.admin, &world.stranger] {
        let token = world.session(other).await;
        let answer = client.get(format!("{PATH}?cursor={cursor}")).bearer(&token).send().await;
        answer.expect(400, "invalid_cursor");
    }
    let mut tampered = cursor.into_bytes();
    tampered[30] = if tampered[30] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    let answer = client.get(format!("{PATH}?cursor={tampered}")).bearer(&token).send().await;
    answer.expect(400, "invalid_cursor");
}

#[tokio::test]
async fn an_idle_session_ends_in_the_very_second() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (used, idle) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    world.clock.advance_seconds(60 * 60 - 1);
    client.get(PATH).bearer(&used).send().await.expect(200, "");
    world.clock.advance_seconds(1);
    client.get(PATH).bearer(&idle).send().await.expect(401, "session_idle");
    client.get(PATH).bearer(&used).send().await.expect(200, "");
}

#[tokio::test]
async fn a_session_ends_at_its_full_age_however_much_it_is_used() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    for _ in 0..47 {
        world.clock.advance_minutes(30);
        client.get(PATH).bearer(&token).send().await.expect(200, "");
    }
    world.clock.advance_seconds(30 * 60 - 1);
    client.get(PATH).bearer(&token).send().await.expect(200, "");
    world.clock.advance_seconds(1);
    client.get(PATH).bearer(&token).send().await.expect(401, "session_absolute");
}

#[tokio::test]
async fn a_changed_policy_holds_for_sessions_already_open() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    world.clock.advance_minutes(10);
    tamper_policy(&world, "idle_timeout_minutes", &json!({"N": "10"}));
    client.get(PATH).bearer(&token).send().await.expect(401, "session_idle");
    tamper_policy(&world, "idle_timeout_minutes", &json!({"N": "60"}));
    client.get(PATH).bearer(&token).send().await.expect(200, "");
    tamper_policy(&world, "absolute_timeout_minutes", &json!({"N": "10"}));
    client.get(PATH).bearer(&token).send().await.expect(401, "session_absolute");
}

#[tokio::test]
async fn activity_is_noted_once_a_minute_and_beside_the_answer() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    let noted = async || world.user(&world.viewer).await.sessions[&id].last_active_at;
    let began = noted().await;
    world.clock.advance_seconds(59);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert!(!answer.expect_cost(1, 2.0).touched);
    assert_eq!(noted().await, began);
    world.clock.advance_seconds(1);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert!(answer.expect_cost(1, 2.0).touched);
    assert_eq!(noted().await, world.now());
    let answer = client.get(PATH).bearer(&token).send().await;
    assert!(!answer.touched);
}

#[tokio::test]
async fn a_policy_may_count_no_request_as_activity() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    tamper_policy(&world, "extend_on_activity", &json!({"BOOL": false}));
    world.clock.advance_minutes(59);
    assert!(!client.get(PATH).bearer(&token).send().await.expect(200, "").touched);
    world.clock.advance_minutes(1);
    client.get(PATH).bearer(&token).send().await.expect(401, "session_idle");
}

#[tokio::test]
async fn a_session_under_a_floor_of_the_policy_has_ended_whatever_the_minutes_are() {
    for (floor, code) in [("idle_floor", "session_idle"), ("absolute_floor", "session_absolute")] {
        let world = World::new().await;
        let client = world.client(sessions::router());
        let (under, under_token) = world.session_with_id(&world.viewer).await;
        let second = world.now().as_second().to_string();
        world.clock.advance_seconds(1);
        let (above, token) = world.session_with_id(&world.viewer).await;
        tamper_policy(&world, floor, &json!({"N": second}));
        client.get(PATH).bearer(&under_token).send().await.expect(401, code);
        let answer = client.get(PATH).bearer(&token).send().await;
        assert_eq!(answer.data(200).as_array().unwrap().len(), 1);
        let answer = client.delete(format!("{PATH}/{under}")).bearer(&token).send().await;
        answer.expect(404, "not_found");
        let login = json!({"email": world.viewer.email, "password": harness::PASSWORD});
        let answer = client.post("/api/login").json(login).send().await;
        let signed_in = answer.data(200)["session"]["id"].as_str().unwrap().to_owned();
        let left = world.user(&world.viewer).await.sessions.into_keys().map(|id| id.to_string());
        assert_eq!(left.collect::<Vec<_>>(), [above.to_string(), signed_in]);
    }
}
