//! `POST /api/user/mfa/verify`: what it turns on.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use harness::{Answer, Client, Fault, Person, SEED, World};
use serde_json::{Value, json};
use shared::ids::EnrollmentId;

async fn verify(client: &Client<'_>, token: &str, id: EnrollmentId, code: &str) -> Answer {
    let body = json!({"enrollment_id": id, "code": code});
    client.post("/api/user/mfa/verify").bearer(token).json(body).send().await
}

/// Completes a sign-in of the viewer's.
async fn sign_in(world: &World, bits: u128, code: &str) -> Answer {
    let challenge_id = world.challenge(&world.viewer, bits).await;
    let body = json!({"challenge_id": challenge_id, "code": code});
    world.client(sessions::router()).post("/api/login/mfa").json(body).send().await
}

fn item(world: &World, person: &Person) -> Value {
    let partition = format!("MFA#{}#{}", person.organization_id, person.user_id);
    world.items_under(&partition).remove(0)
}

fn codes(answer: &Answer) -> Vec<String> {
    let codes = answer.data(200)["backup_codes"].as_array().unwrap().iter();
    codes.map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn answers_with_ten_backup_codes() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let answer = verify(&client, &token, id, &world.code()).await;
    answer.expect_cost(2, 16.0);
    assert_eq!(answer.header("etag"), None);
    let mut codes = codes(&answer);
    assert_eq!(answer.data(200), &json!({"enabled": true, "backup_codes": codes}));
    for code in &codes {
        let shape = code.replace(|it: char| it.is_ascii_digit(), "0");
        assert_eq!(shape, "0000-0000-00", "{code}");
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 10);
}

#[tokio::test]
async fn the_factor_is_on_and_its_code_is_used_up() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let (before, pending) = (world.user(&world.viewer).await, item(&world, &world.viewer));
    let answer = verify(&client, &token, id, &world.code()).await;
    answer.expect(200, "");
    let after = world.user(&world.viewer).await;
    assert!(after.mfa_enabled);
    assert_eq!(after.credentials_version, before.credentials_version + 1);
    assert_eq!(after.sessions, before.sessions);
    let item = item(&world, &world.viewer);
    let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["PK", "SK", "backup_codes", "last_step", "sealed_seed"]);
    assert_eq!(item["sealed_seed"], pending["enrollment"]["sealed_seed"]);
    assert_eq!(item["last_step"], world.now().as_second() / 30);
    let hashes = item["backup_codes"].as_object().unwrap();
    assert_eq!(hashes.len(), 10);
    assert!(hashes.keys().all(|hash| hash.starts_with("k2.") && hash.len() == 25));
    let records = world.audited(&world.viewer, "mfa.enabled");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"], json!({"mfa_enabled": {"from": false, "to": true}}));
    assert_eq!(record["target"], json!(world.viewer.user_id));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
}

#[tokio::test]
async fn the_table_has_neither_the_seed_nor_a_code() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let answer = verify(&client, &token, id, &world.code()).await;
    let dump = world.dump();
    for code in codes(&answer) {
        assert!(!dump.contains(&code) && !dump.contains(&code.replace('-', "")));
    }
    for code in [world.code_at(-1), world.code(), world.code_at(1)] {
        let mut words = dump.split(|it: char| !it.is_ascii_alphanumeric());
        assert!(words.all(|word| word != code));
    }
    assert!(!dump.contains("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert!(!dump.contains("12345678901234567890"));
    // Whatever comes before it in what is encoded.
    for start in 0..3 {
        let part = &SEED[start..start + 15];
        assert!(!dump.contains(&URL_SAFE_NO_PAD.encode(part)));
        assert!(!dump.contains(&STANDARD_NO_PAD.encode(part)));
    }
}

#[tokio::test]
async fn a_sign_in_needs_the_next_code_or_a_backup_code() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let code = world.code();
    let answer = verify(&client, &token, id, &code).await;
    sign_in(&world, 0, &code).await.expect(401, "invalid_code");
    sign_in(&world, 0, &world.code_at(-1)).await.expect(401, "invalid_code");
    sign_in(&world, 0, &world.code_at(1)).await.expect(200, "");
    for (index, code) in codes(&answer).iter().enumerate() {
        sign_in(&world, 1 + index as u128, code).await.expect(200, "");
    }
}

#[tokio::test]
async fn of_two_simultaneous_ones_with_one_code_one_succeeds() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (id, code) = (world.enroll(&world.viewer).await, world.code());
    world.gather("TransactWriteItems", 2);
    let answers = harness::at_once([(); 2].map(|()| verify(&client, &token, id, &code))).await;
    let mut statuses = [answers[0].status, answers[1].status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert_eq!(world.audited(&world.viewer, "mfa.enabled").len(), 1);
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
    sign_in(&world, 0, &codes(winner)[0]).await.expect(200, "");
}

#[tokio::test]
async fn a_lost_answer_s_write_is_done_once() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    world.order("TransactWriteItems", Fault::AnswerLost, 1);
    let answer = verify(&client, &token, id, &world.code()).await;
    sign_in(&world, 0, &codes(&answer)[9]).await.expect(200, "");
    assert_eq!(world.audited(&world.viewer, "mfa.enabled").len(), 1);
}
