//! `POST /api/login/mfa`: what it refuses.

use harness::{Answer, Client, PASSWORD, Person, World};
use serde_json::{Value, json};
use shared::ids::ChallengeId;

const PATH: &str = "/api/login/mfa";

async fn complete(client: &Client<'_>, id: ChallengeId, code: &str) -> Answer {
    client.post(PATH).json(json!({"challenge_id": id, "code": code})).send().await
}

/// How many failures the person's account is charged with.
fn failures(world: &World, person: &Person) -> usize {
    let partition = format!("FAILURES#{}#{}", person.organization_id, person.user_id);
    let budgets = world.items_under(&partition);
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

/// The bytes of the answer to a challenge that never was.
async fn missing(client: &Client<'_>) -> Vec<u8> {
    let answer = complete(client, ChallengeId::from_bits(99), "000000").await;
    answer.expect(404, "not_found").expect_cost(1, 1.0);
    answer.bytes
}

/// Lets `work` do something between the two steps of a sign-in, after which neither a code nor a
/// backup code completes it.
async fn killed_by(work: impl AsyncFnOnce(&World, &str, &str)) {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (id, token) = (world.challenge(&world.viewer, 0).await, world.session(&world.viewer).await);
    work(&world, &token, &codes[0]).await;
    let before = world.dump();
    for code in [world.code(), world.code_at(1), codes[1].clone(), "000000".to_owned()] {
        let answer = complete(&client, id, &code).await;
        answer.expect(404, "not_found");
        assert_eq!(answer.bytes, missing(&client).await);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_password_change_kills_it() {
    killed_by(async |world, token, _| {
        let body =
            json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
        let client = world.client(profile::router());
        let request = client.post("/api/user/password").bearer(token).json(body);
        request.send().await.expect(204, "");
    })
    .await;
}

#[tokio::test]
async fn disabling_the_factor_kills_it_even_where_another_is_on() {
    for again in [false, true] {
        killed_by(async |world, token, code| {
            let client = world.client(mfa::router());
            let body = json!({"password": PASSWORD, "code": code});
            let request = client.post("/api/user/mfa/disable").bearer(token).json(body);
            request.send().await.expect(204, "");
            if again {
                world.enable_mfa(&world.viewer).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn the_operator_s_reset_kills_it_and_so_does_being_disabled() {
    for action in ["reset_mfa", "disable_user"] {
        killed_by(async |world, _, _| {
            let viewer = &world.viewer;
            let command = json!({
                "action": action, "organization_id": viewer.organization_id,
                "user_id": viewer.user_id,
            });
            operator::handle(&world.app, "operator-request", command).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_sign_in_that_a_password_change_overtakes_fails() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let id = world.challenge(&world.viewer, 0).await;
    let partition = format!("USER#{}#{}", world.viewer.organization_id, world.viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["credentials_version"]["N"] = json!("9");
    });
    let answer = complete(&world.client(sessions::router()), id, &world.code()).await;
    answer.expect(404, "not_found");
    assert!(world.user(&world.viewer).await.sessions.is_empty());
}

#[tokio::test]
async fn a_wrong_code_is_401_charged_and_audited() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = world.challenge(&world.viewer, 0).await;
    let before = world.items_under("MFA#");
    let answer = complete(&client, id, "000000").await;
    answer.expect(401, "invalid_code").expect_cost(3, 15.0);
    assert_eq!(failures(&world, &world.viewer), 1);
    assert_eq!(world.items_under("CHALLENGE#")[0]["tries"], 1);
    assert_eq!(world.items_under("MFA#"), before);
    let records = world.audited(&world.viewer, "session.refused");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["reason"], "invalid_code");
    assert_eq!(record["actor"], json!({"type": "claimed", "user_id": world.viewer.user_id}));
    assert_eq!(record["ip_address"], "192.0.2.1");
}

#[tokio::test]
async fn five_wrong_codes_end_a_challenge_and_no_other() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (id, other) =
        (world.challenge(&world.viewer, 0).await, world.challenge(&world.viewer, 1).await);
    for code in ["000000", "000001", "0000-0000-00", "000002", "000003"] {
        complete(&client, id, code).await.expect(401, "invalid_code");
    }
    for code in [world.code(), codes[0].clone(), "000000".to_owned()] {
        let ended = complete(&client, id, &code).await;
        ended.expect(404, "not_found").expect_cost(1, 1.0);
        assert_eq!(ended.bytes, missing(&client).await);
    }
    assert_eq!(failures(&world, &world.viewer), 5);
    complete(&client, other, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn after_four_wrong_codes_a_right_one_still_does() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = world.challenge(&world.viewer, 0).await;
    for _ in 0..4 {
        complete(&client, id, "000000").await.expect(401, "invalid_code");
    }
    complete(&client, id, &world.code()).await.expect(200, "");
}

#[tokio::test]
async fn a_challenge_ends_in_the_very_second() {
    for (seconds, status) in [(299, 200), (300, 404)] {
        let world = World::new().await;
        world.enable_mfa(&world.viewer).await;
        let client = world.client(sessions::router());
        let id = world.challenge(&world.viewer, 0).await;
        world.clock.advance_seconds(seconds);
        let answer = complete(&client, id, &world.code()).await;
        assert_eq!(answer.status, status, "after {seconds} seconds");
        assert_eq!(world.items_under("CHALLENGE#").len(), usize::from(status == 404));
    }
}

#[tokio::test]
async fn a_challenge_completes_one_sign_in() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = world.challenge(&world.viewer, 0).await;
    complete(&client, id, &codes[0]).await.expect(200, "");
    for code in [&world.code(), &codes[0], &codes[1]] {
        let again = complete(&client, id, code).await;
        again.expect(404, "not_found");
        assert_eq!(again.bytes, missing(&client).await);
    }
    assert_eq!(failures(&world, &world.viewer), 0);
}

#[tokio::test]
async fn the_allowlist_and_single_sign_on_are_asked_again_and_told_only_with_a_right_code() {
    for refusal in ["sso_required", "ip_not_allowed"] {
        let world = World::new().await;
        let codes = world.enable_mfa(&world.viewer).await;
        let client = world.client(sessions::router());
        let id = world.challenge(&world.viewer, 0).await;
        if refusal == "ip_not_allowed" {
            world.enforce(&world.viewer, |_| {}).await;
        } else {
            world.tamper(&format!("ORG#{}", world.viewer.organization_id), |item| {
                item["require_sso"] = json!({"BOOL": true});
            });
        }
        complete(&client, id, "000000").await.expect(401, "invalid_code");
        for code in [&world.code(), &codes[0]] {
            world.clock.advance_seconds(1);
            complete(&client, id, code).await.expect(403, refusal);
        }
        assert_eq!(failures(&world, &world.viewer), 1);
        let records = world.audited(&world.viewer, "session.refused");
        let reasons: Vec<_> = records.iter().map(|record| record["reason"].as_str()).collect();
        assert_eq!(reasons, [Some("invalid_code"), Some(refusal), Some(refusal)]);
        assert!(world.user(&world.viewer).await.sessions.is_empty());
    }
}

#[tokio::test]
async fn every_fault_is_told() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = world.challenge(&world.viewer, 0).await;
    let before = world.dump();
    let send = async |body: Value| client.post(PATH).json(body).send().await;
    let missing = [("/challenge_id", "required"), ("/code", "required")];
    send(json!({})).await.expect_faults(&missing);
    for code in ["", "12345", "1234567", "123 456", " 123456", "１２３４５６", "1111-2222-3"]
    {
        let answer = send(json!({"challenge_id": id, "code": code})).await;
        answer.expect_faults(&[("/code", "invalid_value")]).expect_cost(0, 0.0);
    }
    for id in ["", "mfachl_", "mfaenr_00000000000000000000000000"] {
        let answer = send(json!({"challenge_id": id, "code": "123456"})).await;
        answer.expect_faults(&[("/challenge_id", "invalid_value")]);
    }
    assert_eq!(world.dump(), before);
}
