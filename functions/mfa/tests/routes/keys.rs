//! The deployment's keys: what is sealed with them is bound to its user, they rotate, and without
//! them nothing is let through.

use harness::{Answer, Fault, PASSWORD, Person, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

fn partition(person: &Person) -> String {
    format!("MFA#{}#{}", person.organization_id, person.user_id)
}

fn item(world: &World, person: &Person) -> Value {
    world.items_under(&partition(person)).remove(0)
}

/// Completes a sign-in.
async fn sign_in(world: &World, person: &Person, bits: u128, code: &str) -> Answer {
    let challenge_id = world.challenge(person, bits).await;
    let body = json!({"challenge_id": challenge_id, "code": code});
    world.client(sessions::router()).post("/api/login/mfa").json(body).send_any().await
}

/// Sends a proof in a session of the viewer's.
async fn prove(world: &World, path: &str, code: &str) -> Answer {
    let token = world.session(&world.viewer).await;
    let body = json!({"password": PASSWORD, "code": code});
    world.client(mfa::router()).post(path).bearer(&token).json(body).send_any().await
}

/// Puts k1 alone into the secret, lets `work` use it, and makes k2 the current one.
async fn rotate<T>(world: &World, work: impl AsyncFnOnce() -> T) -> T {
    world.set_secret(&json!({"current": "k1", "k1": "old material"}));
    let result = work().await;
    world.set_secret(&json!({"current": "k2", "k1": "old material", "k2": "new material"}));
    world.clock.advance_minutes(5);
    result
}

#[tokio::test]
async fn a_seed_copied_to_another_user_opens_nothing() {
    let world = World::new().await;
    for person in [&world.viewer, &world.editor] {
        world.enable_mfa(person).await;
    }
    let of_viewer = item(&world, &world.viewer)["sealed_seed"].clone();
    world.tamper(&partition(&world.editor), |item| item["sealed_seed"]["S"] = of_viewer.clone());
    // The two have the same seed, so the code would be right.
    let before = item(&world, &world.editor);
    let answer = sign_in(&world, &world.editor, 0, &world.code()).await;
    answer.expect(500, "internal_error");
    assert_eq!(answer.body["detail"], "The service failed. Nothing was changed.");
    assert_eq!(item(&world, &world.editor), before);
    assert_eq!(world.user(&world.editor).await.sessions.len(), 0);
    sign_in(&world, &world.viewer, 1, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn backup_codes_copied_to_another_user_are_wrong() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    world.enable_mfa(&world.editor).await;
    let hashes = item(&world, &world.viewer)["backup_codes"].clone();
    let hashes: Value = hashes
        .as_object()
        .unwrap()
        .keys()
        .map(|hash| (hash.clone(), json!({"BOOL": true})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    world.tamper(&partition(&world.editor), |item| item["backup_codes"]["M"] = hashes.clone());
    sign_in(&world, &world.editor, 0, &codes[0]).await.expect(401, "invalid_code");
    sign_in(&world, &world.viewer, 1, &codes[0]).await.expect(200, "");
}

#[tokio::test]
async fn an_enrollment_copied_to_another_user_turns_nothing_on() {
    let world = World::new().await;
    world.enroll(&world.viewer).await;
    let id = world.enroll(&world.editor).await;
    let of_viewer = item(&world, &world.viewer)["enrollment"]["sealed_seed"].clone();
    world.tamper(&partition(&world.editor), |item| {
        item["enrollment"]["M"]["sealed_seed"]["S"] = of_viewer.clone();
    });
    let token = world.session(&world.editor).await;
    let body = json!({"enrollment_id": id, "code": world.code()});
    let client = world.client(mfa::router());
    let answer = client.post("/api/user/mfa/verify").bearer(&token).json(body).send_any().await;
    answer.expect(500, "internal_error");
    assert!(!world.user(&world.editor).await.mfa_enabled);
}

#[tokio::test]
async fn a_seed_under_an_older_key_works_and_is_sealed_anew_when_it_is_used() {
    let world = World::new().await;
    rotate(&world, async || world.enable_mfa(&world.viewer).await).await;
    let key = || item(&world, &world.viewer)["sealed_seed"].as_str().unwrap()[..3].to_owned();
    assert_eq!(key(), "k1.");
    sign_in(&world, &world.viewer, 0, "000000").await.expect(401, "invalid_code");
    assert_eq!(key(), "k1.");
    sign_in(&world, &world.viewer, 0, &world.code()).await.expect(200, "");
    assert_eq!(key(), "k2.");
    sign_in(&world, &world.viewer, 1, &world.code()).await.expect(401, "invalid_code");
    sign_in(&world, &world.viewer, 1, &world.code_at(1)).await.expect(200, "");
    // Nothing is left that needs the older key.
    world.set_secret(&json!({"current": "k2", "k2": "new material"}));
    world.clock.advance_minutes(5);
    sign_in(&world, &world.viewer, 2, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn new_backup_codes_proved_by_a_seed_under_an_older_key_leave_nothing_of_it() {
    let world = World::new().await;
    rotate(&world, async || world.enable_mfa(&world.viewer).await).await;
    prove(&world, "/api/user/mfa/backup-codes", &world.code()).await.expect(200, "");
    let item = item(&world, &world.viewer);
    assert!(item["sealed_seed"].as_str().unwrap().starts_with("k2."));
    let hashes = item["backup_codes"].as_object().unwrap();
    assert!(hashes.len() == 10 && hashes.keys().all(|hash| hash.starts_with("k2.")));
}

#[tokio::test]
async fn backup_codes_under_an_older_key_work_and_so_does_an_enrollment() {
    let world = World::new().await;
    let codes = rotate(&world, async || {
        world.enroll(&world.editor).await;
        world.enable_mfa(&world.viewer).await
    });
    let codes = codes.await;
    for (index, code) in codes.iter().enumerate() {
        sign_in(&world, &world.viewer, index as u128, code).await.expect(200, "");
    }
    let token = world.session(&world.editor).await;
    let body = json!({"enrollment_id": "mfaenr_00000000000000000000000000", "code": world.code()});
    let client = world.client(mfa::router());
    client.post("/api/user/mfa/verify").bearer(&token).json(body).send().await.expect(200, "");
    let item = item(&world, &world.editor);
    assert!(item["backup_codes"].as_object().unwrap().keys().all(|hash| hash.starts_with("k2.")));
}

#[tokio::test]
async fn without_the_secret_no_code_is_let_through_and_nothing_is_changed() {
    let mut world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let id = world.enroll(&world.editor).await;
    let (viewer, editor) = (world.session(&world.viewer).await, world.session(&world.editor).await);
    let key = world.api_key(&world.viewer, &[Scope::ProfileRead]).await;
    world.start_anew();
    let client = world.client(mfa::router());
    let before = world.dump();
    world.order_secret(Fault::Refused, 99);
    let enrollment = json!({"enrollment_id": id, "code": world.code()});
    let proof = |code: &str| json!({"password": PASSWORD, "code": code});
    for (token, path, body) in [
        (&editor, "/api/user/mfa/enable", json!({"method": "totp"})),
        (&editor, "/api/user/mfa/verify", enrollment),
        (&viewer, "/api/user/mfa/disable", proof(&world.code())),
        (&viewer, "/api/user/mfa/disable", proof("000000")),
        (&viewer, "/api/user/mfa/disable", proof(&codes[0])),
        (&viewer, "/api/user/mfa/backup-codes", proof(&world.code())),
        (&viewer, "/api/user/mfa/backup-codes", proof(&codes[0])),
    ] {
        let answer = client.post(path).bearer(token).json(body).send_any().await;
        answer.expect(503, "unavailable");
        assert_eq!((answer.header("retry-after"), answer.calls), (Some("2"), 1), "{path}");
    }
    // What needs no code goes on: reading, API keys, and a wrong password's refusal.
    let status = client.get("/api/user/mfa").bearer(&viewer).send().await;
    assert_eq!(status.data(200)["enabled"], true);
    let profile = world.client(profile::router());
    profile.get("/api/user/profile").bearer(&key).send().await.expect(200, "");
    assert_eq!(world.dump(), before);
    let wrong = json!({"password": "wrong-password", "code": "000000"});
    let answer = client.post("/api/user/mfa/disable").bearer(&viewer).json(wrong).send().await;
    answer.expect(403, "incorrect_password");
    world.heal();
    let request = client.post("/api/user/mfa/disable").bearer(&viewer).json(proof(&codes[0]));
    request.send().await.expect(204, "");
}
