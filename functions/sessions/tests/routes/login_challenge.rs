//! `POST /api/login` with a second factor: the first step.

use harness::{Answer, Client, PASSWORD, World};
use serde_json::{Value, json};

/// The hash of [`PASSWORD`] with parameters of old.
const OUTDATED_HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$KmR5ldolx9RpgnM/AYg/jQFjnMJqdSewu4wui16Q05g";

/// Signs the viewer in with the password.
async fn login(client: &Client<'_>) -> Answer {
    let body = json!({"email": "viewer@acme.example", "password": PASSWORD});
    client.post("/api/login").json(body).send().await
}

#[tokio::test]
async fn the_password_alone_gets_a_challenge_and_no_session() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (before, hashes) = (world.user(&world.viewer).await, world.app.passwords.invocations());
    let answer = login(&client).await;
    answer.expect_cost(3, 15.0);
    assert_eq!(world.app.passwords.invocations(), hashes + 1);
    assert_eq!(answer.header("etag"), None);
    let id = answer.text(200, "challenge_id");
    let expected = json!({
        "mfa_required": true, "challenge_id": id, "methods": ["totp"], "expires_in": 300,
    });
    assert_eq!(answer.data(200), &expected);
    assert!(id.starts_with("mfachl_"));
    assert_eq!(format!("{:?}", world.user(&world.viewer).await), format!("{before:?}"));
    let records = world.audited(&world.viewer, "session.challenged");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "claimed", "user_id": world.viewer.user_id}));
    assert_eq!(record["target"], json!(world.viewer.user_id));
    assert_eq!((record.get("changes"), record.get("reason")), (None, None));
    assert!(world.audited(&world.viewer, "session.created").is_empty());
}

#[tokio::test]
async fn the_table_has_the_challenge_s_hash_alone() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let id = login(&world.client(sessions::router())).await.text(200, "challenge_id");
    assert!(!world.dump().contains(&id["mfachl_".len()..]));
    let [item] = &world.items_under("CHALLENGE#")[..] else { panic!("no challenge") };
    let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["PK", "SK", "credentials_version", "expires_at", "organization_id", "tries", "user_id"]
    );
    assert_eq!(item["expires_at"], world.now().plus_minutes(5).as_second());
    assert_eq!(item["tries"], 0);
}

#[tokio::test]
async fn without_a_second_factor_a_sign_in_takes_one_argon2_and_no_challenge() {
    let world = World::new().await;
    let hashes = world.app.passwords.invocations();
    let answer = login(&world.client(sessions::router())).await;
    assert_eq!(answer.data(200)["token_type"], "Bearer");
    assert_eq!(world.app.passwords.invocations(), hashes + 1);
    assert_eq!(world.items_under("CHALLENGE#"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_hash_with_parameters_of_old_is_replaced_in_the_first_step() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (organization, user) = (world.viewer.organization_id, world.viewer.user_id);
    let partition = format!("PASSWORD#{organization}#{user}");
    world.tamper(&partition, |item| item["hash"]["S"] = json!(OUTDATED_HASH));
    let hashes = world.app.passwords.invocations();
    login(&client).await.expect_cost(3, 17.0);
    let hash = world.items_under(&partition)[0]["hash"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    login(&client).await.expect_cost(3, 15.0);
    assert_eq!(world.items_under(&partition)[0]["hash"], hash);
    assert_eq!(world.app.passwords.invocations(), hashes + 3);
}

#[tokio::test]
async fn of_two_simultaneous_replacements_of_a_hash_one_is_written_and_both_go_on() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (organization, user) = (world.viewer.organization_id, world.viewer.user_id);
    let partition = format!("PASSWORD#{organization}#{user}");
    world.tamper(&partition, |item| item["hash"]["S"] = json!(OUTDATED_HASH));
    world.gather("TransactWriteItems", 2);
    let (first, second) = tokio::join!(login(&client), login(&client));
    for answer in [first, second] {
        assert_eq!(answer.data(200)["mfa_required"], true);
    }
    assert_eq!(world.items_under("CHALLENGE#").len(), 2);
}

#[tokio::test]
async fn a_hash_of_a_password_that_is_changed_meanwhile_is_not_put_back() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let (organization, user) = (world.viewer.organization_id, world.viewer.user_id);
    let partition = format!("PASSWORD#{organization}#{user}");
    let new = world.items_under(&partition)[0]["hash"].as_str().unwrap().replace("$r80", "$s91");
    world.tamper(&partition, |item| item["hash"]["S"] = json!(OUTDATED_HASH));
    let changed = new.clone();
    world.tamper_before("TransactWriteItems", partition.clone(), move |item| {
        item["hash"]["S"] = json!(changed);
    });
    login(&client).await.expect(401, "invalid_login");
    assert_eq!(world.items_under(&partition)[0]["hash"], new);
}
