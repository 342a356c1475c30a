//! `POST /api/logout`, `DELETE /api/user/sessions/{id}` and `DELETE /api/user/sessions`

use harness::{Person, World};
use serde_json::json;
use shared::ids::SessionId;

const PATH: &str = "/api/user/sessions";

async fn sessions_of(world: &World, person: &Person) -> Vec<SessionId> {
    world.user(person).await.sessions.into_keys().collect()
}

#[tokio::test]
async fn logging_out_ends_the_session_of_the_request_and_no_other() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    let (other, other_token) = world.session_with_id(&world.viewer).await;
    let answer = client.post("/api/logout").bearer(&token).send().await;
    answer.expect(204, "").expect_cost(2, 6.0);
    assert_eq!(answer.bytes, b"");
    client.get(PATH).bearer(&token).send().await.expect(401, "invalid_credential");
    client.get(PATH).bearer(&other_token).send().await.expect(200, "");
    assert_eq!(sessions_of(&world, &world.viewer).await, [other]);
    let records = world.audited(&world.viewer, "session.ended");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "session", "user_id": world.viewer.user_id, "session_id": id});
    assert_eq!((&record["actor"], &record["target"]), (&actor, &json!(id)));
}

#[tokio::test]
async fn of_two_simultaneous_logouts_one_succeeds() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let token = world.session(&world.viewer).await;
    world.gather("BatchGetItem", 2);
    let logout = || client.post("/api/logout").bearer(&token).send();
    let (first, second) = tokio::join!(logout(), logout());
    let mut codes = [(first.status, first.code()), (second.status, second.code())];
    codes.sort_unstable();
    assert_eq!(codes, [(204, ""), (401, "invalid_credential")]);
    assert_eq!(world.audited(&world.viewer, "session.ended").len(), 1);
}

#[tokio::test]
async fn a_session_is_ended_by_its_id() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (current, token) = world.session_with_id(&world.viewer).await;
    let (other, other_token) = world.session_with_id(&world.viewer).await;
    let answer = client.delete(format!("{PATH}/{other}")).bearer(&token).send().await;
    answer.expect(204, "").expect_cost(2, 6.0);
    client.get(PATH).bearer(&other_token).send().await.expect(401, "invalid_credential");
    let answer = client.delete(format!("{PATH}/{other}")).bearer(&token).send().await;
    answer.expect(404, "not_found").expect_cost(1, 2.0);
    let records = world.audited(&world.viewer, "session.ended");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], json!(other));
    client.delete(format!("{PATH}/{current}")).bearer(&token).send().await.expect(204, "");
    client.get(PATH).bearer(&token).send().await.expect(401, "invalid_credential");
    assert!(world.user(&world.viewer).await.sessions.is_empty());
}

#[tokio::test]
async fn a_session_that_has_ended_by_the_policy_is_missing() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (idle, _) = world.session_with_id(&world.viewer).await;
    world.clock.advance_minutes(59);
    let token = world.session(&world.viewer).await;
    world.clock.advance_minutes(1);
    let answer = client.delete(format!("{PATH}/{idle}")).bearer(&token).send().await;
    answer.expect(404, "not_found");
}

#[tokio::test]
async fn all_others_end_at_once_and_the_present_one_stays() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (kept, token) = world.session_with_id(&world.viewer).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(world.session_with_id(&world.viewer).await);
    }
    let stranger = world.session(&world.admin).await;
    client.delete(PATH).bearer(&token).send().await.expect(204, "").expect_cost(2, 6.0);
    for (_, other) in &others {
        client.get(PATH).bearer(other).send().await.expect(401, "invalid_credential");
    }
    for token in [&token, &stranger] {
        client.get(PATH).bearer(token).send().await.expect(200, "");
    }
    assert_eq!(sessions_of(&world, &world.viewer).await, [kept]);
    let records = world.audited(&world.viewer, "session.others_ended");
    let [record] = &records[..] else { panic!("{records:?}") };
    let mut from: Vec<_> = others.iter().map(|(id, _)| id.to_string()).collect();
    from.sort();
    assert_eq!(record["changes"], json!({"sessions": {"from": from, "to": []}}));
}

#[tokio::test]
async fn a_session_that_is_ended_meanwhile_ends_no_others() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (id, token) = world.session_with_id(&world.viewer).await;
    let (_, other) = world.session_with_id(&world.viewer).await;
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, move |item| {
        item["sessions"]["M"].as_object_mut().unwrap().remove(&id.short());
    });
    let answer = client.delete(PATH).bearer(&token).send().await;
    answer.expect(401, "invalid_credential");
    client.get(PATH).bearer(&other).send().await.expect(200, "");
}
