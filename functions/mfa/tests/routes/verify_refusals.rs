//! `POST /api/user/mfa/verify`: what it refuses.

use harness::{Answer, Client, Person, World};
use serde_json::{Value, json};
use shared::ids::EnrollmentId;

const PATH: &str = "/api/user/mfa/verify";

async fn verify(client: &Client<'_>, token: &str, id: EnrollmentId, code: &str) -> Answer {
    let body = json!({"enrollment_id": id, "code": code});
    client.post(PATH).bearer(token).json(body).send().await
}

fn item(world: &World, person: &Person) -> Value {
    let partition = format!("MFA#{}#{}", person.organization_id, person.user_id);
    world.items_under(&partition).remove(0)
}

/// How many failures the person's account is charged with.
fn failures(world: &World, person: &Person) -> usize {
    let partition = format!("FAILURES#{}#{}", person.organization_id, person.user_id);
    let budgets = world.items_under(&partition);
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

#[tokio::test]
async fn a_wrong_code_is_403_charged_audited_and_turns_nothing_on() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let (user, pending) = (world.user(&world.viewer).await, item(&world, &world.viewer));
    let wrong = verify(&client, &token, id, "000000").await;
    wrong.expect(403, "incorrect_code").expect_cost(2, 12.0);
    assert_eq!(failures(&world, &world.viewer), 1);
    assert_eq!(item(&world, &world.viewer), pending);
    assert_eq!(format!("{:?}", world.user(&world.viewer).await), format!("{user:?}"));
    let records = world.audited(&world.viewer, "mfa.refused");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["reason"], "incorrect_code");
    assert_eq!(record["actor"]["type"], "session");
    verify(&client, &token, id, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn the_clock_may_be_off_by_one_step_and_not_by_two() {
    for (steps, status) in [(-2, 403), (-1, 200), (0, 200), (1, 200), (2, 403)] {
        let world = World::new().await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let id = world.enroll(&world.viewer).await;
        let answer = verify(&client, &token, id, &world.code_at(steps)).await;
        assert_eq!(answer.status, status, "{steps} steps off");
    }
}

#[tokio::test]
async fn an_enrollment_ends_in_the_very_second() {
    for (seconds, status) in [(599, 200), (600, 404), (601, 404)] {
        let world = World::new().await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let id = world.enroll(&world.viewer).await;
        world.clock.advance_seconds(seconds);
        let answer = verify(&client, &token, id, &world.code()).await;
        assert_eq!(answer.status, status, "after {seconds} seconds");
        assert_eq!(failures(&world, &world.viewer), 0);
    }
}

#[tokio::test]
async fn another_user_s_enrollment_answers_as_a_missing_one() {
    let world = World::new().await;
    let client = world.client(mfa::router());
    let (foreign, missing) = (world.enroll(&world.viewer).await, EnrollmentId::from_bits(1));
    let before = item(&world, &world.viewer);
    let mut bodies = std::collections::BTreeSet::new();
    for person in [&world.admin, &world.stranger] {
        let token = world.session(person).await;
        for id in [foreign, missing] {
            let answer = verify(&client, &token, id, &world.code()).await;
            answer.expect(404, "not_found");
            bodies.insert(answer.bytes);
        }
        assert_eq!(failures(&world, person), 0);
    }
    let token = world.session(&world.viewer).await;
    bodies.insert(verify(&client, &token, missing, &world.code()).await.bytes);
    assert_eq!(bodies.len(), 1);
    assert_eq!(item(&world, &world.viewer), before);
    verify(&client, &token, foreign, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn a_second_time_there_is_nothing_left_to_verify() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    verify(&client, &token, id, &world.code()).await.expect(200, "");
    let before = world.dump();
    for code in [world.code(), world.code_at(1), "000000".to_owned()] {
        verify(&client, &token, id, &code).await.expect(404, "not_found");
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_code_is_six_ascii_digits() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let code = world.code();
    let before = world.dump();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    for code in [
        &*spaced,
        &format!(" {code}"),
        &format!("{code}\n"),
        &code[..5],
        &format!("{code}0"),
        "",
        "１２３４５６",
        "٤٨٢١٩٣",
        "12345a",
        "+12345",
        "1111-2222-33",
        "1111222233",
    ] {
        let answer = verify(&client, &token, id, code).await;
        answer.expect_faults(&[("/code", "invalid_value")]);
    }
    for code in [json!(482_193), json!(["482193"])] {
        let body = json!({"enrollment_id": id, "code": code});
        let answer = client.post(PATH).bearer(&token).json(body).send().await;
        answer.expect_faults(&[("/code", "invalid_type")]);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_is_told() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let send = async |body: Value| client.post(PATH).bearer(&token).json(body).send().await;
    let missing = [("/code", "required"), ("/enrollment_id", "required")];
    send(json!({})).await.expect_faults(&missing);
    for id in
        ["", "mfaenr_", "mfachl_00000000000000000000000000", "mfaenr_0000000000000000000000000u"]
    {
        let answer = send(json!({"enrollment_id": id, "code": "12345"})).await;
        let faults = [("/code", "invalid_value"), ("/enrollment_id", "invalid_value")];
        answer.expect_faults(&faults);
    }
}

#[tokio::test]
async fn a_code_of_an_enrollment_that_is_replaced_meanwhile_is_of_no_use() {
    let world = World::new().await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let id = world.enroll(&world.viewer).await;
    let partition = format!("MFA#{}#{}", world.viewer.organization_id, world.viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["enrollment"]["M"]["id"]["S"] = json!("mfaenr_00000000000000000000000001");
    });
    verify(&client, &token, id, &world.code()).await.expect(404, "not_found");
    assert!(!world.user(&world.viewer).await.mfa_enabled);
}
