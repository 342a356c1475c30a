//! Whom routes refuse.

use std::collections::BTreeSet;

use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

use crate::{
    operation::{Access, Operation, Who, routes},
    table::OPERATIONS,
};

/// The operations that need a credential.
fn guarded() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.access != Access::Public)
}

#[tokio::test]
async fn without_a_credential_no_route_asks_the_table() {
    let world = World::new().await;
    let client = world.client(routes());
    for operation in guarded() {
        let path = operation.filled(&world).await;
        let answer = operation.request(&client, &path).send().await;
        answer.expect(401, "missing_credential").expect_cost(0, 0.0);
    }
}

#[tokio::test]
async fn with_a_malformed_token_no_route_asks_the_table() {
    let world = World::new().await;
    let client = world.client(routes());
    let good = world.session(&world.viewer).await;
    let last = if good.ends_with('0') { "1" } else { "0" };
    let malformed = [
        String::new(),
        "x".to_owned(),
        "null".to_owned(),
        good[..103].to_owned(),
        format!("{good}0"),
        format!("{}{last}", &good[..103]),
        good.replace("plnx_sess_", "plnx_live_"),
        good.replace("plnx_sess_", "PLNX_SESS_"),
        format!("plnx_sess_{}", "z".repeat(94)),
        format!("plnx_sess_{}", "0".repeat(94)),
        format!("plnx_sess_{}", "-".repeat(94)),
        "a".repeat(8000),
    ];
    for operation in guarded() {
        let path = operation.filled(&world).await;
        for token in &malformed {
            let answer = operation.request(&client, &path).bearer(token).send().await;
            answer.expect(401, "invalid_credential").expect_cost(0, 0.0);
        }
    }
}

#[tokio::test]
async fn an_api_key_needs_the_scope_or_is_not_enough() {
    for operation in guarded() {
        let world = World::new().await;
        let client = world.client(routes());
        let path = operation.filled(&world).await;
        let all = world.api_key(operation.caller(&world), Scope::ALL).await;
        let Access::Scope(scope) = operation.access else {
            let before = world.dump();
            let answer = operation.request(&client, &path).bearer(&all).send().await;
            answer.expect(403, "session_required");
            assert_eq!(answer.calls, 1);
            assert_eq!(world.dump(), before);
            continue;
        };
        // `admin:organization` stands for the organization-wide ones.
        let others: Vec<_> = Scope::ALL
            .iter()
            .copied()
            .filter(|other| ![scope, Scope::AdminOrganization].contains(other))
            .collect();
        let poor = world.api_key(operation.caller(&world), &others).await;
        let before = world.dump();
        let answer = operation.request(&client, &path).bearer(&poor).send().await;
        answer.expect(403, "insufficient_scope");
        assert_eq!(world.dump(), before);
        let rich = world.api_key(operation.caller(&world), &[scope]).await;
        let answer = operation.request(&client, &path).bearer(&rich).send().await;
        assert_eq!(answer.status, operation.status, "{}", operation.name());
    }
}

#[tokio::test]
async fn a_user_without_a_role_may_do_only_what_needs_none() {
    let world = World::new().await;
    let client = world.client(routes());
    let token = world.session(&world.viewer).await;
    let key = world.api_key(&world.viewer, Scope::ALL).await;
    let viewer = &world.viewer;
    world.tamper(&format!("USER#{}#{}", viewer.organization_id, viewer.user_id), |item| {
        item["roles"] = json!({"L": []});
    });
    for operation in guarded().filter(|operation| matches!(operation.access, Access::Scope(_))) {
        for credential in [&token, &key] {
            let request = operation.request(&client, operation.path).bearer(credential);
            let answer = request.send().await;
            answer.expect(403, "role_required").expect_cost(1, operation.read_units());
        }
    }
}

#[tokio::test]
async fn what_needs_a_role_nobody_without_it_may_do_whatever_their_key_s_scopes_are() {
    for operation in guarded().filter(|operation| operation.who != Who::Viewer) {
        let world = World::new().await;
        let client = world.client(routes());
        let path = operation.filled(&world).await;
        let mut credentials = Vec::new();
        let lesser = [&world.viewer, &world.editor];
        let count = if operation.who == Who::Admin { 2 } else { 1 };
        for person in &lesser[..count] {
            credentials.push(world.session(person).await);
            credentials.push(world.api_key(person, Scope::ALL).await);
        }
        let before = world.dump();
        for credential in &credentials {
            let request = operation.request(&client, &path).bearer(credential);
            request.send().await.expect(403, "role_required").expect_cost(1, 2.0);
        }
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn another_tenant_s_id_answers_as_a_missing_one_and_a_malformed_one() {
    for operation in guarded().filter(|operation| operation.path.contains("{id}")) {
        let world = World::new().await;
        let client = world.client(routes());
        let foreign = operation.filled(&world).await;
        let missing = format!("{}00", &foreign[..foreign.len() - 2]);
        let missing = if operation.path.ends_with("{id}") { missing } else { String::new() };
        let malformed = operation.path.replace("{id}", "%F0%9F%A6%80..%2F");
        let long = operation.path.replace("{id}", &"k".repeat(5000));
        let before = world.dump();
        let mut bodies = BTreeSet::new();
        // What is the organization's is among its entries, which are read for it.
        let (calls, units) = if operation.is_shared() { (2, 3.0) } else { (1, 2.0) };
        for person in [&world.stranger, &world.admin] {
            let token = world.session(person).await;
            for (path, calls, units) in [
                (&foreign, calls, units),
                (&missing, calls, units),
                (&malformed, 1, 2.0),
                (&long, 1, 2.0),
            ] {
                let own = operation.is_shared() && person.user_id == world.admin.user_id;
                if path.is_empty() || (own && path == &foreign) {
                    continue;
                }
                let answer = operation.request(&client, path).bearer(&token).send().await;
                answer.expect(404, "not_found").expect_cost(calls, units);
                bodies.insert(answer.bytes);
            }
        }
        assert_eq!(bodies.len(), 1, "{}", operation.name());
        let viewers = |dump: &str| {
            let id = world.viewer.user_id.to_string();
            dump.lines().filter(|line| line.contains(&id)).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(viewers(&world.dump()), viewers(&before));
    }
}

/// A key names something of the caller's own, whoever else has one.
#[tokio::test]
async fn another_user_s_key_answers_as_a_missing_one_and_a_malformed_one() {
    let mut bodies = BTreeSet::new();
    for operation in guarded().filter(|it| it.path.contains("{key}") && it.body.is_empty()) {
        let world = World::new().await;
        let client = world.client(routes());
        let foreign = operation.filled(&world).await;
        let missing = format!("{foreign}2");
        let malformed = operation.path.replace("{key}", "%F0%9F%A6%80..%2F");
        let broken = operation.path.replace("{key}", "%FF");
        let long = operation.path.replace("{key}", &"k".repeat(5000));
        let mut before = Vec::new();
        for person in [&world.stranger, &world.admin] {
            let token = world.session(person).await;
            before.push(world.dump());
            for (path, units) in
                [(&foreign, 4.0), (&missing, 4.0), (&malformed, 3.0), (&broken, 3.0), (&long, 3.0)]
            {
                let answer = operation.request(&client, path).bearer(&token).send().await;
                answer.expect(404, "not_found").expect_cost(1, units);
                bodies.insert(answer.bytes);
            }
            before.push(world.dump());
        }
        assert!(before.chunks(2).all(|pair| pair[0] == pair[1]), "{}", operation.name());
    }
    assert_eq!(bodies.len(), 1);
}

/// What a client can claim of its address.
const LIES: [(&str, &str); 5] = [
    ("x-forwarded-for", "{}"),
    ("forwarded", "for=\"{}\""),
    ("x-real-ip", "{}"),
    ("cf-connecting-ip", "{}"),
    ("true-client-ip", "{}"),
];

/// Addresses on a list of 203.0.113.0/24 and `2001:db8::/32`.
const INSIDE: [&str; 4] = ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7", "2001:db8::1"];

/// Addresses that are not on it.
const OUTSIDE: [&str; 9] = [
    "198.51.100.1",
    "203.0.112.255",
    "203.0.114.0",
    "::ffff:198.51.100.1",
    "::ffff:203.0.114.0",
    "::203.0.113.7",
    "2001:db7:ffff::",
    "2001:db9::",
    "::1",
];

/// The credentials of a request: none for what is anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Nothing,
    Session,
    Key,
}

/// A world whose list is enforced, the operation's path in it, and a credential.
async fn walled(operation: &Operation, by: By) -> (World, String, String) {
    let world = World::new().await;
    let (path, caller) = (operation.filled(&world).await, operation.caller(&world));
    let credential = match by {
        By::Nothing => String::new(),
        By::Session => world.session(caller).await,
        By::Key => world.api_key(caller, Scope::ALL).await,
    };
    world.allow(caller, &["203.0.113.0/24", "2001:db8::/32"]).await;
    world.enforce(caller, |_| {}).await;
    (world, path, credential)
}

fn by(operation: &Operation) -> &'static [By] {
    if operation.access == Access::Public { &[By::Nothing] } else { &[By::Session, By::Key] }
}

#[tokio::test]
async fn an_address_that_is_not_on_the_allowlist_is_refused_everywhere_whatever_headers_say() {
    for operation in &OPERATIONS {
        for by in by(operation) {
            let (world, path, credential) = walled(operation, *by).await;
            let client = world.client(routes());
            let request = || {
                let request = operation.request(&client, &path);
                if *by == By::Nothing { request } else { request.bearer(&credential) }
            };
            let before = world.dump();
            for address in OUTSIDE {
                let honest = request().from_address(address).send().await;
                honest.expect(403, "ip_not_allowed");
                for (index, (header, form)) in LIES.into_iter().enumerate() {
                    let claim = form.replace("{}", INSIDE[index % INSIDE.len()]);
                    let lying = request().from_address(address).header(header, claim);
                    let answer = lying.send().await;
                    answer.expect(403, "ip_not_allowed");
                    assert!(answer.calls == 1 || *by == By::Nothing);
                }
            }
            request().from_nowhere().send().await.expect(403, "ip_not_allowed");
            request().from_address("not-an-address").send().await.expect(403, "ip_not_allowed");
            // A refused sign-in is audited.
            if *by != By::Nothing {
                assert_eq!(world.dump(), before, "{}", operation.name());
            }
        }
    }
}

#[tokio::test]
async fn an_address_on_the_allowlist_is_let_in_everywhere_whatever_headers_say() {
    for operation in &OPERATIONS {
        for by in by(operation) {
            for (index, address) in INSIDE.into_iter().enumerate() {
                let (world, path, credential) = walled(operation, *by).await;
                let client = world.client(routes());
                let mut request = operation.request(&client, &path).from_address(address);
                if *by != By::Nothing {
                    request = request.bearer(&credential);
                }
                for (header, form) in LIES {
                    request = request.header(header, form.replace("{}", OUTSIDE[index]));
                }
                let answer = request.send().await;
                let expected = match (by, operation.access) {
                    (By::Key, Access::Session) => (403, "session_required"),
                    _ => (operation.status, ""),
                };
                let found = (answer.status, answer.code());
                assert_eq!(found, expected, "{} {by:?} {address}", operation.name());
            }
        }
    }
}

#[tokio::test]
async fn a_path_s_other_methods_are_405_and_named_in_allow() {
    let world = World::new().await;
    let client = world.client(routes());
    let paths: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.path).collect();
    for path in paths {
        let mut known: BTreeSet<_> = OPERATIONS
            .iter()
            .filter(|operation| operation.path == path)
            .map(|operation| operation.method)
            .collect();
        if known.contains("GET") {
            known.insert("HEAD");
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if known.contains(method) {
                continue;
            }
            let answer = client.request(method, path).send().await;
            answer.expect(405, "method_not_allowed").expect_cost(0, 0.0);
            let allowed: BTreeSet<_> = answer.header("allow").unwrap_or("").split(',').collect();
            assert_eq!(allowed, known, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_nobody_s_is_404() {
    let world = World::new().await;
    let client = world.client(routes());
    let token = world.session(&world.admin).await;
    for path in [
        "/",
        "/api",
        "/api/user",
        "/api/user/profile/",
        "/api//user/profile",
        "/API/user/profile",
        "/api/user/api-keys/a/b",
        "/api/user-preferences/",
        "/api/user-preferences/a/b",
        "/api/user/api-keys/a/regenerate/b",
        "/api/user/profile%2F..%2Fpassword",
    ] {
        client.get(path).bearer(&token).send().await.expect(404, "not_found").expect_cost(0, 0.0);
    }
}
