//! Ten failures in any 15 minutes: of an account by strangers, from an address, and of an account
//! from an address that it knows.

use harness::{Answer, Client, PASSWORD, World, at_once};
use serde_json::{Value, json};

/// An address that no account knows.
const ELSEWHERE: &str = "198.51.100.7";

async fn login(client: &Client<'_>, from: &str, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    client.post("/api/login").from_address(from).json(body).send().await
}

/// Fails to sign the viewer in, `count` times.
async fn fail(client: &Client<'_>, from: &str, count: usize) {
    for _ in 0..count {
        let answer = login(client, from, "viewer@acme.example", "wrong-password").await;
        answer.expect(401, "invalid_login");
    }
}

#[track_caller]
fn assert_spent(answer: &Answer, retry_after: &str) {
    answer.expect(429, "too_many_attempts");
    assert_eq!(answer.header("retry-after"), Some(retry_after));
}

#[tokio::test]
async fn the_eleventh_failure_is_429_and_so_is_the_right_password() {
    let world = World::new().await;
    let (client, email) = (world.client(sessions::router()), world.viewer.email);
    fail(&client, ELSEWHERE, 10).await;
    let hashes = world.app.passwords.invocations();
    for password in ["wrong-password", PASSWORD] {
        let answer = login(&client, ELSEWHERE, email, password).await;
        assert_spent(&answer, "900");
        answer.expect_cost(3, 9.0);
    }
    assert_eq!(world.app.passwords.invocations(), hashes);
    assert!(world.user(&world.viewer).await.sessions.is_empty());
    let mut records = world.audited(&world.viewer, "session.refused");
    assert_eq!(records.len(), 12);
    records.retain(|record| record["reason"] == "too_many_attempts");
    let [record, _] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "claimed", "user_id": world.viewer.user_id}));
    assert_eq!(
        (&record["target"], &record["ip_address"]),
        (&json!(world.viewer.user_id), &json!(ELSEWHERE))
    );
}

#[tokio::test]
async fn nine_failures_are_borne_and_a_right_sign_in_charges_nothing() {
    let world = World::new().await;
    let (client, email) = (world.client(sessions::router()), world.viewer.email);
    fail(&client, ELSEWHERE, 9).await;
    let failures = || {
        let mut budgets = world.items_under("FAILURES#");
        budgets.extend(world.items_under("ADDRESS#"));
        let of = |budget: &Value| budget["failures"].as_array().unwrap().len();
        budgets.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(failures(), [9, 9]);
    for _ in 0..12 {
        login(&client, ELSEWHERE, email, PASSWORD).await.expect(200, "");
    }
    let mut after = failures();
    after.sort_unstable();
    assert_eq!(after, [0, 9, 9]);
}

#[tokio::test]
async fn failures_leave_the_window_one_by_one() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    for _ in 0..10 {
        fail(&client, ELSEWHERE, 1).await;
        world.clock.advance_seconds(10);
    }
    let attempt = || login(&client, ELSEWHERE, world.viewer.email, "wrong-password");
    assert_spent(&attempt().await, "800");
    world.clock.advance_seconds(799);
    assert_spent(&attempt().await, "1");
    world.clock.advance_seconds(1);
    attempt().await.expect(401, "invalid_login");
    assert_spent(&attempt().await, "10");
    world.clock.advance_seconds(10);
    attempt().await.expect(401, "invalid_login");
    assert_spent(&attempt().await, "10");
    world.clock.advance_seconds(900);
    fail(&client, ELSEWHERE, 10).await;
    assert_spent(&attempt().await, "900");
}

#[tokio::test]
async fn what_is_refused_with_429_prolongs_nothing() {
    let world = World::new().await;
    let (client, email) = (world.client(sessions::router()), world.viewer.email);
    fail(&client, ELSEWHERE, 10).await;
    for left in (1..=15).rev() {
        let answer = login(&client, ELSEWHERE, email, "wrong-password").await;
        assert_spent(&answer, &(left * 60).to_string());
        world.clock.advance_minutes(1);
    }
    login(&client, ELSEWHERE, email, PASSWORD).await.expect(200, "");
}

#[tokio::test]
async fn an_address_is_counted_over_all_accounts_that_it_tries() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let known = [world.admin.email, world.editor.email, world.stranger.email];
    let unknown: Vec<_> = (0..7).map(|number| format!("nobody{number}@acme.example")).collect();
    for email in known.into_iter().chain(unknown.iter().map(|email| &**email)) {
        login(&client, ELSEWHERE, email, "wrong-password").await.expect(401, "invalid_login");
    }
    for email in [world.viewer.email, "nobody@nowhere.example"] {
        assert_spent(&login(&client, ELSEWHERE, email, PASSWORD).await, "900");
    }
    login(&client, "198.51.100.8", world.viewer.email, PASSWORD).await.expect(200, "");
}

#[tokio::test]
async fn strangers_spend_an_account_s_budget_from_many_addresses_and_its_user_gets_in() {
    let world = World::new().await;
    let (client, email) = (world.client(sessions::router()), world.viewer.email);
    login(&client, "203.0.113.5", email, PASSWORD).await.expect(200, "");
    for host in 0..10 {
        fail(&client, &format!("198.51.100.{host}"), 1).await;
    }
    for from in ["198.51.100.200", "2001:db8::1"] {
        assert_spent(&login(&client, from, email, PASSWORD).await, "900");
    }
    login(&client, "203.0.113.5", email, PASSWORD).await.expect(200, "");
    login(&client, "::ffff:203.0.113.5", email, PASSWORD).await.expect(200, "");
    // The user's own mistakes are charged to the user at that address, and to no one else.
    fail(&client, "203.0.113.5", 10).await;
    assert_spent(&login(&client, "203.0.113.5", email, PASSWORD).await, "900");
    login(&client, "203.0.113.5", world.admin.email, PASSWORD).await.expect(200, "");
}

#[tokio::test]
async fn an_address_is_known_to_the_account_that_signed_in_there_and_to_no_other() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    login(&client, ELSEWHERE, world.admin.email, PASSWORD).await.expect(200, "");
    fail(&client, ELSEWHERE, 10).await;
    assert_spent(&login(&client, ELSEWHERE, world.viewer.email, PASSWORD).await, "900");
    assert_spent(&login(&client, ELSEWHERE, world.editor.email, PASSWORD).await, "900");
    login(&client, ELSEWHERE, world.admin.email, PASSWORD).await.expect(200, "");
}

#[tokio::test]
async fn an_address_is_forgotten_after_ninety_days() {
    for (seconds, status) in [(-1, 200), (0, 429)] {
        let world = World::new().await;
        let (client, email) = (world.client(sessions::router()), world.viewer.email);
        login(&client, "203.0.113.5", email, PASSWORD).await.expect(200, "");
        world.clock.advance_seconds(90 * 24 * 3600 + seconds);
        for host in 0..10 {
            fail(&client, &format!("198.51.100.{host}"), 1).await;
        }
        let answer = login(&client, "203.0.113.5", email, PASSWORD).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    for host in 0..10 {
        let (from, email) =
            (format!("2001:db8:0:1:{host}::{host}"), format!("nobody{host}@acme.example"));
        login(&client, &from, &email, "wrong-password").await.expect(401, "invalid_login");
    }
    let from = "2001:db8:0:1:ffff:ffff:ffff:ffff";
    assert_spent(&login(&client, from, world.viewer.email, PASSWORD).await, "900");
    login(&client, "2001:db8:0:2::", world.viewer.email, PASSWORD).await.expect(200, "");
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_whether_an_account_exists() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let attempt = async |from: &str, email: &str| {
        let hashes = world.app.passwords.invocations();
        let answer = login(&client, from, email, "wrong-password").await;
        let hashes = world.app.passwords.invocations() - hashes;
        (answer.status, answer.bytes, answer.headers, answer.calls, answer.units, hashes)
    };
    world.enable_mfa(&world.admin).await;
    for round in 0..12 {
        let unknown = attempt("198.51.100.1", "nobody@acme.example").await;
        assert_eq!((unknown.0, unknown.5), if round < 10 { (401, 1) } else { (429, 0) });
        for (from, email) in
            [("198.51.100.2", world.viewer.email), ("198.51.100.3", world.admin.email)]
        {
            assert_eq!(attempt(from, email).await, unknown, "round {round}");
        }
    }
}

#[tokio::test]
async fn of_forty_wrong_sign_ins_at_once_ten_are_told_that_they_are_wrong() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let hashes = world.app.passwords.invocations();
    world.gather("BatchGetItem", 40);
    let attempt = || login(&client, ELSEWHERE, world.viewer.email, "wrong-password");
    let answers = at_once((0..40).map(|_| attempt())).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(401), of(429)), (10, 30));
    // However often the budgets had to be read again.
    assert_eq!(world.app.passwords.invocations(), hashes + 40);
    assert!(answers.iter().any(|answer| answer.calls > 3));
    for partition in ["FAILURES#", "ADDRESS#"] {
        let budgets = world.items_under(partition);
        let [budget] = &budgets[..] else { panic!("{budgets:?}") };
        assert_eq!(budget["failures"].as_array().unwrap().len(), 10);
    }
}

#[tokio::test]
async fn a_right_guess_among_those_that_spend_the_budget_gets_no_200() {
    let world = World::new().await;
    let (client, email) = (world.client(sessions::router()), world.viewer.email);
    fail(&client, ELSEWHERE, 9).await;
    // The right one has read a budget with room for it, and writes when it has none left.
    let partition = format!("FAILURES#{}#{}", world.viewer.organization_id, world.viewer.user_id);
    let now = world.now().as_second().to_string();
    world.tamper_before("TransactWriteItems", partition, move |item| {
        item["failures"]["L"].as_array_mut().unwrap().push(json!({"N": now}));
    });
    let hashes = world.app.passwords.invocations();
    assert_spent(&login(&client, ELSEWHERE, email, PASSWORD).await, "900");
    assert_eq!(world.app.passwords.invocations(), hashes + 1);
    assert!(world.user(&world.viewer).await.sessions.is_empty());
}
