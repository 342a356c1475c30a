//! What a change of the policy does to sessions, those already open and those that have ended.

use harness::{Answer, Client, World};
use serde_json::{Value, json};

const PATH: &str = "/api/user/session-timeout";

/// Changes the policy by an administrator who has just signed in.
async fn change(world: &World, client: &Client<'_>, body: Value) -> Answer {
    let token = world.session(&world.admin).await;
    let answer = client.put(PATH).bearer(&token).json(body).send().await;
    answer.expect(200, "");
    answer
}

async fn get(client: &Client<'_>, token: &str) -> (u16, String) {
    let answer = client.get(PATH).bearer(token).send().await;
    (answer.status, answer.code().to_owned())
}

fn told(answer: &Answer) -> Option<(&str, &str)> {
    answer.header("session-idle-expires").zip(answer.header("session-expires"))
}

fn alive() -> (u16, String) {
    (200, String::new())
}

fn idle() -> (u16, String) {
    (401, "session_idle".to_owned())
}

fn too_old() -> (u16, String) {
    (401, "session_absolute".to_owned())
}

#[tokio::test]
async fn a_shorter_policy_ends_open_sessions_on_every_instance_at_their_next_request() {
    let world = World::new().await;
    let (here, there) =
        (world.client(session_timeout::router()), world.client(session_timeout::router()));
    let over = world.session(&world.viewer).await;
    world.clock.advance_seconds(1);
    let within = world.session(&world.viewer).await;
    world.clock.advance_seconds(10 * 60 - 1);
    change(&world, &here, json!({"idle_timeout_minutes": 10})).await;
    for client in [&here, &there] {
        assert_eq!(get(client, &over).await, idle());
        assert_eq!(get(client, &within).await, alive());
    }
    world.clock.advance_seconds(5 * 60);
    change(&world, &here, json!({"absolute_timeout_minutes": 15})).await;
    for client in [&here, &there] {
        assert_eq!(get(client, &over).await, too_old());
        assert_eq!(get(client, &within).await, alive());
    }
    world.clock.advance_seconds(1);
    assert_eq!(get(&there, &within).await, too_old());
}

#[tokio::test]
async fn a_longer_idle_time_revives_nothing_not_even_what_ended_in_the_second_of_the_change() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    world.clock.advance_milliseconds(999);
    let (ended, unseen) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    world.clock.advance_milliseconds(1);
    let left = world.session(&world.viewer).await;
    world.clock.advance_milliseconds(60 * 60_000 - 1000);
    assert_eq!(world.now().to_string(), "2026-03-27T16:00:00Z");
    assert_eq!(get(&client, &ended).await, idle());
    change(&world, &client, json!({"idle_timeout_minutes": 120})).await;
    // Nobody has asked for the second one since it ended.
    for token in [&ended, &unseen] {
        assert_eq!(get(&client, token).await, idle());
    }
    // The third had one second left, and has two hours now.
    world.clock.advance_seconds(60 * 60);
    assert_eq!(get(&client, &left).await, alive());
    assert_eq!(get(&client, &ended).await, idle());
}

#[tokio::test]
async fn a_session_with_a_second_left_ends_in_the_second_that_the_longer_policy_says() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    world.clock.advance_milliseconds(300);
    let tokens = [world.session(&world.viewer).await, world.session(&world.viewer).await];
    world.clock.advance_seconds(60 * 60 - 1);
    change(&world, &client, json!({"idle_timeout_minutes": 120})).await;
    world.clock.advance_milliseconds(60 * 60_000 + 699);
    assert_eq!(world.now().as_millisecond() % 1000, 999);
    assert_eq!(get(&client, &tokens[0]).await, alive());
    world.clock.advance_milliseconds(1);
    assert_eq!(world.now().to_string(), "2026-03-27T17:00:00Z");
    assert_eq!(get(&client, &tokens[1]).await, idle());
}

#[tokio::test]
async fn a_longer_absolute_time_revives_nothing_not_even_what_ended_in_the_second_of_the_change() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    change(&world, &client, json!({"absolute_timeout_minutes": 60})).await;
    world.clock.advance_milliseconds(999);
    let (ended, unseen) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    world.clock.advance_milliseconds(1);
    let left = world.session(&world.viewer).await;
    world.clock.advance_minutes(30);
    for token in [&ended, &unseen, &left] {
        assert_eq!(get(&client, token).await, alive());
    }
    world.clock.advance_milliseconds(30 * 60_000 - 1000);
    assert_eq!(get(&client, &ended).await, too_old());
    change(&world, &client, json!({"absolute_timeout_minutes": 120})).await;
    for token in [&ended, &unseen] {
        assert_eq!(get(&client, token).await, too_old());
    }
    assert_eq!(get(&client, &left).await, alive());
    world.clock.advance_seconds(59 * 60);
    assert_eq!(get(&client, &left).await, alive());
    world.clock.advance_seconds(61);
    assert_eq!(get(&client, &left).await, too_old());
}

#[tokio::test]
async fn no_later_change_revives_what_an_earlier_policy_ended() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let token = world.session(&world.viewer).await;
    world.clock.advance_minutes(10);
    for body in [
        json!({"idle_timeout_minutes": 10}),
        json!({"idle_timeout_minutes": 1440}),
        json!({"extend_on_activity": false}),
        json!({"idle_timeout_minutes": 1439}),
        json!({"absolute_timeout_minutes": 43_200, "extend_on_activity": true}),
    ] {
        change(&world, &client, body).await;
        world.clock.advance_seconds(1);
        assert_eq!(get(&client, &token).await, idle());
    }
    let (policy, began) = (
        world.principal(&world.admin).await.organization.session_policy,
        world.now().plus_seconds(-5).minus_minutes(10),
    );
    // The second change, one second after the first, ended what was ten minutes idle by then.
    assert_eq!(policy.idle_floor, Some(began.plus_seconds(1)));
}

#[tokio::test]
async fn where_requests_begin_to_count_again_no_ended_session_profits() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    change(&world, &client, json!({"extend_on_activity": false})).await;
    let ended = world.session(&world.viewer).await;
    world.clock.advance_minutes(30);
    let open = world.session(&world.viewer).await;
    assert_eq!(get(&client, &ended).await, alive());
    world.clock.advance_minutes(30);
    change(&world, &client, json!({"extend_on_activity": true, "idle_timeout_minutes": 90})).await;
    assert_eq!(get(&client, &ended).await, idle());
    let answer = client.get(PATH).bearer(&open).send().await;
    assert!(answer.touched);
    assert_eq!(told(&answer), Some(("2026-03-27T17:30:00Z", "2026-03-28T15:30:00Z")));
}

#[tokio::test]
async fn another_tenant_s_sessions_live_as_before() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let token = world.session(&world.stranger).await;
    world.clock.advance_minutes(30);
    change(&world, &client, json!({"idle_timeout_minutes": 5})).await;
    assert_eq!(get(&client, &token).await, alive());
}

#[tokio::test]
async fn the_answer_tells_when_the_caller_s_own_session_ends_from_now_on() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let token = world.session(&world.admin).await;
    let put = |body: Value| client.put(PATH).bearer(&token).json(body).send();
    world.clock.advance_minutes(20);
    // Noted as a use: until now, requests have counted.
    let body = json!({"idle_timeout_minutes": 10, "extend_on_activity": false});
    let answer = put(body).await;
    assert_eq!(told(&answer), Some(("2026-03-27T15:30:00Z", "2026-03-28T15:00:00Z")));
    world.clock.advance_minutes(5);
    // Not noted: until now, none has.
    let body = json!({"idle_timeout_minutes": 15, "extend_on_activity": true});
    let answer = put(body).await;
    assert!(!answer.touched);
    assert_eq!(told(&answer), Some(("2026-03-27T15:35:00Z", "2026-03-28T15:00:00Z")));
    // What is refused changes nothing.
    let answer = put(json!({"absolute_timeout_minutes": 14})).await;
    assert_eq!(told(answer.expect(422, "validation_failed")).unwrap().1, "2026-03-28T15:00:00Z");
    // Its own end, told as a moment that is over.
    let answer = put(json!({"absolute_timeout_minutes": 15})).await;
    let over = "2026-03-27T15:15:00Z";
    assert_eq!(told(answer.expect(200, "")), Some((over, over)));
    assert_eq!(get(&client, &token).await, too_old());
}
