//! `GET /api/settings/ip-whitelist` and `POST /api/settings/ip-whitelist/check`

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/settings/ip-whitelist";
const CHECK: &str = "/api/settings/ip-whitelist/check";

#[tokio::test]
async fn entries_are_listed_newest_first_and_nobody_else_s() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let token = world.session(&world.viewer).await;
    let empty = client.get(PATH).bearer(&token).send().await;
    empty.expect_cost(2, 3.0);
    assert_eq!(empty.data(200), &json!([]));
    let older = world.allow(&world.admin, &["203.0.113.0/24"]).await[0];
    world.clock.advance_seconds(1);
    let end = Some(world.now().plus_seconds(60));
    let newer = world.allow_until(&world.admin, "2001:db8::/32", end).await;
    world.allow(&world.stranger, &["192.0.2.0/24"]).await;
    let answer = client.get(PATH).bearer(&token).send().await;
    answer.expect_cost(2, 3.0);
    let shown = |id, cidr, created_at, expires_at: Value| json!({"id": id, "cidr": cidr, "label": null, "created_at": created_at, "expires_at": expires_at});
    let expected = json!([
        shown(newer, "2001:db8::/32", "2026-03-27T15:00:01Z", json!("2026-03-27T15:01:01Z")),
        shown(older, "203.0.113.0/24", "2026-03-27T15:00:00Z", Value::Null),
    ]);
    assert_eq!(answer.data(200), &expected);
    world.clock.advance_seconds(60);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_follow_each_other_over_entries_that_have_ended() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let token = world.session(&world.viewer).await;
    let mut ids = Vec::new();
    for host in 0..12 {
        world.clock.advance_milliseconds(1);
        let end = (host % 3 == 0).then(|| world.now().plus_seconds(1));
        let id = world.allow_until(&world.admin, &format!("192.0.2.{host}/32"), end).await;
        if end.is_none() {
            ids.insert(0, json!(id));
        }
    }
    world.clock.advance_seconds(2);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(format!("{PATH}?limit=3{cursor}")).bearer(&token).send().await;
        let page = answer.data(200).as_array().unwrap().clone();
        seen.extend(page.iter().map(|entry| entry["id"].clone()));
        let Some(next) = answer.body["meta"]["next_cursor"].as_str() else { break };
        assert_eq!(page.len(), 3);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids);
    let first = client.get(format!("{PATH}?limit=3")).bearer(&token).send().await;
    let next = first.body["meta"]["next_cursor"].as_str().unwrap();
    let stranger = world.session(&world.stranger).await;
    let foreign = client.get(format!("{PATH}?cursor={next}")).bearer(&stranger).send().await;
    foreign.expect(400, "invalid_cursor").expect_cost(1, 2.0);
}

#[tokio::test]
async fn a_check_tells_the_narrowest_entry_whether_the_list_is_on_or_not() {
    let world = World::new().await;
    let client = world.client(ip_whitelist::router());
    let key = world.api_key(&world.viewer, &[Scope::SettingsRead]).await;
    let ids = world.allow(&world.admin, &["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]).await;
    let end = Some(world.now().plus_seconds(60));
    let ending = world.allow_until(&world.admin, "203.0.113.7/32", end).await;
    let check =
        async |ip: &str| client.post(CHECK).bearer(&key).json(json!({"ip": ip})).send().await;
    let before = world.dump();
    for (ip, id) in [
        ("10.1.2.3", Some(ids[1])),
        ("10.2.2.3", Some(ids[0])),
        ("::ffff:10.1.2.3", Some(ids[1])),
        ("2001:db8::1", Some(ids[2])),
        ("203.0.113.7", Some(ending)),
        ("203.0.113.8", None),
        ("::10.1.2.3", None),
        ("2001:db9::1", None),
    ] {
        let answer = check(ip).await;
        let expected = json!({"allowed": id.is_some(), "matched_entry_id": id});
        assert_eq!(answer.data(200), &expected, "{ip}");
        answer.expect_cost(2, 3.0);
    }
    assert_eq!(world.dump(), before);
    world.clock.advance_seconds(60);
    assert_eq!(check("203.0.113.7").await.data(200)["allowed"], false);
    for ip in ["10.0.0.0/8", "10.1", "010.1.1.1", "fe80::1%eth0", "1.2.3.4 ", "x", "١.٢.٣.٤"] {
        check(ip).await.expect_faults(&[("/ip", "invalid_value")]).expect_cost(1, 2.0);
    }
    check("").await.expect_faults(&[("/ip", "invalid_length")]);
}
