//! `POST /api/user/mfa/enable`

use harness::{Answer, Fault, PASSWORD, Person, World, code_of};
use serde_json::{Value, json};

const PATH: &str = "/api/user/mfa/enable";

async fn enable(world: &World, token: &str) -> Answer {
    let body = json!({"method": "totp"});
    world.client(mfa::router()).post(PATH).bearer(token).json(body).send_any().await
}

async fn verify(world: &World, token: &str, enrollment_id: &str, code: &str) -> Answer {
    let body = json!({"enrollment_id": enrollment_id, "code": code});
    world.client(mfa::router()).post("/api/user/mfa/verify").bearer(token).json(body).send().await
}

fn partition(person: &Person) -> String {
    format!("MFA#{}#{}", person.organization_id, person.user_id)
}

#[tokio::test]
async fn answers_with_the_seed_its_address_and_the_enrollment() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let answer = enable(&world, &token).await;
    answer.expect_cost(2, 6.0);
    assert_eq!(answer.header("etag"), None);
    let (secret, id) = (answer.text(200, "secret"), answer.text(200, "enrollment_id"));
    let uri = format!(
        "otpauth://totp/Planasonix:viewer%40acme.example?secret={secret}&issuer=Planasonix"
    );
    let expected =
        json!({"method": "totp", "secret": secret, "otpauth_uri": uri, "enrollment_id": id});
    assert_eq!(answer.data(200), &expected);
    // 160 bits, without padding.
    assert_eq!(secret.len(), 32);
    assert!(id.starts_with("mfaenr_"));
}

#[tokio::test]
async fn waits_for_ten_minutes_and_turns_nothing_on() {
    let world = World::new().await;
    let (token, before) = (world.session(&world.viewer).await, world.user(&world.viewer).await);
    let answer = enable(&world, &token).await;
    let [item] = &world.items_under(&partition(&world.viewer))[..] else { panic!("no item") };
    let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["PK", "SK", "backup_codes", "enrollment", "last_step"]);
    assert_eq!((&item["backup_codes"], &item["last_step"]), (&json!({}), &json!(0)));
    let enrollment = &item["enrollment"];
    assert_eq!(enrollment["id"], answer.data(200)["enrollment_id"]);
    assert_eq!(enrollment["expires_at"], world.now().plus_minutes(10).as_second());
    assert!(enrollment["sealed_seed"].as_str().unwrap().starts_with("k2."));
    let after = world.user(&world.viewer).await;
    assert!(!after.mfa_enabled);
    assert_eq!(after.credentials_version, before.credentials_version);
    let records = world.audited(&world.viewer, "mfa.enrollment_started");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], answer.data(200)["enrollment_id"]);
    assert_eq!(record["actor"]["user_id"], json!(world.viewer.user_id));
    assert_eq!((record.get("changes"), record.get("reason")), (None, None));
}

#[tokio::test]
async fn each_seed_is_another_one() {
    let world = World::new().await;
    let mut seeds = std::collections::BTreeSet::new();
    for person in [&world.admin, &world.viewer, &world.stranger, &world.viewer] {
        let answer = enable(&world, &world.session(person).await).await;
        seeds.insert(answer.text(200, "secret"));
    }
    assert_eq!(seeds.len(), 4);
}

#[tokio::test]
async fn one_that_is_on_has_to_be_disabled_first() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.enable_mfa(&world.viewer).await;
    let before = world.dump();
    let answer = enable(&world, &token).await;
    answer.expect(409, "mfa_already_enabled").expect_cost(1, 2.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn one_that_is_turned_on_meanwhile_is_not_replaced() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.enroll(&world.viewer).await;
    world.tamper_before("TransactWriteItems", partition(&world.viewer), |item| {
        item["sealed_seed"] = json!({"S": "k2.another"});
    });
    enable(&world, &token).await.expect(409, "mfa_already_enabled");
    assert_eq!(world.items_under(&partition(&world.viewer))[0]["sealed_seed"], "k2.another");
}

#[tokio::test]
async fn the_one_begun_before_is_forgotten() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let first = enable(&world, &token).await;
    let second = enable(&world, &token).await;
    let (forgotten, id) = (first.text(200, "enrollment_id"), second.text(200, "enrollment_id"));
    let code = |answer: &Answer| code_of(&answer.text(200, "secret"), world.now().as_second());
    verify(&world, &token, &forgotten, &code(&first)).await.expect(404, "not_found");
    verify(&world, &token, &id, &code(&first)).await.expect(403, "incorrect_code");
    verify(&world, &token, &id, &code(&second)).await.expect(200, "");
}

#[tokio::test]
async fn there_is_no_other_method() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let before = world.dump();
    for method in ["", "TOTP", "sms", "totp ", "webauthn"] {
        let request = client.post(PATH).bearer(&token).json(json!({"method": method}));
        request.send().await.expect_faults(&[("/method", "unknown_value")]);
    }
    let request = client.post(PATH).bearer(&token).json(json!({}));
    request.send().await.expect_faults(&[("/method", "required")]);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn needs_a_proof_of_the_last_ten_minutes() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.clock.advance_seconds(599);
    enable(&world, &token).await.expect(200, "");
    world.clock.advance_seconds(1);
    let before = world.items_under("MFA#");
    let answer = enable(&world, &token).await;
    answer.expect(403, "reauthentication_required").expect_cost(1, 2.0);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("`POST /api/session/reauthenticate`"), "{detail}");
    assert_eq!(world.items_under("MFA#"), before);
    let client = world.client(sessions::router());
    let request = client.post("/api/session/reauthenticate").bearer(&token);
    request.json(json!({"password": PASSWORD})).send().await.expect(204, "");
    enable(&world, &token).await.expect(200, "");
}

#[tokio::test]
async fn without_the_deployment_s_secret_nothing_is_begun() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let before = world.dump();
    world.order_secret(Fault::Refused, 9);
    let answer = enable(&world, &token).await;
    answer.expect(503, "unavailable").expect_cost(1, 2.0);
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(world.dump(), before);
    world.heal();
    enable(&world, &token).await.expect(200, "");
}

#[tokio::test]
async fn a_lost_answer_s_write_is_done_once() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.order("TransactWriteItems", Fault::AnswerLost, 1);
    let answer = enable(&world, &token).await;
    let id: &Value = &answer.data(200)["enrollment_id"];
    assert_eq!(&world.items_under(&partition(&world.viewer))[0]["enrollment"]["id"], id);
    assert_eq!(world.audited(&world.viewer, "mfa.enrollment_started").len(), 1);
}
