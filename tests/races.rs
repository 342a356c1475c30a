//! Races over two running instances of each function.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use system_tests::{Answer, Client, System, at_once};

fn keys(session: &Client) -> usize {
    session.get("/api/user/api-keys?limit=100").data(200).as_array().unwrap().len()
}

fn codes(answers: &[Answer]) -> Vec<(u16, &str)> {
    let mut codes: Vec<_> = answers
        .iter()
        .map(|answer| (answer.status, answer.body["code"].as_str().unwrap_or_default()))
        .collect();
    codes.sort_unstable();
    codes
}

#[test]
fn of_two_creates_at_forty_nine_keys_one_succeeds() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("forty-nine"));
    for _ in 0..48 {
        session.create_key(&["profile:read"]);
    }
    let body = json!({"name": "The last one", "scopes": ["profile:read"]});
    for _ in 0..10 {
        let (id, _) = session.create_key(&["profile:read"]);
        let answers = at_once(2, || session.post("/api/user/api-keys", &body));
        assert_eq!(codes(&answers), [(201, ""), (409, "limit_reached")]);
        assert_eq!(keys(&session), 50);
        let created = answers.iter().find(|answer| answer.status == 201).unwrap();
        for id in [id.as_str(), created.body["data"]["id"].as_str().unwrap()] {
            assert_eq!(session.delete(&format!("/api/user/api-keys/{id}")).status, 204);
        }
    }
}

#[test]
fn of_simultaneous_first_sets_at_199_preferences_one_succeeds() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("preferences"));
    let path = |name: &str| format!("/api/user-preferences/{name}");
    for index in 0..199 {
        session.put(&path(&format!("key{index}")), &json!({"value": index})).data(200);
    }
    for round in 0..10 {
        let names = AtomicUsize::new(0);
        let answers = at_once(3, || {
            let name = format!("round{round}.key{}", names.fetch_add(1, Ordering::Relaxed));
            session.put(&path(&name), &json!({"value": "x".repeat(300)}))
        });
        let refused = (409, "limit_reached");
        assert_eq!(codes(&answers), [(200, ""), refused, refused]);
        let list = session.get("/api/user-preferences");
        assert_eq!(list.data(200).as_object().unwrap().len(), 200);
        let set = answers.iter().find(|answer| answer.status == 200).unwrap();
        let name = set.body["data"]["key"].as_str().unwrap();
        assert_eq!(session.delete(&path(name)).status, 204);
    }
}

#[test]
fn one_idempotency_key_makes_one_api_key_however_many_ask_at_once() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("idempotent"));
    let body = json!({"name": "Once", "scopes": ["profile:read"]});
    for round in 0..10 {
        let client = session.with("idempotency-key", format!("round-{round}"));
        let answers = at_once(4, || client.post("/api/user/api-keys", &body));
        let secrets: BTreeSet<_> =
            answers.iter().map(|answer| answer.data(201)["secret"].as_str().unwrap()).collect();
        assert_eq!(secrets.len(), 1);
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert_eq!(keys(&session), round + 1);
    }
}

#[test]
fn a_revoked_key_is_dead_on_every_instance_at_the_next_request() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("revoked"));
    let (id, mut secret) = session.create_key(&["profile:read", "organization:read"]);
    let path = format!("/api/user/api-keys/{id}/regenerate");
    for _ in 0..150 {
        let answer = session.post(&path, &json!({}));
        let dead = system.client().bearer(&secret);
        // Two at once, so that both instances of the function answer.
        let answers = at_once(2, || dead.get("/api/user/profile"));
        assert_eq!(codes(&answers), [(401, "invalid_credential"); 2]);
        answer.data(200)["secret"].as_str().unwrap().clone_into(&mut secret);
    }
    assert_eq!(system.client().bearer(&secret).get("/api/user/profile").status, 200);
}

#[test]
fn of_simultaneous_regenerates_each_answer_is_the_state_it_left() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("regenerated"));
    let (id, _) = session.create_key(&["profile:read"]);
    let path = format!("/api/user/api-keys/{id}/regenerate");
    for _ in 0..20 {
        let answers = at_once(2, || session.post(&path, &json!({})));
        let secrets: Vec<_> =
            answers.iter().filter_map(|answer| answer.body["data"]["secret"].as_str()).collect();
        let alive =
            |secret: &&str| system.client().bearer(secret).get("/api/user/profile").status == 200;
        assert_eq!(secrets.iter().copied().filter(alive).count(), 1);
    }
}
