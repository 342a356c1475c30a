//! `POST /api/login/mfa`: what completes a sign-in.

use harness::{Answer, Client, Fault, PASSWORD, World};
use serde_json::{Value, json};
use shared::ids::ChallengeId;

/// Signs the viewer in with the password.
async fn login(client: &Client<'_>) -> Answer {
    let body = json!({"email": "viewer@acme.example", "password": PASSWORD});
    client.post("/api/login").json(body).send().await
}

async fn complete(client: &Client<'_>, id: impl Into<String>, code: &str) -> Answer {
    let body = json!({"challenge_id": id.into(), "code": code});
    client.post("/api/login/mfa").json(body).send().await
}

/// Completes a challenge of the viewer's.
async fn answer(world: &World, bits: u128, code: &str) -> Answer {
    let id: ChallengeId = world.challenge(&world.viewer, bits).await;
    complete(&world.client(sessions::router()), id.to_string(), code).await
}

fn factor(world: &World) -> Value {
    let (organization, user) = (world.viewer.organization_id, world.viewer.user_id);
    world.items_under(&format!("MFA#{organization}#{user}")).remove(0)
}

#[tokio::test]
async fn a_code_begins_the_session_and_ends_the_challenge() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = login(&client).await.text(200, "challenge_id");
    let hashes = world.app.passwords.invocations();
    let answer = complete(&client, id, &world.code()).await;
    answer.expect_cost(3, 21.0);
    assert_eq!(world.app.passwords.invocations(), hashes);
    let (data, token) = (answer.data(200), answer.text(200, "access_token"));
    let names: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "session", "token_type", "user"]);
    assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(86_400)));
    assert_eq!(data["user"]["id"], json!(world.viewer.user_id));
    let list = client.get("/api/user/sessions").bearer(&token).send().await;
    assert_eq!(list.data(200)[0]["id"], data["session"]["id"]);
    assert_eq!(world.items_under("CHALLENGE#"), [] as [Value; 0]);
    assert_eq!(factor(&world)["last_step"], world.now().as_second() / 30);
    let records = world.audited(&world.viewer, "session.created");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"], json!({"second_factor": {"from": null, "to": "totp"}}));
    assert_eq!(
        (&record["actor"]["type"], &record["target"]),
        (&json!("session"), &data["session"]["id"])
    );
}

#[tokio::test]
async fn each_backup_code_completes_one_sign_in_and_their_number_falls() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    for (index, code) in codes.iter().enumerate() {
        let bits = index as u128;
        answer(&world, bits, code).await.expect(200, "");
        assert_eq!(factor(&world)["backup_codes"].as_object().unwrap().len(), 9 - index);
        answer(&world, 100 + bits, code).await.expect(401, "invalid_code");
        answer(&world, 100 + bits, &code.replace('-', "")).await.expect(401, "invalid_code");
        world.clock.advance_minutes(5);
    }
    let records = world.audited(&world.viewer, "session.created");
    assert_eq!(records.len(), 10);
    let change = json!({"second_factor": {"from": null, "to": "backup_code"}});
    assert!(records.iter().all(|record| record["changes"] == change));
    let token = answer(&world, 200, &world.code()).await.text(200, "access_token");
    let client = world.client(mfa::router());
    let status = client.get("/api/user/mfa").bearer(&token).send().await;
    assert_eq!(status.data(200)["backup_codes_remaining"], 0);
}

#[tokio::test]
async fn at_an_address_that_the_account_knows_it_costs_less() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    answer(&world, 0, &codes[0]).await.expect_cost(3, 21.0);
    answer(&world, 1, &codes[1]).await.expect_cost(3, 17.0);
}

#[tokio::test]
async fn the_clock_may_be_off_by_one_step_and_not_by_two() {
    for (steps, status) in [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)] {
        let world = World::new().await;
        world.enable_mfa(&world.viewer).await;
        let answer = answer(&world, 0, &world.code_at(steps)).await;
        assert_eq!(answer.status, status, "{steps} steps off");
    }
}

#[tokio::test]
async fn a_code_ends_with_the_step_after_its_own() {
    for (seconds, status) in [(59, 200), (60, 401)] {
        let world = World::new().await;
        world.enable_mfa(&world.viewer).await;
        // The step begins as the clock stands.
        assert_eq!(world.now().as_second() % 30, 0);
        let code = world.code();
        world.clock.advance_seconds(seconds);
        assert_eq!(answer(&world, 0, &code).await.status, status, "after {seconds} seconds");
    }
}

#[tokio::test]
async fn a_step_is_spent_once_and_with_it_those_before() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (earlier, code, later) = (world.code_at(-1), world.code(), world.code_at(1));
    answer(&world, 0, &code).await.expect(200, "");
    for spent in [&code, &earlier] {
        answer(&world, 1, spent).await.expect(401, "invalid_code");
    }
    answer(&world, 1, &later).await.expect(200, "");
    answer(&world, 2, &code).await.expect(401, "invalid_code");
    world.clock.advance_seconds(60);
    answer(&world, 2, &later).await.expect(401, "invalid_code");
    answer(&world, 2, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn a_sign_in_elsewhere_does_not_end_a_challenge() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let first = login(&client).await.text(200, "challenge_id");
    let second = login(&client).await.text(200, "challenge_id");
    complete(&client, second, &world.code()).await.expect(200, "");
    complete(&client, first, &world.code_at(1)).await.expect(200, "");
}

#[tokio::test]
async fn a_lost_answer_s_write_is_done_once() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let id = world.challenge(&world.viewer, 0).await.to_string();
    let client = world.client(sessions::router());
    world.order("TransactWriteItems", Fault::AnswerLost, 1);
    let token = complete(&client, id, &world.code()).await.text(200, "access_token");
    client.get("/api/user/sessions").bearer(&token).send().await.expect(200, "");
    assert_eq!(world.user(&world.viewer).await.sessions.len(), 1);
    assert_eq!(world.audited(&world.viewer, "session.created").len(), 1);
}

#[tokio::test]
async fn without_the_deployment_s_secret_only_sign_ins_with_a_second_factor_fail() {
    let mut world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let id = world.challenge(&world.viewer, 0).await.to_string();
    world.start_anew();
    let client = world.client(sessions::router());
    let before = world.dump();
    world.order_secret(Fault::Refused, 99);
    for code in [world.code(), "000000".to_owned(), codes[0].clone()] {
        let body = json!({"challenge_id": id, "code": code});
        let answer = client.post("/api/login/mfa").json(body).send_any().await;
        answer.expect(503, "unavailable").expect_cost(2, 7.0);
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    assert_eq!(world.dump(), before);
    // The first step needs no secret.
    assert_eq!(login(&client).await.data(200)["mfa_required"], true);
    let body = json!({"email": world.admin.email, "password": PASSWORD});
    client.post("/api/login").json(body).send().await.expect(200, "");
    world.heal();
    complete(&client, id, &world.code()).await.expect(200, "");
}
