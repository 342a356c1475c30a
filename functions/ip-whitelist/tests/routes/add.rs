//! `POST /api/settings/ip-whitelist`

use harness::{Answer, World, at_once};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/settings/ip-whitelist";

pub(crate) async fn add(world: &World, token: &str, body: Value) -> Answer {
    world.client(ip_whitelist::router()).post(PATH).bearer(token).json(body).send().await
}

pub(crate) fn entries(world: &World) -> Vec<Value> {
    world.items_under(&format!("ALLOWLIST#{}", world.admin.organization_id))
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let body = json!({"cidr": "198.51.100.10/32", "label": "CI runner static IP"});
    let answer = add(&world, &token, body).await;
    answer.expect_cost(3, 9.0);
    let data = answer.data(201);
    let id = data["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "cidr": "198.51.100.10/32", "label": "CI runner static IP",
        "created_at": "2026-03-27T15:00:00Z", "expires_at": null,
    });
    assert_eq!(data, &expected);
    let stored = entries(&world);
    assert_eq!(stored.len(), 1);
    assert_eq!((&stored[0]["SK"], &stored[0]["network"]), (&json!(id), &json!("198.51.100.10/32")));
    let rules = world.rules(&world.admin).await;
    assert!(rules.has(Some("198.51.100.10".parse().unwrap()), world.now()));
    assert!(!rules.has(Some("198.51.100.11".parse().unwrap()), world.now()));
    assert!(!rules.enabled);
    let records = world.audited(&world.admin, "allowlist.entry_added");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], id);
    let changes = json!({
        "cidr": {"from": null, "to": "198.51.100.10/32"},
        "label": {"from": null, "to": "CI runner static IP"},
    });
    assert_eq!(record["changes"], changes);
}

#[tokio::test]
async fn networks_are_kept_in_their_one_notation() {
    let world = World::new().await;
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    for (sent, kept) in [
        ("203.0.113.7", "203.0.113.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:0db8:0000:0000:0000:0000:0000:0000/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::1", "::1/128"),
        ("::ffff:198.51.100.0/120", "198.51.100.0/24"),
        ("::ffff:c633:640a", "198.51.100.10/32"),
        ("0000:0000:0000:0000:0000:ffff:192.168.100.228/128", "192.168.100.228/32"),
    ] {
        let answer = add(&world, &key, json!({"cidr": sent})).await;
        assert_eq!(answer.text(201, "cidr"), kept);
        assert_eq!(answer.data(201)["label"], Value::Null);
    }
}

/// What some programs read as a network, or nobody does.
const MALFORMED: &[&str] = &[
    "",
    " ",
    "/",
    "/24",
    "24",
    "1",
    "1.2",
    "1.2.3",
    "1.2.3/24",
    "1.2.3.4.5",
    "1.2.3.4/",
    "1.2.3.4/-1",
    "1.2.3.4/+8",
    "1.2.3.0/024",
    "1.2.3.0/00",
    "1.2.3.4/33",
    "1.2.3.4/99",
    "1.2.3.4/256",
    "1.2.3.4/999",
    "1.2.3.4/4294967320",
    "1.2.3.4/8/8",
    "1.2.3.4//8",
    "1.2.3.4/0x8",
    "1.2.3.4/8.0",
    "1.2.3.4/255.255.255.0",
    "1.2.3.4\\24",
    "01.2.3.4",
    "1.02.3.4",
    "1.2.3.04",
    "010.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "127.1",
    "0177.0.0.1",
    "256.1.1.1",
    "1.256.1.1",
    "1.1.1.-1",
    "-1.1.1.1",
    "+1.1.1.1",
    "1..1.1",
    ".1.1.1.1",
    "1.1.1.1.",
    "1.1.1.1./32",
    "a.b.c.d",
    "1.2.3.x",
    "1.2.3.*",
    "*",
    "1.2.*.*",
    "1.2.3.4-1.2.3.9",
    "1.2.3.0-255",
    "1.2.3.4,1.2.3.5",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4 /32",
    "1.2.3.4/ 32",
    "1.2. 3.4",
    "1.2.3.4\n",
    "1.2.3.4\t/32",
    "1.2.3.4\0",
    "1.2.3.4\0/32",
    "1.2.3.4/3\0",
    "١.٢.٣.٤",
    "1.2.3.４",
    "1.2.3.4/３２",
    "1。2。3。4",
    "1.2.3.4/²",
    "1․2․3․4",
    "localhost",
    "example.com",
    "https://1.2.3.4",
    "1.2.3.4:80",
    "[1.2.3.4]",
    "any",
    "null",
    ":",
    ":::",
    "::/129",
    "::/-1",
    "::/0128",
    "::/1e1",
    "::1/999",
    "1::2::3",
    "2001:db8",
    "2001:db8:::1",
    "2001:db8::g",
    "2001:db8::12345",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "[2001:db8::1]",
    "[2001:db8::]/32",
    "fe80::1%eth0",
    "fe80::1%1/64",
    "fe80::1/64%eth0",
    "::ffff:1.2.3.256",
    "::ffff:1.2.3",
    "::ffff:01.2.3.4",
    "::1.2.3.4.5",
    "2001:db8::*",
    "2001:db8::-2001:db8::9",
    "::ffff:1.2.3.4/129",
    "1.2.3.4::",
    "٢001:db8::",
    "2001:db8::1 ",
    "2001:db8::1\0",
];

#[tokio::test]
async fn a_malformed_network_is_refused_whatever_is_wrong() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let before = world.dump();
    assert!(MALFORMED.len() >= 100);
    for cidr in MALFORMED {
        let answer = add(&world, &token, json!({"cidr": cidr})).await;
        answer.expect_faults(&[("/cidr", "invalid_value")]).expect_cost(1, 2.0);
    }
    let long = format!("{}1.2.3.4", "0".repeat(5000));
    add(&world, &token, json!({"cidr": long})).await.expect_faults(&[("/cidr", "invalid_value")]);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn bits_beyond_the_prefix_are_refused_with_the_right_network() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    for (cidr, right) in [
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("203.0.113.1/31", "203.0.113.0/31"),
        ("255.255.255.255/0", "0.0.0.0/0"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("2001:db8:0:1::/63", "2001:db8::/63"),
        ("::1/0", "::/0"),
        ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.7/64", "::/64"),
        ("::ffff:0:0/95", "::fffe:0:0/95"),
    ] {
        let answer = add(&world, &token, json!({"cidr": cidr})).await;
        answer.expect_faults(&[("/cidr", "host_bits_set")]);
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.ends_with(&format!("the network is {right}.")), "{cidr}: {detail}");
    }
    assert!(entries(&world).is_empty());
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let body = json!({"cidr": 4, "label": "", "expires_at": "soon", "id": "ipw_1"});
    add(&world, &token, body).await.expect_faults(&[
        ("/cidr", "invalid_type"),
        ("/expires_at", "invalid_value"),
        ("/id", "unknown_field"),
        ("/label", "invalid_length"),
    ]);
    add(&world, &token, json!({})).await.expect_faults(&[("/cidr", "required")]);
    add(&world, &token, json!({"cidr": null})).await.expect_faults(&[("/cidr", "not_nullable")]);
    for (label, code) in [
        (json!("x".repeat(101)), "invalid_length"),
        (json!(" x"), "invalid_value"),
        (json!("a\u{0}b"), "invalid_value"),
        (json!(7), "invalid_type"),
    ] {
        let answer = add(&world, &token, json!({"cidr": "192.0.2.1", "label": label})).await;
        answer.expect_faults(&[("/label", code)]);
    }
    for (end, code) in [
        (json!("2026-03-27T15:00:00Z"), "out_of_range"),
        (json!("2026-03-27T15:00:00.999Z"), "out_of_range"),
        (json!("2025-01-01T00:00:00Z"), "out_of_range"),
        (json!("2106-02-07T06:28:16Z"), "out_of_range"),
        (json!("2026-03-28"), "invalid_value"),
        (json!("2026-03-28 15:00:00Z"), "invalid_value"),
        (json!("2026-03-28T15:00:00"), "invalid_value"),
        (json!("2026-02-30T15:00:00Z"), "invalid_value"),
        (json!(1_774_623_601), "invalid_type"),
    ] {
        let answer = add(&world, &token, json!({"cidr": "192.0.2.1", "expires_at": end})).await;
        answer.expect_faults(&[("/expires_at", code)]);
    }
    assert!(entries(&world).is_empty());
    let label = "é".repeat(100);
    let body = json!({"cidr": "192.0.2.1", "label": label, "expires_at": null});
    assert_eq!(add(&world, &token, body).await.text(201, "label"), label);
}

#[tokio::test]
async fn a_network_is_there_once_in_whatever_notation() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    add(&world, &token, json!({"cidr": "203.0.113.7"})).await.expect(201, "");
    let before = world.dump();
    for cidr in ["203.0.113.7", "203.0.113.7/32", "::ffff:203.0.113.7", "::ffff:cb00:7107/128"] {
        let answer = add(&world, &token, json!({"cidr": cidr, "label": "Again"})).await;
        answer.expect(409, "duplicate_entry");
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn what_another_entry_contains_is_added_and_told_so() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let ids = world.allow(&world.admin, &["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]).await;
    for (cidr, by) in [
        ("10.1.2.0/24", json!(ids[1])),
        ("10.2.0.0/16", json!(ids[0])),
        ("::ffff:10.3.3.4", json!(ids[0])),
        ("2001:db8:1::/48", json!(ids[2])),
        ("10.0.0.0/7", Value::Null),
        ("0.0.0.0/0", Value::Null),
        ("::/0", Value::Null),
    ] {
        let answer = add(&world, &token, json!({"cidr": cidr})).await;
        assert_eq!(answer.data(201)["covered_by"], by, "{cidr}");
    }
    assert_eq!(entries(&world).len(), 10);
}

#[tokio::test]
async fn an_entry_is_gone_in_the_very_second_of_its_end() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let key = world.api_key(&world.admin, Scope::ALL).await;
    let body = json!({"cidr": "192.0.2.1", "expires_at": "2026-03-27T16:01:00+01:00"});
    let answer = add(&world, &key, body.clone()).await;
    assert_eq!(answer.data(201)["expires_at"], "2026-03-27T15:01:00Z");
    assert_eq!(entries(&world)[0]["expires_at"], 1_774_623_660);
    world.enforce(&world.admin, |_| {}).await;
    let get = || client.get("/api/organization").bearer(&key).send();
    world.clock.advance_milliseconds(59_999);
    get().await.expect(200, "");
    world.clock.advance_milliseconds(1);
    get().await.expect(403, "ip_not_allowed");
    // What has ended is no duplicate, though the table still has it.
    world.enforce(&world.admin, |rules| rules.enabled = false).await;
    add(&world, &key, json!({"cidr": "192.0.2.1"})).await.expect(201, "");
    assert_eq!(entries(&world).len(), 2);
    assert_eq!(world.rules(&world.admin).await.entry_count(world.now()), 1);
}

/// Puts entries behind everybody's back, up to `count`.

#[tokio::test]
async fn of_simultaneous_adds_of_one_network_one_succeeds() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.gather("TransactWriteItems", 3);
    let adds = (0..3).map(|_| add(&world, &token, json!({"cidr": "192.0.2.1"})));
    let mut codes: Vec<_> =
        at_once(adds).await.iter().map(|answer| answer.code().to_owned()).collect();
    codes.sort();
    assert_eq!(codes, ["", "duplicate_entry", "duplicate_entry"]);
    assert_eq!(entries(&world).len(), 1);
}

#[tokio::test]
async fn another_change_of_the_organization_that_comes_first_is_a_conflict() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let organization = format!("ORG#{}", world.admin.organization_id);
    world.tamper_before("TransactWriteItems", organization, |item| {
        item["version"] = json!({"N": "7"});
    });
    add(&world, &token, json!({"cidr": "192.0.2.1"})).await.expect(409, "edit_conflict");
    assert!(entries(&world).is_empty());
    assert!(world.audited(&world.admin, "allowlist.entry_added").is_empty());
}

#[tokio::test]
async fn a_retry_with_an_idempotency_key_gets_the_first_answer() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let token = world.session(&world.admin).await;
    let send = |cidr: &str| {
        let request = client.post(PATH).bearer(&token).header("idempotency-key", "once-only");
        request.json(json!({"cidr": cidr})).send()
    };
    let first = send("192.0.2.1").await;
    first.expect(201, "");
    let again = send("192.0.2.1").await;
    again.expect(201, "").expect_cost(1, 3.0);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.bytes, first.bytes);
    send("192.0.2.2").await.expect(422, "idempotency_key_reused");
    assert_eq!(entries(&world).len(), 1);
}

#[tokio::test]
async fn a_retry_that_comes_meanwhile_is_no_duplicate() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let token = world.session(&world.admin).await;
    let send = || {
        let request = client.post(PATH).bearer(&token).header("idempotency-key", "twice-at-once");
        request.json(json!({"cidr": "192.0.2.1"})).send()
    };
    let read = world.auth_read(&world.admin);
    let first = send().await;
    first.expect(201, "");
    // It was let in before the first one was carried out, and reads the entries after it.
    world.answer("BatchGetItem", &read);
    let retry = send().await;
    retry.expect(201, "");
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(retry.bytes, first.bytes);
}

#[tokio::test]
async fn after_24_hours_an_idempotency_key_is_a_new_one() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let token = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    let send = || {
        let request = client.post(PATH).bearer(&token).header("idempotency-key", "once-a-day");
        request.json(json!({"cidr": "192.0.2.1"})).send()
    };
    let first = send().await;
    first.expect(201, "");
    world.clock.advance_seconds(24 * 3600 - 1);
    let retry = send().await;
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(retry.bytes, first.bytes);
    world.clock.advance_seconds(1);
    // The record is still there: TTL deletion may come days later.
    assert_eq!(world.items_under("REPLAY#").len(), 1);
    send().await.expect(409, "duplicate_entry");
}
