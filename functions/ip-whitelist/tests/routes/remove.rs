//! `DELETE /api/settings/ip-whitelist/{id}`

use harness::{Answer, Request, World, at_once};
use serde_json::json;
use shared::{
    auth::{allowlist::Mode, permissions::Scope},
    ids::AllowlistEntryId,
};

fn path(id: AllowlistEntryId) -> String {
    format!("/api/settings/ip-whitelist/{id}")
}

async fn remove(world: &World, token: &str, path: &str) -> Answer {
    world.client(ip_whitelist::router()).delete(path).bearer(token).send().await
}

#[tokio::test]
async fn an_entry_is_removed_and_what_lay_in_it_is_out_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let ids = world.allow(&world.admin, &["10.0.0.0/8", "10.1.0.0/16"]).await;
    let answer = remove(&world, &token, &path(ids[0])).await;
    answer.expect(204, "").expect_cost(3, 9.0);
    let rules = world.rules(&world.admin).await;
    assert!(rules.has(Some("10.1.2.3".parse().unwrap()), world.now()));
    assert!(!rules.has(Some("10.2.2.3".parse().unwrap()), world.now()));
    assert_eq!(rules.entry_count(world.now()), 1);
    let records = world.audited(&world.admin, "allowlist.entry_removed");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], json!(ids[0]));
    assert_eq!(record["changes"], json!({"cidr": {"from": "10.0.0.0/8", "to": null}}));
    remove(&world, &token, &path(ids[0])).await.expect(404, "not_found");
}

#[tokio::test]
async fn an_entry_that_has_ended_is_not_there() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let end = Some(world.now().plus_seconds(60));
    let id = world.allow_until(&world.admin, "10.0.0.0/8", end).await;
    world.clock.advance_seconds(60);
    remove(&world, &token, &path(id)).await.expect(404, "not_found");
}

#[tokio::test]
async fn the_entry_that_lets_the_caller_in_stays_unless_forced() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let ids = world.allow(&world.admin, &["192.0.2.0/24", "192.0.2.1/32", "10.0.0.0/8"]).await;
    world.enforce(&world.admin, |_| {}).await;
    remove(&world, &token, &path(ids[2])).await.expect(204, "");
    // Another entry lets the caller in, too.
    remove(&world, &token, &path(ids[0])).await.expect(204, "");
    let before = world.dump();
    for query in ["", "?force=false"] {
        let answer = remove(&world, &token, &format!("{}{query}", path(ids[1]))).await;
        answer.expect(409, "would_lock_out_caller");
    }
    assert_eq!(world.dump(), before);
    let forced = remove(&world, &token, &format!("{}?force=true", path(ids[1]))).await;
    forced.expect(204, "");
    let client = world.client(ip_whitelist::router());
    let list = client.get("/api/settings/ip-whitelist").bearer(&token).send().await;
    list.expect(403, "ip_not_allowed");
}

#[tokio::test]
async fn what_is_not_enforced_shuts_nobody_out() {
    for (mode, enabled, confirmed) in
        [(Mode::Enforce, false, true), (Mode::ReportOnly, true, true), (Mode::Enforce, true, false)]
    {
        let world = World::new().await;
        let token = world.session(&world.admin).await;
        let id = world.allow(&world.admin, &["192.0.2.1/32"]).await[0];
        let over = world.now();
        world
            .enforce(&world.admin, |rules| {
                (rules.mode, rules.enabled) = (mode, enabled);
                rules.confirm_by = (!confirmed).then_some(over);
            })
            .await;
        world.clock.advance_minutes(11);
        remove(&world, &token, &path(id)).await.expect(204, "");
    }
}

#[tokio::test]
async fn a_list_that_is_not_the_caller_s_kind_s_does_not_shut_them_out() {
    let world = World::new().await;
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    let token = world.session(&world.admin).await;
    let ids = world.allow(&world.admin, &["192.0.2.1/32", "192.0.2.0/31"]).await;
    world
        .enforce(&world.admin, |rules| {
            rules.applies_to = vec![shared::auth::allowlist::Means::Api].try_into().unwrap();
        })
        .await;
    remove(&world, &key, &path(ids[1])).await.expect(204, "");
    remove(&world, &key, &path(ids[0])).await.expect(409, "would_lock_out_caller");
    remove(&world, &token, &path(ids[0])).await.expect(204, "");
}

#[tokio::test]
async fn while_enforced_a_session_needs_a_recent_proof_and_a_key_does_not() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    let ids = world.allow(&world.admin, &["192.0.2.0/24", "10.0.0.0/8", "10.0.0.0/9"]).await;
    world.enforce(&world.admin, |_| {}).await;
    world.clock.advance_seconds(599);
    remove(&world, &token, &path(ids[1])).await.expect(204, "");
    world.clock.advance_seconds(1);
    let refused = remove(&world, &token, &path(ids[2])).await;
    refused.expect(403, "reauthentication_required");
    remove(&world, &key, &path(ids[2])).await.expect(204, "");
}

#[tokio::test]
async fn a_query_is_read_with_all_its_faults() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = world.allow(&world.admin, &["10.0.0.0/8"]).await[0];
    for (query, faults) in [
        ("force=yes", &[("/force", "invalid_value")][..]),
        ("force", &[("/force", "invalid_value")]),
        ("force=True", &[("/force", "invalid_value")]),
        ("force=true&force=true", &[("/force", "repeated")]),
        ("forced=true", &[("/forced", "unknown_parameter")]),
        ("a=1&force=1", &[("/a", "unknown_parameter"), ("/force", "invalid_value")]),
    ] {
        let answer = remove(&world, &token, &format!("{}?{query}", path(id))).await;
        answer.expect(400, "malformed_query").expect_cost(1, 2.0);
        assert_eq!(answer.faults(), faults, "{query}");
    }
}

/// Two administrators' changes, each harmless alone, must not shut one out together.
#[tokio::test]
async fn turning_the_list_on_while_the_caller_s_entry_is_removed_one_of_the_two_fails() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = world.allow(&world.admin, &["192.0.2.1/32"]).await[0];
    let client = world.client(ip_whitelist::router());
    world.gather("TransactWriteItems", 2);
    let toggle = client.post("/api/settings/ip-whitelist/toggle").bearer(&token);
    let toggle = toggle.json(json!({"enabled": true}));
    let remove = client.delete(path(id)).bearer(&token);
    let answers = at_once([toggle, remove].map(Request::send)).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status >= 300).collect();
    let [refused] = &refused[..] else { panic!("{answers:?}") };
    refused.expect(409, "edit_conflict");
    client.get("/api/settings/ip-whitelist").bearer(&token).send().await.expect(200, "");
}

#[tokio::test]
async fn of_simultaneous_removals_one_succeeds() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = world.allow(&world.admin, &["10.0.0.0/8"]).await[0];
    world.gather("TransactWriteItems", 3);
    let path = path(id);
    let answers = at_once((0..3).map(|_| remove(&world, &token, &path))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409]);
    assert_eq!(world.audited(&world.admin, "allowlist.entry_removed").len(), 1);
}
