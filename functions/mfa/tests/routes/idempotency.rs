//! `Idempotency-Key` on what shows backup codes: a retry gets the same ones, byte for byte, and
//! neither makes new ones nor is charged for its code's being used up.

use harness::{Answer, Client, Fault, PASSWORD, Request, World, at_once};
use serde_json::json;
use shared::ids::EnrollmentId;

const KEY: &str = "5d0e3b7c-retry-of-the-settings-page";
const VERIFY: &str = "/api/user/mfa/verify";
const REPLACE: &str = "/api/user/mfa/backup-codes";

fn verify<'a>(client: &'a Client<'a>, token: &str, id: EnrollmentId, code: &str) -> Request<'a> {
    let body = json!({"enrollment_id": id, "code": code});
    client.post(VERIFY).bearer(token).header("Idempotency-Key", KEY).json(body)
}

fn replace<'a>(client: &'a Client<'a>, token: &str, password: &str, code: &str) -> Request<'a> {
    let body = json!({"password": password, "code": code});
    client.post(REPLACE).bearer(token).header("Idempotency-Key", KEY).json(body)
}

fn assert_replay(answer: &Answer, first: &Answer) {
    assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{}", answer.body);
    assert_eq!((answer.status, &answer.bytes), (200, &first.bytes));
    assert_eq!(answer.header("content-type"), first.header("content-type"));
}

fn assert_first(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("idempotent-replayed"), None);
}

fn codes(answer: &Answer) -> Vec<String> {
    let codes = answer.data(200)["backup_codes"].as_array().unwrap().iter();
    codes.map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// Completes a sign-in of the viewer's.
async fn sign_in(world: &World, bits: u128, code: &str) -> Answer {
    let challenge_id = world.challenge(&world.viewer, bits).await;
    let body = json!({"challenge_id": challenge_id, "code": code});
    world.client(sessions::router()).post("/api/login/mfa").json(body).send().await
}

#[tokio::test]
async fn a_retry_of_turning_it_on_gets_the_first_codes_and_changes_nothing() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (id, code) = (world.enroll(&world.viewer).await, world.code());
    let first = verify(&client, &token, id, &code).send().await;
    assert_first(&first);
    first.expect_cost(2, 19.0);
    // But for the user, whose session's use is noted.
    let others = || {
        let dump = world.dump();
        dump.lines()
            .filter(|line| !line.contains("\"USER\""))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let before = others();
    // The enrollment has ended and its code is used up by then.
    world.clock.advance_minutes(14);
    let retry = verify(&client, &token, id, &code).send().await;
    assert_replay(&retry, &first);
    retry.expect_cost(1, 7.0);
    assert_eq!(others(), before);
    for (index, code) in codes(&retry).iter().enumerate() {
        sign_in(&world, index as u128, code).await.expect(200, "");
    }
}

#[tokio::test]
async fn a_retry_of_replacing_the_codes_gets_the_new_ones_and_changes_nothing() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let code = world.code();
    let first = replace(&client, &token, PASSWORD, &code).send().await;
    assert_first(&first);
    first.expect_cost(2, 18.0);
    let before = world.dump();
    let retry = replace(&client, &token, PASSWORD, &code).send().await;
    assert_replay(&retry, &first);
    retry.expect_cost(1, 8.0);
    assert_eq!(world.dump(), before);
    for (index, code) in codes(&retry).iter().enumerate() {
        sign_in(&world, index as u128, code).await.expect(200, "");
    }
}

#[tokio::test]
async fn another_body_or_path_with_the_same_key_is_refused_and_shows_nothing() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let first = replace(&client, &token, PASSWORD, &world.code()).send().await;
    assert_first(&first);
    let before = world.dump();
    for request in [
        replace(&client, &token, "not-the-password", &world.code()),
        replace(&client, &token, PASSWORD, &world.code_at(1)),
        verify(&client, &token, EnrollmentId::from_bits(0), &world.code()),
    ] {
        let answer = request.send().await;
        answer.expect(422, "idempotency_key_reused");
        assert!(codes(&first).iter().all(|code| !answer.body.to_string().contains(code)));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn the_table_has_neither_codes_nor_a_digest_to_guess_the_password_by() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let answer = replace(&client, &token, PASSWORD, &world.code()).send().await;
    let dump = world.dump();
    for code in codes(&answer) {
        assert!(!dump.contains(&code) && !dump.contains(&code.replace('-', "")));
    }
    assert!(!dump.contains(KEY) && !dump.contains(PASSWORD));
    let records = world.items_under("REPLAY#");
    let names: Vec<_> = records[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["PK", "SK", "expires_at", "sealed", "status"]);
}

#[tokio::test]
async fn two_at_once_show_the_same_codes_and_none_is_charged() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (id, code) = (world.enroll(&world.viewer).await, world.code());
    world.gather("TransactWriteItems", 2);
    let send = || verify(&client, &token, id, &code).send();
    let verified = at_once([send(), send()]).await;
    assert_eq!((verified[0].status, &verified[0].bytes), (200, &verified[1].bytes));
    assert_eq!(world.audited(&world.viewer, "mfa.enabled").len(), 1);

    world.clock.advance_minutes(1);
    let code = world.code();
    let send = || {
        let body = json!({"password": PASSWORD, "code": code});
        client.post(REPLACE).bearer(&token).header("Idempotency-Key", "another").json(body).send()
    };
    world.gather("TransactWriteItems", 2);
    let replaced = at_once([send(), send()]).await;
    assert_eq!((replaced[0].status, &replaced[0].bytes), (200, &replaced[1].bytes));
    assert_ne!(replaced[0].bytes, verified[0].bytes);
    assert_eq!(world.audited(&world.viewer, "mfa.backup_codes_replaced").len(), 1);
    assert_eq!(world.audited(&world.viewer, "mfa.refused").len(), 0);
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_gets_it() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let code = world.code();
    world.order("TransactWriteItems", Fault::AnswerLost, 3);
    replace(&client, &token, PASSWORD, &code).send_any().await.expect(503, "unavailable");
    let retry = replace(&client, &token, PASSWORD, &code).send().await;
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.audited(&world.viewer, "mfa.backup_codes_replaced").len(), 1);
    sign_in(&world, 0, &codes(&retry)[0]).await.expect(200, "");
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_repaired_under_its_key() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let wrong = replace(&client, &token, "not-the-password", &world.code()).send().await;
    wrong.expect(403, "incorrect_password");
    assert_eq!(world.items_under("REPLAY#").len(), 0);
    assert_first(&replace(&client, &token, PASSWORD, &world.code()).send().await);
}

#[tokio::test]
async fn after_24_hours_it_is_a_new_request() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(mfa::router());
    let (token, code) = (world.session(&world.viewer).await, world.code());
    assert_first(&replace(&client, &token, PASSWORD, &code).send().await);
    world.clock.advance_seconds(24 * 3600);
    let token = world.session(&world.viewer).await;
    let late = replace(&client, &token, PASSWORD, &code).send().await;
    late.expect(403, "incorrect_code");
    assert_first(&replace(&client, &token, PASSWORD, &world.code()).send().await);
}

#[tokio::test]
async fn a_retry_of_setting_it_up_gets_the_first_seed() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let send = |method: &str| {
        let request = client.post("/api/user/mfa/enable").bearer(&token);
        request.header("Idempotency-Key", KEY).json(json!({"method": method})).send()
    };
    let first = send("totp").await;
    assert_first(&first);
    let retry = send("totp").await;
    assert_replay(&retry, &first);
    assert_eq!(world.audited(&world.viewer, "mfa.enrollment_started").len(), 1);
    assert!(!world.dump().contains(&first.text(200, "secret")));
    world.gather("TransactWriteItems", 2);
    let key = "another-key-for-two-at-once";
    let twice = (0..2).map(|_| {
        let request = client.post("/api/user/mfa/enable").bearer(&token);
        request.header("Idempotency-Key", key).json(json!({"method": "totp"})).send()
    });
    let answers = at_once(twice).await;
    assert_eq!(answers[0].bytes, answers[1].bytes);
    assert_eq!(world.audited(&world.viewer, "mfa.enrollment_started").len(), 2);
}
