//! `POST /api/session/reauthenticate`

use harness::{Answer, Client, Fault, PASSWORD, Person, World, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/session/reauthenticate";

async fn prove(client: &Client<'_>, token: &str, body: Value) -> Answer {
    client.post(PATH).bearer(token).json(body).send().await
}

fn password() -> Value {
    json!({"password": PASSWORD})
}

fn with_code(code: &str) -> Value {
    json!({"password": PASSWORD, "code": code})
}

/// What asking for a second factor, which needs a recent proof, comes to.
async fn ask(world: &World, token: &str) -> (u16, String) {
    let client = world.client(mfa::router());
    let request = client.post("/api/user/mfa/enable").bearer(token);
    let answer = request.json(json!({"method": "totp"})).send().await;
    (answer.status, answer.code().to_owned())
}

fn let_in() -> (u16, String) {
    (200, String::new())
}

fn too_old() -> (u16, String) {
    (403, "reauthentication_required".to_owned())
}

fn partition(of: &str, person: &Person) -> String {
    format!("{of}#{}#{}", person.organization_id, person.user_id)
}

/// How many failures the viewer's account is charged with.
fn failures(world: &World) -> usize {
    let budgets = world.items_under(&partition("FAILURES", &world.viewer));
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

#[tokio::test]
async fn the_password_proves_a_session_where_mfa_is_off() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    world.clock.advance_seconds(600);
    assert_eq!(ask(&world, &token).await, too_old());
    let hashes = world.app.passwords.invocations();
    let answer = prove(&client, &token, password()).await;
    answer.expect(204, "").expect_cost(2, 15.0);
    assert_eq!(world.app.passwords.invocations(), hashes + 1);
    let session = world.user(&world.viewer).await.sessions.remove(&id).unwrap();
    assert_eq!(session.proved_at, Some(world.now()));
    let records = world.audited(&world.viewer, "session.reauthenticated");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&record["target"], record.get("changes")), (&json!(id), None));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(failures(&world), 0);
    assert_eq!(ask(&world, &token).await, let_in());
}

#[tokio::test]
async fn a_proof_is_good_for_ten_minutes_to_the_second() {
    let world = World::new().await;
    let (client, token) = (world.client(sessions::router()), world.session(&world.viewer).await);
    world.clock.advance_seconds(599);
    assert_eq!(ask(&world, &token).await, let_in());
    world.clock.advance_seconds(1);
    assert_eq!(ask(&world, &token).await, too_old());
    prove(&client, &token, password()).await.expect(204, "");
    world.clock.advance_seconds(599);
    assert_eq!(ask(&world, &token).await, let_in());
    world.clock.advance_seconds(1);
    assert_eq!(ask(&world, &token).await, too_old());
}

#[tokio::test]
async fn proves_this_session_and_no_other() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (mine, other) = (world.session(&world.viewer).await, world.session(&world.viewer).await);
    world.clock.advance_minutes(10);
    prove(&client, &mine, password()).await.expect(204, "");
    assert_eq!(ask(&world, &mine).await, let_in());
    assert_eq!(ask(&world, &other).await, too_old());
}

#[tokio::test]
async fn a_password_change_proves_the_session_that_it_is_made_in() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    world.clock.advance_minutes(10);
    let body = json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
    let client = world.client(profile::router());
    client.post("/api/user/password").bearer(&token).json(body).send().await.expect(204, "");
    assert_eq!(ask(&world, &token).await, let_in());
}

#[tokio::test]
async fn a_password_change_without_a_code_proves_nothing_where_mfa_is_on() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (id, token) = world.session_with_id(&world.viewer).await;
    world.clock.advance_minutes(10);
    let body = json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
    let client = world.client(profile::router());
    client.post("/api/user/password").bearer(&token).json(body).send().await.expect(204, "");
    let session = world.user(&world.viewer).await.sessions.remove(&id).unwrap();
    assert!(!session.is_freshly_proved(id, world.now()));
}

#[tokio::test]
async fn with_mfa_on_a_code_is_required_and_used_up() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    let (before, hashes) = (world.dump(), world.app.passwords.invocations());
    for body in [password(), json!({"password": "wrong-password"})] {
        let answer = prove(&client, &token, body).await;
        answer.expect_faults(&[("/code", "required")]).expect_cost(1, 7.0);
    }
    assert_eq!((world.dump(), world.app.passwords.invocations()), (before, hashes));
    for (code, method) in [(world.code(), "totp"), (codes[0].clone(), "backup_code")] {
        world.clock.advance_seconds(1);
        let answer = prove(&client, &token, with_code(&code)).await;
        answer.expect(204, "").expect_cost(2, 17.0);
        let records = world.audited(&world.viewer, "session.reauthenticated");
        let change = json!({"second_factor": {"from": null, "to": method}});
        assert_eq!(records.last().unwrap()["changes"], change);
        let again = prove(&client, &token, with_code(&code)).await;
        again.expect(403, "incorrect_code");
    }
    let session = world.user(&world.viewer).await.sessions.remove(&id).unwrap();
    assert_eq!(session.proved_at, Some(world.now()));
    assert_eq!(failures(&world), 2);
}

#[tokio::test]
async fn a_code_where_mfa_is_off_is_a_conflict() {
    let world = World::new().await;
    let (client, token) = (world.client(sessions::router()), world.session(&world.viewer).await);
    let before = world.dump();
    for password in [PASSWORD, "wrong-password"] {
        let body = json!({"password": password, "code": "000000"});
        let answer = prove(&client, &token, body).await;
        answer.expect(409, "mfa_not_enabled").expect_cost(1, 7.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_wrong_proof_is_403_charged_once_audited_and_proves_nothing() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    for (index, (password, code, refusal)) in [
        ("wrong-password", world.code(), "incorrect_password"),
        (PASSWORD, "000000".to_owned(), "incorrect_code"),
        (PASSWORD, "0000-0000-00".to_owned(), "incorrect_code"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"password": password, "code": code});
        let answer = prove(&client, &token, body).await;
        answer.expect(403, refusal).expect_cost(2, 13.0);
        assert_eq!(failures(&world), index + 1);
        let records = world.audited(&world.viewer, "session.reauthentication_refused");
        assert_eq!((records.len(), &records[index]["reason"]), (index + 1, &json!(refusal)));
        world.clock.advance_seconds(1);
    }
    assert_eq!(world.user(&world.viewer).await.sessions[&id].proved_at, None);
}

#[tokio::test]
async fn one_code_proves_one_of_two_sessions_at_once() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let tokens = [world.session(&world.viewer).await, world.session(&world.viewer).await];
    for code in [world.code(), codes[0].clone()] {
        world.gather("TransactWriteItems", 2);
        let answers =
            at_once(tokens.iter().map(|token| prove(&client, token, with_code(&code)))).await;
        let mut told = [0, 1].map(|index| (answers[index].status, answers[index].code()));
        told.sort_unstable();
        assert_eq!(told, [(204, ""), (403, "incorrect_code")]);
    }
    assert_eq!(failures(&world), 2);
}

#[tokio::test]
async fn a_session_that_is_ended_meanwhile_does_not_come_back() {
    let world = World::new().await;
    let (client, token) = (world.client(sessions::router()), world.session(&world.viewer).await);
    world.tamper_before("TransactWriteItems", partition("USER", &world.viewer), |item| {
        item["sessions"] = json!({"M": {}});
    });
    let answer = prove(&client, &token, password()).await;
    answer.expect(401, "invalid_credential");
    assert!(world.user(&world.viewer).await.sessions.is_empty());
}

#[tokio::test]
async fn a_factor_that_is_turned_on_meanwhile_is_not_got_round() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    world.tamper_before("TransactWriteItems", partition("USER", &world.viewer), |item| {
        item["mfa_enabled"]["BOOL"] = json!(true);
        item["credentials_version"]["N"] = json!("2");
    });
    prove(&client, &token, password()).await.expect(401, "invalid_credential");
    assert_eq!(world.user(&world.viewer).await.sessions[&id].proved_at, None);
}

#[tokio::test]
async fn without_the_deployment_s_secret_a_password_alone_still_proves() {
    let mut world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (viewer, editor) = (world.session(&world.viewer).await, world.session(&world.editor).await);
    let code = world.code();
    world.start_anew();
    let client = world.client(sessions::router());
    let before = world.dump();
    world.order_secret(Fault::Refused, 9);
    let answer = client.post(PATH).bearer(&viewer).json(with_code(&code)).send_any().await;
    answer.expect(503, "unavailable").expect_cost(1, 7.0);
    assert_eq!(world.dump(), before);
    prove(&client, &editor, password()).await.expect(204, "");
}

#[tokio::test]
async fn every_fault_is_told() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (client, token) = (world.client(sessions::router()), world.session(&world.viewer).await);
    let before = world.dump();
    prove(&client, &token, json!({})).await.expect_faults(&[("/password", "required")]);
    for code in ["", "12345", "123 456", "１２３４５６", "1111-2222-3"] {
        let answer = prove(&client, &token, with_code(code)).await;
        answer.expect_faults(&[("/code", "invalid_value")]);
    }
    assert_eq!(world.dump(), before);
}
