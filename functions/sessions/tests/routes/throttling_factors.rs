//! One budget bears the failures of every factor, wherever they are made.

use harness::{Answer, PASSWORD, World};
use serde_json::{Value, json};
use shared::ids::{ChallengeId, EnrollmentId};

const NEW: &str = "quartz-lantern-mosaic-ferry";

/// The viewer, with a second factor, in a session, and between the two steps of another sign-in.
struct Viewer<'a> {
    world: &'a World,
    token: String,
    challenge: ChallengeId,
}

impl Viewer<'_> {
    async fn new(world: &World) -> Viewer<'_> {
        world.enable_mfa(&world.viewer).await;
        let (token, challenge) =
            (world.session(&world.viewer).await, world.challenge(&world.viewer, 0).await);
        Viewer { world, token, challenge }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let (mfa, profile) = (mfa::router(), profile::router());
        let client = self.world.client(sessions::router().merge(mfa).merge(profile));
        client.post(path).bearer(&self.token).json(body).send().await
    }

    /// One failure, or with the right `password` and `code` one success, of each kind of proof. A
    /// challenge and what changes the password come last.
    fn proofs(&self, password: &str, code: &str) -> [(&'static str, Value); 6] {
        let both = json!({"password": password, "code": code});
        [
            ("/api/login", json!({"email": self.world.viewer.email, "password": password})),
            ("/api/session/reauthenticate", both.clone()),
            ("/api/user/mfa/disable", both.clone()),
            ("/api/user/mfa/backup-codes", both),
            ("/api/login/mfa", json!({"challenge_id": self.challenge, "code": code})),
            ("/api/user/password", json!({"current_password": password, "new_password": NEW})),
        ]
    }
}

#[tokio::test]
async fn failures_of_every_factor_are_counted_together() {
    let world = World::new().await;
    let viewer = Viewer::new(&world).await;
    let mut failed = Vec::new();
    for (path, body) in viewer.proofs("wrong-password", "000000") {
        failed.push((path, viewer.post(path, body).await));
    }
    // With the right password a wrong code, and a wrong backup code.
    for (path, body) in &viewer.proofs(PASSWORD, "0000-0000-00")[1..5] {
        failed.push((path, viewer.post(path, body.clone()).await));
    }
    let told: Vec<_> =
        failed.iter().map(|(path, answer)| (*path, answer.status, answer.code())).collect();
    assert_eq!(
        told,
        [
            ("/api/login", 401, "invalid_login"),
            ("/api/session/reauthenticate", 403, "incorrect_password"),
            ("/api/user/mfa/disable", 403, "incorrect_password"),
            ("/api/user/mfa/backup-codes", 403, "incorrect_password"),
            ("/api/login/mfa", 401, "invalid_code"),
            ("/api/user/password", 403, "incorrect_password"),
            ("/api/session/reauthenticate", 403, "incorrect_code"),
            ("/api/user/mfa/disable", 403, "incorrect_code"),
            ("/api/user/mfa/backup-codes", 403, "incorrect_code"),
            ("/api/login/mfa", 401, "invalid_code"),
        ]
    );
    let hashes = world.app.passwords.invocations();
    let before = (world.items_under("MFA#"), world.items_under("FAILURES#"));
    let challenge = world.items_under("CHALLENGE#");
    for (password, code) in [("wrong-password", "000000"), (PASSWORD, &*world.code())] {
        for (path, body) in viewer.proofs(password, code) {
            let answer = viewer.post(path, body).await;
            answer.expect(429, "too_many_attempts");
            assert_eq!(answer.header("retry-after"), Some("900"), "{path}");
        }
    }
    assert_eq!(world.app.passwords.invocations(), hashes);
    assert_eq!((world.items_under("MFA#"), world.items_under("FAILURES#")), before);
    // What was not judged is no try at the challenge.
    assert_eq!(world.items_under("CHALLENGE#"), challenge);
    for (action, count) in [
        ("session.refused", 7),
        ("session.reauthentication_refused", 4),
        ("mfa.refused", 8),
        ("password.refused", 3),
    ] {
        let mut records = world.audited(&world.viewer, action);
        assert_eq!(records.len(), count, "{action}");
        records.retain(|record| record["reason"] == "too_many_attempts");
        let spent = if action == "session.refused" || action == "mfa.refused" { 4 } else { 2 };
        assert_eq!(records.len(), spent, "{action}");
    }
}

#[tokio::test]
async fn a_spent_budget_ends_no_session_and_stops_nothing_that_needs_no_proof() {
    let world = World::new().await;
    let viewer = Viewer::new(&world).await;
    let wrong = json!({"password": "wrong-password", "code": "000000"});
    for _ in 0..10 {
        let answer = viewer.post("/api/session/reauthenticate", wrong.clone()).await;
        answer.expect(403, "incorrect_password");
    }
    let answer = viewer.post("/api/session/reauthenticate", wrong).await;
    answer.expect(429, "too_many_attempts");
    let client = world.client(sessions::router());
    client.get("/api/user/sessions").bearer(&viewer.token).send().await.expect(200, "");
    world.clock.advance_minutes(15);
    let right = json!({"password": PASSWORD, "code": world.code()});
    viewer.post("/api/session/reauthenticate", right).await.expect(204, "");
}

#[tokio::test]
async fn an_enrollment_s_codes_are_counted_and_what_is_not_there_is_not() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let id = world.enroll(&world.viewer).await;
    let client = world.client(mfa::router());
    let verify = |id: EnrollmentId, code: String| {
        let body = json!({"enrollment_id": id, "code": code});
        client.post("/api/user/mfa/verify").bearer(&token).json(body).send()
    };
    for number in 0..10 {
        verify(EnrollmentId::from_bits(1), "000000".to_owned()).await.expect(404, "not_found");
        verify(id, format!("00000{number}")).await.expect(403, "incorrect_code");
    }
    verify(id, world.code()).await.expect(429, "too_many_attempts");
    assert!(!world.user(&world.viewer).await.mfa_enabled);
}

#[tokio::test]
async fn a_user_in_a_session_at_a_known_address_is_not_shut_out_by_strangers() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let login = |from: &str, password: &str| {
        let body = json!({"email": world.viewer.email, "password": password});
        client.post("/api/login").from_address(from).json(body).send()
    };
    let token = login("192.0.2.1", PASSWORD).await.text(200, "access_token");
    for host in 0..10 {
        login(&format!("198.51.100.{host}"), "wrong-password").await.expect(401, "invalid_login");
    }
    let prove = |from: &str, password: &str| {
        let request = client.post("/api/session/reauthenticate").from_address(from);
        request.bearer(&token).json(json!({"password": password})).send()
    };
    prove("198.51.100.99", PASSWORD).await.expect(429, "too_many_attempts");
    prove("192.0.2.1", "wrong-password").await.expect(403, "incorrect_password");
    prove("192.0.2.1", PASSWORD).await.expect(204, "");
    let known: Vec<_> = world
        .items_under("FAILURES#")
        .into_iter()
        .filter(|item| item["SK"] == "FROM#192.0.2.1")
        .collect();
    assert_eq!(known[0]["failures"].as_array().unwrap().len(), 1);
}
