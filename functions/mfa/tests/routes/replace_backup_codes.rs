//! `POST /api/user/mfa/backup-codes`

use harness::{Answer, Client, Fault, PASSWORD, Person, World};
use serde_json::{Value, json};

const PATH: &str = "/api/user/mfa/backup-codes";

async fn replace(client: &Client<'_>, token: &str, password: &str, code: &str) -> Answer {
    let body = json!({"password": password, "code": code});
    client.post(PATH).bearer(token).json(body).send().await
}

/// Completes a sign-in of the viewer's.
async fn sign_in(world: &World, bits: u128, code: &str) -> Answer {
    let challenge_id = world.challenge(&world.viewer, bits).await;
    let body = json!({"challenge_id": challenge_id, "code": code});
    world.client(sessions::router()).post("/api/login/mfa").json(body).send().await
}

fn partition(of: &str, person: &Person) -> String {
    format!("{of}#{}#{}", person.organization_id, person.user_id)
}

fn item(world: &World) -> Value {
    world.items_under(&partition("MFA", &world.viewer)).remove(0)
}

/// How many failures the viewer's account is charged with.
fn failures(world: &World) -> usize {
    let budgets = world.items_under(&partition("FAILURES", &world.viewer));
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

fn codes(answer: &Answer) -> Vec<String> {
    let codes = answer.data(200)["backup_codes"].as_array().unwrap().iter();
    codes.map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn answers_with_ten_new_codes_and_the_old_ones_are_dead() {
    let world = World::new().await;
    let old = world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let seed = item(&world)["sealed_seed"].clone();
    let answer = replace(&client, &token, PASSWORD, &world.code()).await;
    answer.expect_cost(2, 15.0);
    let new = codes(&answer);
    assert_eq!(answer.data(200), &json!({"backup_codes": new}));
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !old.contains(code)));
    let item = item(&world);
    assert_eq!(item["sealed_seed"], seed);
    assert_eq!(item["last_step"], world.now().as_second() / 30);
    assert_eq!(item["backup_codes"].as_object().unwrap().len(), 10);
    let dump = world.dump();
    for code in &new {
        assert!(!dump.contains(code) && !dump.contains(&code.replace('-', "")));
    }
    sign_in(&world, 0, &old[0]).await.expect(401, "invalid_code");
    for (index, code) in new.iter().enumerate() {
        sign_in(&world, 1 + index as u128, code).await.expect(200, "");
    }
}

#[tokio::test]
async fn is_audited_with_how_many_were_left() {
    let world = World::new().await;
    let old = world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    sign_in(&world, 0, &old[0]).await.expect(200, "");
    let answer = replace(&client, &token, PASSWORD, &old[1]).await;
    answer.expect(200, "").expect_cost(2, 13.0);
    assert_eq!(item(&world)["backup_codes"].as_object().unwrap().len(), 10);
    let records = world.audited(&world.viewer, "mfa.backup_codes_replaced");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"], json!({"backup_codes_remaining": {"from": 9, "to": 10}}));
    assert_eq!(record["target"], json!(world.viewer.user_id));
    sign_in(&world, 1, &old[1]).await.expect(401, "invalid_code");
}

#[tokio::test]
async fn a_wrong_proof_is_403_charged_once_audited_and_changes_nothing() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (right, before) = (world.code(), item(&world));
    for (index, (password, code, refusal)) in [
        ("wrong-password", &*right, "incorrect_password"),
        (PASSWORD, "000000", "incorrect_code"),
        (PASSWORD, "0000-0000-00", "incorrect_code"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = replace(&client, &token, password, code).await;
        answer.expect(403, refusal).expect_cost(2, 13.0);
        assert_eq!((failures(&world), item(&world)), (index + 1, before.clone()));
        let records = world.audited(&world.viewer, "mfa.refused");
        assert_eq!((records.len(), &records[index]["reason"]), (index + 1, &json!(refusal)));
        world.clock.advance_seconds(1);
    }
    replace(&client, &token, PASSWORD, &right).await.expect(200, "");
}

#[tokio::test]
async fn where_the_factor_is_off_there_are_none_to_replace() {
    let world = World::new().await;
    world.enroll(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let before = world.dump();
    let answer = replace(&client, &token, PASSWORD, &world.code()).await;
    answer.expect(409, "mfa_not_enabled").expect_cost(1, 7.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn of_two_simultaneous_ones_with_one_code_one_succeeds() {
    for by_backup_code in [false, true] {
        let world = World::new().await;
        let old = world.enable_mfa(&world.viewer).await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let code = if by_backup_code { old[0].clone() } else { world.code() };
        world.gather("TransactWriteItems", 2);
        let answers =
            harness::at_once([(); 2].map(|()| replace(&client, &token, PASSWORD, &code))).await;
        let mut told = [0, 1].map(|index| (answers[index].status, answers[index].code()));
        told.sort_unstable();
        assert_eq!(told, [(200, ""), (403, "incorrect_code")]);
        assert_eq!(world.audited(&world.viewer, "mfa.backup_codes_replaced").len(), 1);
        assert_eq!(failures(&world), 1);
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        sign_in(&world, 0, &codes(winner)[0]).await.expect(200, "");
    }
}

#[tokio::test]
async fn a_code_that_another_request_spends_meanwhile_is_refused_and_charged() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (step, hashes) =
        ((world.now().as_second() / 30).to_string(), item(&world)["backup_codes"].clone());
    world.tamper_before("TransactWriteItems", partition("MFA", &world.viewer), move |item| {
        item["last_step"]["N"] = json!(step);
    });
    let answer = replace(&client, &token, PASSWORD, &world.code()).await;
    answer.expect(403, "incorrect_code");
    assert_eq!((failures(&world), &item(&world)["backup_codes"]), (1, &hashes));
    replace(&client, &token, PASSWORD, &world.code_at(1)).await.expect(200, "");
}

#[tokio::test]
async fn a_lost_answer_s_write_is_done_once() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    world.order("TransactWriteItems", Fault::AnswerLost, 1);
    let answer = replace(&client, &token, PASSWORD, &world.code()).await;
    sign_in(&world, 0, &codes(&answer)[0]).await.expect(200, "");
    assert_eq!(world.audited(&world.viewer, "mfa.backup_codes_replaced").len(), 1);
    assert_eq!(failures(&world), 0);
}
