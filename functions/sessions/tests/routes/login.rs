//! `POST /api/login`: what it begins.

use harness::{Client, PASSWORD, Request, World};
use serde_json::json;
use shared::{auth::password::Password, ids::SessionId, model::user::MAX_SESSIONS};

/// The hash of [`PASSWORD`] with parameters of old.
const OUTDATED_HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$KmR5ldolx9RpgnM/AYg/jQFjnMJqdSewu4wui16Q05g";

fn login<'a>(client: &'a Client<'a>, email: &str, password: &str) -> Request<'a> {
    client.post("/api/login").json(json!({"email": email, "password": password}))
}

#[tokio::test]
async fn answers_with_the_token_the_session_and_the_user() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let answer = login(&client, world.admin.email, PASSWORD).send().await;
    answer.expect_cost(3, 17.0);
    assert_eq!(answer.header("etag"), None);
    let token = answer.text(200, "access_token");
    let id = answer.data(200)["session"]["id"].clone();
    let expected = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 86_400,
        "session": {
            "id": id,
            "current": true,
            "created_at": "2026-03-27T15:00:00Z",
            "last_active_at": "2026-03-27T15:00:00Z",
            "idle_expires_at": "2026-03-27T16:00:00Z",
            "expires_at": "2026-03-28T15:00:00Z",
            "ip_address": "192.0.2.1",
            "user_agent": null,
        },
        "user": {
            "id": world.admin.user_id,
            "email": "admin@acme.example",
            "display_name": "Ada Admin",
            "organization_id": world.admin.organization_id,
            "roles": ["admin"],
        },
    });
    assert_eq!(answer.data(200), &expected);
    assert!(token.starts_with("plnx_sess_"));
}

#[tokio::test]
async fn the_token_works_at_once_on_another_instance() {
    let world = World::new().await;
    let (here, there) = (world.client(sessions::router()), world.client(sessions::router()));
    let token = login(&here, world.viewer.email, PASSWORD).send().await.text(200, "access_token");
    let answer = there.get("/api/user/sessions").bearer(&token).send().await;
    assert_eq!(answer.data(200)[0]["current"], true);
}

#[tokio::test]
async fn stores_the_session_with_the_token_s_hash_and_nothing_more_of_it() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let request = login(&client, world.viewer.email, PASSWORD).header("user-agent", "curl/8.5.0");
    let answer = request.from_address("2001:db8::7").send().await;
    let token = answer.text(200, "access_token");
    let id: SessionId = answer.data(200)["session"]["id"].as_str().unwrap().parse().unwrap();
    let session = &world.user(&world.viewer).await.sessions[&id];
    assert_eq!(session.last_active_at, world.now());
    assert_eq!(session.ip_address, "2001:db8::7".parse().ok());
    assert_eq!(session.user_agent.as_deref(), Some("curl/8.5.0"));
    assert!(!world.dump().contains(&token[10..]));
}

#[tokio::test]
async fn is_audited_by_the_new_session() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let answer = login(&client, world.viewer.email, PASSWORD).send().await;
    let id = &answer.data(200)["session"]["id"];
    let records = world.audited(&world.viewer, "session.created");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "session", "user_id": world.viewer.user_id, "session_id": id});
    assert_eq!((&record["actor"], &record["target"]), (&actor, id));
    assert_eq!(record["ip_address"], "192.0.2.1");
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(record["occurred_at"], world.now().as_second());
    assert_eq!((record.get("changes"), record.get("reason")), (None, None));
}

#[tokio::test]
async fn the_first_record_of_a_day_enters_the_day_into_the_index() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    world.clock.advance_minutes(24 * 60);
    login(&client, world.viewer.email, PASSWORD).send().await.expect_cost(3, 21.0);
    login(&client, world.viewer.email, PASSWORD).send().await.expect_cost(3, 13.0);
    let days = world.items_under(&format!("LOGDAYS#{}", world.viewer.organization_id));
    let days: Vec<_> = days.iter().map(|day| day["SK"].as_str().unwrap()).collect();
    assert_eq!(days, ["audit#2026-03-27", "audit#2026-03-28"]);
}

#[tokio::test]
async fn the_address_may_be_typed_in_any_case() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let answer = login(&client, "Viewer@ACME.Example", PASSWORD).send().await;
    assert_eq!(answer.data(200)["user"]["email"], "viewer@acme.example");
}

#[tokio::test]
async fn a_password_may_be_typed_composed_or_decomposed() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (composed, decomposed) = ("cr\u{e8}me-sextant-drizzle", "cre\u{300}me-sextant-drizzle");
    let random = &*world.app.random;
    let hash = world.app.passwords.hash(&Password::new(composed), random).await.unwrap();
    let viewer = &world.viewer;
    let partition = format!("PASSWORD#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper(&partition, |item| item["hash"]["S"] = json!(hash));
    login(&client, viewer.email, composed).send().await.expect(200, "");
    login(&client, viewer.email, decomposed).send().await.expect(200, "");
    let other = login(&client, viewer.email, "creme-sextant-drizzle").send().await;
    other.expect(401, "invalid_login");
}

#[tokio::test]
async fn a_hash_with_parameters_of_old_is_replaced() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let viewer = &world.viewer;
    let partition = format!("PASSWORD#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper(&partition, |item| item["hash"]["S"] = json!(OUTDATED_HASH));
    login(&client, viewer.email, "not-the-password").send().await.expect(401, "invalid_login");
    assert_eq!(world.items_under(&partition)[0]["hash"], OUTDATED_HASH);
    login(&client, viewer.email, PASSWORD).send().await.expect_cost(3, 19.0).expect(200, "");
    let hash = world.items_under(&partition)[0]["hash"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    login(&client, viewer.email, PASSWORD).send().await.expect_cost(3, 13.0).expect(200, "");
    assert_eq!(world.items_under(&partition)[0]["hash"], hash);
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_idle_longest() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (_, oldest) = world.session_with_id(&world.viewer).await;
    world.clock.advance_seconds(60);
    let (idle, _) = world.session_with_id(&world.viewer).await;
    world.clock.advance_seconds(60);
    client.get("/api/user/sessions").bearer(&oldest).send().await.expect(200, "");
    for _ in 2..MAX_SESSIONS {
        world.session(&world.viewer).await;
    }
    login(&client, world.viewer.email, PASSWORD).send().await.expect(200, "");
    let sessions = world.user(&world.viewer).await.sessions;
    assert_eq!((sessions.len(), sessions.contains_key(&idle)), (MAX_SESSIONS, false));
    client.get("/api/user/sessions").bearer(&oldest).send().await.expect(200, "");
    let records = world.audited(&world.viewer, "session.created");
    let changes = json!({"sessions": {"from": [idle.to_string()], "to": []}});
    assert_eq!(records.last().unwrap()["changes"], changes);
}

#[tokio::test]
async fn sessions_that_have_ended_are_removed_in_the_same_write() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let (idle, _) = world.session_with_id(&world.viewer).await;
    world.clock.advance_seconds(1);
    let (live, _) = world.session_with_id(&world.viewer).await;
    world.clock.advance_seconds(60 * 60 - 1);
    let answer = login(&client, world.viewer.email, PASSWORD).send().await;
    answer.expect_cost(3, 17.0);
    let sessions = world.user(&world.viewer).await.sessions;
    assert!(!sessions.contains_key(&idle) && sessions.contains_key(&live));
    assert_eq!(sessions.len(), 2);
}
