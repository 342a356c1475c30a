//! What answers tell a page of its session: `Session-Idle-Expires` and `Session-Expires`.

use harness::{Answer, Fault, World};
use serde_json::{Value, json};

const PATH: &str = "/api/user/sessions";

fn told(answer: &Answer) -> Option<(&str, &str)> {
    answer.header("session-idle-expires").zip(answer.header("session-expires"))
}

fn tamper_policy(world: &World, field: &'static str, value: &Value) {
    let partition = format!("ORG#{}", world.viewer.organization_id);
    world.tamper(&partition, |item| item["session_policy"]["M"][field] = value.clone());
}

#[tokio::test]
async fn the_idle_time_counts_from_the_request_that_is_noted() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    let ends = "2026-03-28T15:00:00Z";
    world.clock.advance_seconds(59);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert!(!answer.touched);
    assert_eq!(told(&answer), Some(("2026-03-27T16:00:00Z", ends)));
    world.clock.advance_milliseconds(1999);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert!(answer.touched);
    assert_eq!(told(&answer), Some(("2026-03-27T16:01:00Z", ends)));
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200)[0]["idle_expires_at"], "2026-03-27T16:01:00Z");
    assert_eq!(told(&answer), Some(("2026-03-27T16:01:00Z", ends)));
}

#[tokio::test]
async fn the_session_ends_in_the_very_second_that_was_told() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    // Each begins in the middle of a second, which the table does not keep.
    world.clock.advance_milliseconds(999);
    let (idle, used) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    tamper_policy(&world, "absolute_timeout_minutes", &json!({"N": "70"}));
    world.clock.advance_minutes(50);
    let answer = client.get(PATH).bearer(&used).send().await;
    let end = "2026-03-27T16:10:00Z";
    assert_eq!(told(&answer), Some((end, end)));
    world.clock.advance_milliseconds(10 * 60_000 - 1000);
    client.get(PATH).bearer(&idle).send().await.expect(200, "");
    let other = world.session(&world.viewer).await;
    world.clock.advance_milliseconds(10 * 60_000);
    assert_eq!(world.now().to_string(), "2026-03-27T16:09:59Z");
    for token in [&idle, &used] {
        let answer = client.get(PATH).bearer(token).send().await;
        assert_eq!(told(answer.expect(200, "")), Some((end, end)));
    }
    world.clock.advance_milliseconds(1);
    for token in [&idle, &used] {
        client.get(PATH).bearer(token).send().await.expect(401, "session_absolute");
    }
    client.get(PATH).bearer(&other).send().await.expect(200, "");
}

#[tokio::test]
async fn where_no_request_counts_the_idle_time_runs_from_the_last_that_did() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    world.clock.advance_minutes(10);
    client.get(PATH).bearer(&token).send().await.expect(200, "");
    tamper_policy(&world, "extend_on_activity", &json!({"BOOL": false}));
    world.clock.advance_minutes(10);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(told(&answer), Some(("2026-03-27T16:10:00Z", "2026-03-28T15:00:00Z")));
    assert_eq!(answer.data(200)[0]["last_active_at"], "2026-03-27T15:10:00Z");
    world.clock.advance_minutes(50);
    client.get(PATH).bearer(&token).send().await.expect(401, "session_idle");
}

#[tokio::test]
async fn only_the_end_of_the_present_session_leaves_nothing_to_tell() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    let (other, other_token) = world.session_with_id(&world.viewer).await;
    let alive = Some(("2026-03-27T16:00:00Z", "2026-03-28T15:00:00Z"));
    let end = |id| client.delete(format!("{PATH}/{id}")).bearer(&token).send();
    assert_eq!(told(end(other).await.expect(204, "")), alive);
    assert_eq!(told(end(other).await.expect(404, "not_found")), alive);
    let answer = client.delete(PATH).bearer(&token).send().await;
    assert_eq!(told(answer.expect(204, "")), alive);
    assert_eq!(told(end(id).await.expect(204, "")), None);
    let answer = client.get(PATH).bearer(&other_token).send().await;
    assert_eq!(told(answer.expect(401, "invalid_credential")), None);
}

#[tokio::test]
async fn a_logout_that_fails_has_ended_nothing_and_one_that_comes_late_is_told_nothing() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    let logout = || client.post("/api/logout").bearer(&token);
    world.order("TransactWriteItems", Fault::Refused, 3);
    let answer = logout().send_any().await;
    assert_eq!(answer.status, 503);
    assert_eq!(told(&answer), Some(("2026-03-27T16:00:00Z", "2026-03-28T15:00:00Z")));
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["sessions"] = json!({"M": {}});
    });
    assert_eq!(told(logout().send().await.expect(401, "invalid_credential")), None);
}
