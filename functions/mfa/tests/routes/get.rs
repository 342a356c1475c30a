//! `GET /api/user/mfa`

use harness::{Answer, Fault, World};
use serde_json::{Value, json};

const PATH: &str = "/api/user/mfa";

async fn get(world: &World) -> Answer {
    let token = world.session(&world.viewer).await;
    world.client(mfa::router()).get(PATH).bearer(&token).send().await
}

fn off() -> Value {
    json!({"enabled": false, "methods": [], "backup_codes_remaining": 0})
}

fn on(backup_codes_remaining: usize) -> Value {
    let methods = ["totp"];
    json!({
        "enabled": true, "methods": methods, "backup_codes_remaining": backup_codes_remaining,
    })
}

#[tokio::test]
async fn tells_that_it_is_off_on_and_off_again() {
    let world = World::new().await;
    let answer = get(&world).await;
    answer.expect_cost(1, 3.0);
    assert_eq!(answer.data(200), &off());
    world.enable_mfa(&world.viewer).await;
    let answer = get(&world).await;
    answer.expect_cost(1, 3.0);
    assert_eq!(answer.data(200), &on(10));
    let token = world.session(&world.viewer).await;
    let proof = json!({"password": harness::PASSWORD, "code": world.code()});
    let client = world.client(mfa::router());
    client.post("/api/user/mfa/disable").bearer(&token).json(proof).send().await.expect(204, "");
    assert_eq!(get(&world).await.data(200), &off());
}

#[tokio::test]
async fn one_that_is_being_set_up_is_off() {
    let world = World::new().await;
    world.enroll(&world.viewer).await;
    assert_eq!(get(&world).await.data(200), &off());
}

#[tokio::test]
async fn the_backup_codes_that_are_left_are_counted() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    for (index, code) in codes.iter().take(4).enumerate() {
        let challenge_id = world.challenge(&world.viewer, index as u128).await;
        let body = json!({"challenge_id": challenge_id, "code": code});
        client.post("/api/login/mfa").json(body).send().await.expect(200, "");
    }
    assert_eq!(get(&world).await.data(200), &on(6));
}

#[tokio::test]
async fn the_entity_tag_tells_of_every_change_of_it() {
    let world = World::new().await;
    let tag = async || get(&world).await.header("etag").map(str::to_owned);
    let off = tag().await;
    assert_eq!(off, tag().await);
    let codes = world.enable_mfa(&world.viewer).await;
    let on = tag().await;
    let challenge_id = world.challenge(&world.viewer, 0).await;
    let body = json!({"challenge_id": challenge_id, "code": codes[0]});
    let client = world.client(sessions::router());
    client.post("/api/login/mfa").json(body).send().await.expect(200, "");
    let used = tag().await;
    assert!(off.is_some() && off != on && on != used && off != used);
}

#[tokio::test]
async fn is_told_where_the_deployment_s_secret_is_out_of_reach() {
    let mut world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    world.start_anew();
    world.order_secret(Fault::Refused, 9);
    assert_eq!(get(&world).await.data(200), &on(10));
}

#[tokio::test]
async fn another_user_s_is_their_own() {
    let world = World::new().await;
    world.enable_mfa(&world.admin).await;
    assert_eq!(get(&world).await.data(200), &off());
}
