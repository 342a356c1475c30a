//! `reset_mfa`: for a user who has lost the second factor.

use harness::{Client, Fault, PASSWORD, Person, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

async fn reset(world: &World, person: &Person) -> Result<Value, String> {
    let (organization, user) = (person.organization_id, person.user_id);
    let command = json!({"action": "reset_mfa", "organization_id": organization, "user_id": user});
    run(world, command).await
}

async fn run(world: &World, command: Value) -> Result<Value, String> {
    let answer = operator::handle(&world.app, "operator-request", command).await;
    answer
        .map(|answer| answer["data"]["user"].clone())
        .map_err(|refused| refused.0.code().to_owned())
}

async fn login(client: &Client<'_>, person: &Person) -> Value {
    let body = json!({"email": person.email, "password": PASSWORD});
    client.post("/api/login").json(body).send().await.data(200).clone()
}

#[tokio::test]
async fn takes_the_factor_away_and_ends_every_session() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let token = world.session(&world.viewer).await;
    let key = world.api_key(&world.viewer, &[Scope::ProfileRead]).await;
    let before = world.user(&world.viewer).await;
    let user = reset(&world, &world.viewer).await.unwrap();
    assert_eq!((&user["id"], &user["mfa_enabled"]), (&json!(world.viewer.user_id), &json!(false)));
    assert_eq!(world.items_under("MFA#"), [] as [Value; 0]);
    let after = world.user(&world.viewer).await;
    assert!(!after.mfa_enabled && after.sessions.is_empty());
    assert_eq!(after.credentials_version, before.credentials_version + 1);
    assert_eq!((after.api_keys, after.version), (before.api_keys, before.version));
    let client = world.client(sessions::router());
    let path = "/api/user/sessions";
    client.get(path).bearer(&token).send().await.expect(401, "invalid_credential");
    client.get(path).bearer(&key).send().await.expect(403, "session_required");
    let records = world.audited(&world.viewer, "mfa.reset");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "operator"}));
    assert_eq!(
        (&record["target"], &record["request_id"]),
        (&json!(world.viewer.user_id), &json!("operator-request"))
    );
    assert_eq!(record["changes"], json!({"mfa_enabled": {"from": true, "to": false}}));
}

#[tokio::test]
async fn a_sign_in_takes_the_password_alone_and_the_backup_codes_are_gone() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let challenge = login(&client, &world.viewer).await;
    reset(&world, &world.viewer).await.unwrap();
    let complete = |challenge: &Value, code: &str| {
        let body = json!({"challenge_id": challenge["challenge_id"], "code": code});
        client.post("/api/login/mfa").json(body).send()
    };
    complete(&challenge, &codes[0]).await.expect(404, "not_found");
    assert_eq!(login(&client, &world.viewer).await["token_type"], "Bearer");
    // Not even when another factor is on.
    world.enable_mfa(&world.viewer).await;
    let challenge = login(&client, &world.viewer).await;
    complete(&challenge, &codes[0]).await.expect(401, "invalid_code");
    complete(&challenge, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn a_password_that_is_too_short_without_the_factor_is_told_to_be_changed() {
    const SHORT: &str = "vq7-Lume.Tarn";
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let sessions = world.client(sessions::router());
    let profile = world.client(profile::router());
    let change = |token: String, old: &'static str, new: &'static str| {
        let body = json!({"current_password": old, "new_password": new});
        profile.post("/api/user/password").bearer(&token).json(body).send()
    };
    let sign_in = |password: &'static str| {
        let body = json!({"email": world.viewer.email, "password": password});
        sessions.post("/api/login").json(body).send()
    };
    change(world.session(&world.viewer).await, PASSWORD, SHORT).await.expect(204, "");
    // With the factor it is long enough, and nothing is said.
    let challenge = sign_in(SHORT).await.data(200)["challenge_id"].clone();
    let body = json!({"challenge_id": challenge, "code": world.code()});
    let answer = sessions.post("/api/login/mfa").json(body).send().await;
    assert_eq!(answer.data(200).get("password_change_required"), None);

    reset(&world, &world.viewer).await.unwrap();
    let told = sign_in(SHORT).await;
    assert_eq!(told.data(200)["password_change_required"], true);
    let records = world.audited(&world.viewer, "session.created");
    let changes = &records.last().unwrap()["changes"];
    assert_eq!(changes["password_change_required"], json!({"from": null, "to": true}));
    let token = told.text(200, "access_token");
    change(token, SHORT, "quartz-lantern-mosaic-ferry").await.expect(204, "");
    let answer = sign_in("quartz-lantern-mosaic-ferry").await;
    assert_eq!(answer.data(200).get("password_change_required"), None);
}

#[tokio::test]
async fn another_user_s_factor_and_sessions_stay() {
    let world = World::new().await;
    for person in [&world.viewer, &world.editor] {
        world.enable_mfa(person).await;
    }
    let token = world.session(&world.editor).await;
    reset(&world, &world.viewer).await.unwrap();
    let client = world.client(mfa::router());
    let status = client.get("/api/user/mfa").bearer(&token).send().await;
    assert_eq!(status.data(200)["backup_codes_remaining"], 10);
}

#[tokio::test]
async fn where_none_is_on_nothing_is_written() {
    let world = World::new().await;
    world.enroll(&world.viewer).await;
    let before = world.dump();
    let user = reset(&world, &world.viewer).await.unwrap();
    assert_eq!(user["mfa_enabled"], false);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_factor_that_is_turned_on_meanwhile_goes_too() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let partition = format!("USER#{}#{}", world.viewer.organization_id, world.viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["credentials_version"]["N"] = json!("9");
    });
    reset(&world, &world.viewer).await.unwrap();
    let user = world.user(&world.viewer).await;
    assert_eq!((user.mfa_enabled, user.credentials_version), (false, 10));
}

#[tokio::test]
async fn who_is_not_there_is_not_found_and_every_fault_is_told() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let before = world.dump();
    let foreign =
        Person { organization_id: world.stranger.organization_id, ..world.viewer.clone() };
    let missing = Person { user_id: shared::ids::UserId::from_bits(0), ..world.viewer.clone() };
    for person in [&foreign, &missing] {
        assert_eq!(reset(&world, person).await.unwrap_err(), "not_found");
    }
    for command in [
        json!({"action": "reset_mfa"}),
        json!({"action": "reset_mfa", "organization_id": "org_1", "user_id": "usr_1"}),
        json!({
            "action": "reset_mfa", "organization_id": world.viewer.organization_id,
            "user_id": world.viewer.user_id, "code": "000000",
        }),
    ] {
        assert_eq!(run(&world, command).await.unwrap_err(), "validation_failed");
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_table_that_fails_leaves_everything_as_it_was() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let before = world.dump();
    world.order("TransactWriteItems", Fault::Throttled, 3);
    assert_eq!(reset(&world, &world.viewer).await.unwrap_err(), "unavailable");
    assert_eq!(world.dump(), before);
}
