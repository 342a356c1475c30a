//! `POST /api/user/mfa/disable`

use harness::{Answer, Client, PASSWORD, Person, World};
use serde_json::{Value, json};
use shared::auth::password::Password;

const PATH: &str = "/api/user/mfa/disable";

async fn disable(client: &Client<'_>, token: &str, password: &str, code: &str) -> Answer {
    let body = json!({"password": password, "code": code});
    client.post(PATH).bearer(token).json(body).send().await
}

fn partition(of: &str, person: &Person) -> String {
    format!("{of}#{}#{}", person.organization_id, person.user_id)
}

/// How many failures the person's account is charged with.
fn failures(world: &World, person: &Person) -> usize {
    let budgets = world.items_under(&partition("FAILURES", person));
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

#[tokio::test]
async fn with_the_password_and_a_code_the_factor_is_gone() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let before = world.user(&world.viewer).await;
    let answer = disable(&client, &token, PASSWORD, &world.code()).await;
    answer.expect(204, "").expect_cost(2, 17.0);
    assert_eq!(world.items_under("MFA#"), [] as [Value; 0]);
    let after = world.user(&world.viewer).await;
    assert!(!after.mfa_enabled);
    assert_eq!(after.credentials_version, before.credentials_version + 1);
    assert_eq!(after.sessions, before.sessions);
    let records = world.audited(&world.viewer, "mfa.disabled");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"], json!({"mfa_enabled": {"from": true, "to": false}}));
    assert_eq!(record["target"], json!(world.viewer.user_id));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(failures(&world, &world.viewer), 0);
}

#[tokio::test]
async fn a_backup_code_does_in_either_spelling() {
    for plain in [false, true] {
        let world = World::new().await;
        let codes = world.enable_mfa(&world.viewer).await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let code = if plain { codes[3].replace('-', "") } else { codes[3].clone() };
        disable(&client, &token, PASSWORD, &code).await.expect(204, "").expect_cost(2, 17.0);
        assert!(!world.user(&world.viewer).await.mfa_enabled);
    }
}

#[tokio::test]
async fn a_sign_in_takes_the_password_alone_from_then_on() {
    let world = World::new().await;
    let (codes, challenge_id) =
        (world.enable_mfa(&world.viewer).await, world.challenge(&world.viewer, 0).await);
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    disable(&client, &token, PASSWORD, &world.code()).await.expect(204, "");
    let sessions = world.client(sessions::router());
    let login = json!({"email": world.viewer.email, "password": PASSWORD});
    let answer = sessions.post("/api/login").json(login).send().await;
    assert_eq!(answer.data(200)["token_type"], "Bearer");
    let mfa = |id, code: &str| {
        let body = json!({"challenge_id": id, "code": code});
        sessions.post("/api/login/mfa").json(body).send()
    };
    mfa(challenge_id, &codes[0]).await.expect(404, "not_found");
    // Not even when another factor is on.
    world.enable_mfa(&world.viewer).await;
    let again = world.challenge(&world.viewer, 1).await;
    mfa(again, &codes[0]).await.expect(401, "invalid_code");
    mfa(again, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn a_wrong_proof_is_403_charged_once_audited_and_changes_nothing() {
    for (password, code, refusal) in [
        ("wrong-password", "", "incorrect_password"),
        ("wrong-password", "000000", "incorrect_password"),
        (PASSWORD, "000000", "incorrect_code"),
        (PASSWORD, "0000-0000-00", "incorrect_code"),
    ] {
        let world = World::new().await;
        world.enable_mfa(&world.viewer).await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let user = world.user(&world.viewer).await;
        let factor = world.items_under("MFA#");
        let (right, hashes) = (world.code(), world.app.passwords.invocations());
        let code = if code.is_empty() { &right } else { code };
        let answer = disable(&client, &token, password, code).await;
        answer.expect(403, refusal).expect_cost(2, 13.0);
        assert_eq!(world.app.passwords.invocations(), hashes + 1);
        assert_eq!(failures(&world, &world.viewer), 1);
        assert_eq!(world.items_under("MFA#"), factor);
        assert_eq!(format!("{:?}", world.user(&world.viewer).await), format!("{user:?}"));
        let records = world.audited(&world.viewer, "mfa.refused");
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!(record["reason"], refusal);
        // A right code beside a wrong password is not used up.
        disable(&client, &token, PASSWORD, &right).await.expect(204, "");
    }
}

#[tokio::test]
async fn where_it_is_off_there_is_nothing_to_disable_and_nothing_is_told() {
    let world = World::new().await;
    world.enroll(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let (before, hashes) = (world.dump(), world.app.passwords.invocations());
    for password in [PASSWORD, "wrong-password"] {
        let answer = disable(&client, &token, password, &world.code()).await;
        answer.expect(409, "mfa_not_enabled").expect_cost(1, 7.0);
    }
    assert_eq!((world.dump(), world.app.passwords.invocations()), (before, hashes));
}

#[tokio::test]
async fn a_password_that_is_too_short_without_it_has_to_be_changed_first() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    for (short, status) in [("q7#Zk!m2", 409), ("q7#Zk!m2Wx9$Lp", 409), ("q7#Zk!m2Wx9$Lp4", 204)] {
        let (hasher, random) = (&world.app.passwords, &*world.app.random);
        let hash = hasher.hash(&Password::new(short), random).await.unwrap();
        world.tamper(&partition("PASSWORD", &world.viewer), |item| item["hash"]["S"] = json!(hash));
        world.clock.advance_seconds(1);
        let refused = world.audited(&world.viewer, "mfa.refused").len();
        let answer = disable(&client, &token, short, &world.code()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 204 {
            break;
        }
        answer.expect(409, "password_too_short").expect_cost(2, 13.0);
        assert!(world.user(&world.viewer).await.mfa_enabled);
        let records = world.audited(&world.viewer, "mfa.refused");
        assert_eq!(records.len(), refused + 1);
        assert_eq!(records[refused]["reason"], "password_too_short");
        assert_eq!(failures(&world, &world.viewer), 0);
    }
}

#[tokio::test]
async fn a_short_password_is_told_of_only_to_who_has_it() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    disable(&client, &token, "short", &world.code()).await.expect(403, "incorrect_password");
}

#[tokio::test]
async fn of_two_simultaneous_ones_one_succeeds() {
    for by_backup_code in [false, true] {
        let world = World::new().await;
        let codes = world.enable_mfa(&world.viewer).await;
        let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
        let first = world.code();
        let second = if by_backup_code { &codes[0] } else { &first };
        world.gather("TransactWriteItems", 2);
        let (first, second) = tokio::join!(
            disable(&client, &token, PASSWORD, &first),
            disable(&client, &token, PASSWORD, second)
        );
        let mut answers = [(first.status, first.code()), (second.status, second.code())];
        answers.sort_unstable();
        assert_eq!(answers, [(204, ""), (409, "edit_conflict")]);
        assert_eq!(world.audited(&world.viewer, "mfa.disabled").len(), 1);
    }
}

#[tokio::test]
async fn a_code_that_another_request_spends_meanwhile_is_refused_and_charged() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let step = (world.now().as_second() / 30).to_string();
    world.tamper_before("TransactWriteItems", partition("MFA", &world.viewer), move |item| {
        item["last_step"]["N"] = json!(step);
    });
    let answer = disable(&client, &token, PASSWORD, &world.code()).await;
    answer.expect(403, "incorrect_code");
    assert_eq!(failures(&world, &world.viewer), 1);
    world.tamper_before("TransactWriteItems", partition("MFA", &world.viewer), |item| {
        item["backup_codes"] = json!({"M": {}});
    });
    let answer = disable(&client, &token, PASSWORD, &codes[0]).await;
    answer.expect(403, "incorrect_code");
    assert_eq!(failures(&world, &world.viewer), 2);
    assert!(world.user(&world.viewer).await.mfa_enabled);
}

#[tokio::test]
async fn one_that_a_password_change_overtakes_is_a_conflict() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    world.tamper_before("TransactWriteItems", partition("USER", &world.viewer), |item| {
        item["credentials_version"]["N"] = json!("9");
    });
    let answer = disable(&client, &token, PASSWORD, &world.code()).await;
    answer.expect(409, "edit_conflict");
    assert!(world.user(&world.viewer).await.mfa_enabled);
}

#[tokio::test]
async fn every_fault_is_told() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(mfa::router()), world.session(&world.viewer).await);
    let before = world.dump();
    let send = async |body: Value| client.post(PATH).bearer(&token).json(body).send().await;
    send(json!({})).await.expect_faults(&[("/code", "required"), ("/password", "required")]);
    for code in ["", "12345", "1234567", "123 456", "12345678901", "1111-2222-3", "１２３４５６"]
    {
        let answer = send(json!({"password": PASSWORD, "code": code})).await;
        answer.expect_faults(&[("/code", "invalid_value")]);
    }
    assert_eq!(world.dump(), before);
}
