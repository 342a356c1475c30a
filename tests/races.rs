//! Races over two running instances of each function.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use harness::code_of;
use serde_json::{Value, json};
use system_tests::{Answer, Client, Person, System, at_once};

/// Sends a thousand requests, of which fifty are under way at any time.
fn thousand(send: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let send = &send;
    let work = |thread: usize| (0..20).map(move |round| send(thread * 20 + round)).collect();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..50).map(|thread| scope.spawn(move || -> Vec<Answer> { work(thread) })).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Somebody with a second factor.
struct Enrolled {
    person: Person,
    session: Client,
    /// The first code that was not used yet. It is good for a minute at least.
    code: String,
    backup_codes: Vec<String>,
}

impl Enrolled {
    fn new(system: &System, slug: &str) -> Self {
        let person = system.organization(slug);
        let session = system.client().sign_in(&person);
        let started = session.post("/api/user/mfa/enable", &json!({"method": "totp"}));
        let (seed, id) = (&started.data(200)["secret"], &started.data(200)["enrollment_id"]);
        let (seed, now) = (seed.as_str().unwrap(), now());
        let body = json!({"enrollment_id": id, "code": code_of(seed, now)});
        let verified = session.post("/api/user/mfa/verify", &body);
        let codes = verified.data(200)["backup_codes"].as_array().unwrap().iter();
        let backup_codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
        Self { person, session, code: code_of(seed, now + 30), backup_codes }
    }

    /// Takes the first step of a sign-in.
    fn challenge(&self, system: &System) -> Value {
        let login = json!({"email": self.person.email, "password": self.person.password});
        let answer = system.client().post("/api/login", &login);
        answer.data(200)["challenge_id"].clone()
    }

    fn backup_codes_remaining(&self) -> Value {
        self.session.get("/api/user/mfa").data(200)["backup_codes_remaining"].clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "the functions go by the machine's clock")]
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now.cast_signed()
}

/// Takes the second step of a sign-in.
fn complete(client: &Client, challenge: &Value, code: &str) -> Answer {
    client.post("/api/login/mfa", &json!({"challenge_id": challenge, "code": code}))
}

/// How many of the answers have that status and code.
fn count(answers: &[Answer], status: u16, code: &str) -> usize {
    codes(answers).into_iter().filter(|told| *told == (status, code)).count()
}

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

#[test]
fn of_a_thousand_uses_of_one_code_one_signs_in_and_ten_are_told_that_it_is_wrong() {
    let system = System::get();
    for by_backup_code in [false, true] {
        let slug = if by_backup_code { "one-backup-code" } else { "one-code" };
        let enrolled = Enrolled::new(system, slug);
        let challenges: Vec<_> = (0..20).map(|_| enrolled.challenge(system)).collect();
        let code = if by_backup_code { &enrolled.backup_codes[0] } else { &enrolled.code };
        let client = system.client();
        let answers =
            thousand(|index| complete(&client, &challenges[index % challenges.len()], code));
        assert_eq!((answers.len(), count(&answers, 200, "")), (1000, 1));
        assert_eq!(count(&answers, 401, "invalid_code"), 10);
        // The rest came to a spent budget, or to the challenge that was answered.
        let rest = count(&answers, 429, "too_many_attempts") + count(&answers, 404, "not_found");
        assert_eq!(rest, 989);
        assert_eq!(enrolled.backup_codes_remaining(), if by_backup_code { 9 } else { 10 });
        let signed_in = answers.iter().find(|answer| answer.status == 200).unwrap();
        let token = signed_in.body["data"]["access_token"].as_str().unwrap();
        let sessions = client.bearer(token).get("/api/user/sessions");
        // The one that it was enrolled in, and this one.
        assert_eq!(sessions.data(200).as_array().unwrap().len(), 2);
    }
}

#[test]
fn of_a_thousand_right_answers_to_one_challenge_one_signs_in_and_spends_its_code() {
    let system = System::get();
    let enrolled = Enrolled::new(system, "one-challenge");
    let challenge = enrolled.challenge(system);
    let (client, codes) = (system.client(), &enrolled.backup_codes);
    let answers = thousand(|index| complete(&client, &challenge, &codes[index % codes.len()]));
    assert_eq!((count(&answers, 200, ""), count(&answers, 404, "not_found")), (1, 999));
    assert_eq!(enrolled.backup_codes_remaining(), 9);
}
