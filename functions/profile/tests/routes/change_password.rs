//! `POST /api/user/password`

use harness::{Answer, Client, PASSWORD, World};
use serde_json::json;
use shared::auth::password::{Password, Verdict};

const PATH: &str = "/api/user/password";
const NEW: &str = "quartz-lantern-mosaic-ferry";

async fn change(client: &Client<'_>, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    client.post(PATH).bearer(token).json(body).send().await
}

/// What the viewer's stored hash makes of a password.
async fn verdict(world: &World, password: &str) -> Verdict {
    let viewer = &world.viewer;
    let partition = format!("PASSWORD#{}#{}", viewer.organization_id, viewer.user_id);
    let hash = world.items_under(&partition)[0]["hash"].as_str().unwrap().to_owned();
    world.app.passwords.verify(&Password::new(password), Some(&hash)).await.unwrap()
}

#[tokio::test]
async fn the_new_one_is_stored_and_every_other_session_ends() {
    let world = World::new().await;
    let client = world.client(profile::router());
    let (kept, token) = world.session_with_id(&world.viewer).await;
    let other = world.session(&world.viewer).await;
    let key = world.api_key(&world.viewer, shared::auth::permissions::Scope::ALL).await;
    let answer = change(&client, &token, PASSWORD, NEW).await;
    answer.expect(204, "").expect_cost(2, 16.0);
    assert_eq!(verdict(&world, NEW).await, Verdict::Right);
    assert_eq!(verdict(&world, PASSWORD).await, Verdict::Wrong);
    let profile = "/api/user/profile";
    client.get(profile).bearer(&other).send().await.expect(401, "invalid_credential");
    client.get(profile).bearer(&token).send().await.expect(200, "");
    client.get(profile).bearer(&key).send().await.expect(200, "");
    let left: Vec<_> = world.user(&world.viewer).await.sessions.into_keys().collect();
    assert_eq!(left, [kept]);
    assert!(!world.dump().contains(NEW));
    let records = world.audited(&world.viewer, "password.changed");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record.get("changes"), None);
}

#[tokio::test]
async fn a_wrong_current_one_is_403_audited_and_changes_nothing() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let before = world.user(&world.viewer).await;
    let answer = change(&client, &token, "not-the-password", NEW).await;
    answer.expect(403, "incorrect_password").expect_cost(2, 12.0);
    assert_eq!(verdict(&world, PASSWORD).await, Verdict::Right);
    assert_eq!(format!("{:?}", world.user(&world.viewer).await), format!("{before:?}"));
    let records = world.audited(&world.viewer, "password.refused");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["reason"], "incorrect_password");
}

#[tokio::test]
async fn a_poor_new_one_is_refused_before_anything_is_hashed() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let (before, hashes) = (world.dump(), world.app.passwords.invocations());
    let (long, longest) = ("é".repeat(129), "correct-horse-".repeat(9));
    for (new, code) in [
        ("", "invalid_length"),
        ("q7#Zk!m2Wx9$Lp", "invalid_length"),
        (&*long, "invalid_length"),
        ("aaaaaaaaaaaaaaaaaaaa", "too_weak"),
        ("passwordpassword", "too_weak"),
        ("vera viewer acme", "too_weak"),
        ("viewer@acme.example", "too_weak"),
        (PASSWORD, "unchanged"),
    ] {
        let answer = change(&client, &token, PASSWORD, new).await;
        answer.expect_faults(&[("/new_password", code)]);
    }
    assert_eq!((world.dump(), world.app.passwords.invocations()), (before, hashes));
    assert_eq!(longest.len(), 126);
    change(&client, &token, PASSWORD, &longest).await.expect(204, "");
    assert_eq!(verdict(&world, &longest).await, Verdict::Right);
    assert_eq!(verdict(&world, &longest[..125]).await, Verdict::Wrong);
}

#[tokio::test]
async fn of_two_simultaneous_changes_one_succeeds() {
    let world = World::new().await;
    let client = world.client(profile::router());
    let token = world.session(&world.viewer).await;
    world.gather("BatchGetItem", 2);
    let other = "ferry-mosaic-lantern-quartz";
    let (first, second) = tokio::join!(
        change(&client, &token, PASSWORD, NEW),
        change(&client, &token, PASSWORD, other)
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    let stored = if first.status == 204 { NEW } else { other };
    assert_eq!(verdict(&world, stored).await, Verdict::Right);
}
