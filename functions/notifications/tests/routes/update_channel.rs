//! `PUT /api/notifications/channels/{id}`

use harness::{Answer, Fault, World, at_once};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    auth::permissions::Scope,
    model::notifications::{
        channel::{Channel, Config},
        secret::ChannelCipher,
    },
};

const PATH: &str = "/api/notifications/channels";

async fn create(world: &World, token: &str, kind: &str, config: Value) -> String {
    let client = world.client(notifications::router());
    let body = json!({"type": kind, "name": "Data platform on-call", "config": config});
    client.post(PATH).bearer(token).json(body).send().await.text(201, "id")
}

async fn slack(world: &World, token: &str) -> String {
    create(world, token, "slack", json!({"workspace": "acme", "channel": "C01234567"})).await
}

async fn put(world: &World, token: &str, id: &str, body: Value) -> Answer {
    let client = world.client(notifications::router());
    client.put(format!("{PATH}/{id}")).bearer(token).json(body).send().await
}

async fn channel(world: &World) -> Channel {
    let channels = world.app.store.channels(world.admin.organization_id).await.unwrap();
    let [channel] = <[Channel; 1]>::try_from(channels).unwrap();
    channel
}

/// Changes what is stored of a channel, as its delivery does.
fn tamper(world: &World, change: impl Fn(&mut Value)) {
    // Of the partition's items the channel is not the first, which is the version.
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let mut item = world.raw_items(&partition).into_iter().find(|it| it["id"].is_object()).unwrap();
    change(&mut item);
    world.put(&item);
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    world.clock.advance_seconds(60);
    let body = json!({"name": "Data platform on-call (updated)", "enabled": false});
    let answer = put(&world, &token, &id, body).await;
    answer.expect_cost(3, 7.0);
    let expected = json!({
        "id": id, "type": "slack", "name": "Data platform on-call (updated)", "enabled": false,
        "config": {"workspace": "acme", "channel": "C01234567"}, "quiet_hours": null,
        "created_at": "2026-03-27T15:00:00Z", "updated_at": "2026-03-27T15:01:00Z",
        "failing_since": null, "disabled_reason": "requested",
    });
    assert_eq!((answer.data(200), answer.header("etag")), (&expected, Some("\"2\"")));
    let client = world.client(notifications::router());
    let read = client.get(format!("{PATH}/{id}")).bearer(&token).send().await;
    assert_eq!((read.data(200), read.header("etag")), (&expected, Some("\"2\"")));
    let records = world.audited(&world.admin, "notification_channel.updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({
        "name": {"from": "Data platform on-call", "to": "Data platform on-call (updated)"},
        "enabled": {"from": true, "to": false},
    });
    assert_eq!((&record["target"], &record["changes"]), (&json!(id), &changes));
}

#[tokio::test]
async fn what_is_left_out_keeps_its_value_in_the_configuration_too() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let config = json!({"recipients": ["a@example.com"], "severity_filter": ["high"]});
    let id = create(&world, &token, "email", config).await;
    let config = async |config: Value| {
        put(&world, &token, &id, json!({"config": config})).await.data(200)["config"].clone()
    };
    let shown = config(json!({"recipients": ["b@example.com"]})).await;
    assert_eq!(shown, json!({"recipients": ["b@example.com"], "severity_filter": ["high"]}));
    let shown = config(json!({"severity_filter": ["critical", "low"]})).await;
    assert_eq!(
        shown,
        json!({"recipients": ["b@example.com"], "severity_filter": ["low", "critical"]})
    );
    let shown = config(json!({"severity_filter": null})).await;
    assert_eq!(shown, json!({"recipients": ["b@example.com"]}));
    let records = world.audited(&world.admin, "notification_channel.updated");
    let from = json!({"recipients": ["a@example.com"], "severity_filter": ["high"]});
    assert_eq!(records[0]["changes"]["config"]["from"], from);
    let before = world.dump();
    assert_eq!(config(json!({})).await, json!({"recipients": ["b@example.com"]}));
    let same = json!({"name": "Data platform on-call", "enabled": true, "quiet_hours": null});
    put(&world, &token, &id, same).await.expect(200, "").expect_cost(2, 3.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_secret_is_replaced_where_one_is_given_and_kept_where_none_is() {
    let world = World::new().await;
    let key = world.api_key(&world.admin, &[Scope::NotificationsWrite]).await;
    let old = "0123456789abcdef0123456789abcdef";
    let new = "fedcba9876543210fedcba9876543210";
    let id = create(&world, &key, "pagerduty", json!({"routing_key": old})).await;
    let opened = async || {
        let (organization, channel) = (world.admin.organization_id, channel(&world).await);
        let cipher = ChannelCipher::of(&world.app.keyring, organization).await.unwrap();
        let Config::Pagerduty { sealed_routing_key, .. } = &channel.config else { panic!() };
        cipher.open(channel.id, sealed_routing_key).unwrap().expose_secret().to_owned()
    };
    put(&world, &key, &id, json!({"config": {}, "name": "Renamed"})).await.expect(200, "");
    assert_eq!(opened().await, old);
    let answer = put(&world, &key, &id, json!({"config": {"routing_key": new}})).await;
    assert_eq!(answer.data(200)["config"], json!({"routing_key_hint": "3210"}));
    assert_eq!(opened().await, new);
    let records = world.audited(&world.admin, "notification_channel.updated");
    let changes = json!({"config": {
        "from": {"routing_key_hint": "cdef"}, "to": {"routing_key_hint": "3210"},
    }});
    assert_eq!(records[1]["changes"], changes);
    let dump = world.dump();
    assert!(!dump.contains(old) && !dump.contains(new));
}

#[tokio::test]
async fn a_webhook_that_moves_keeps_its_signing_secret() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = create(&world, &token, "webhook", json!({"url": "https://a.example.com/"})).await;
    let Config::Webhook { secrets: before, .. } = channel(&world).await.config else { panic!() };
    let answer =
        put(&world, &token, &id, json!({"config": {"url": "https://b.example.com/"}})).await;
    assert_eq!(answer.data(200)["config"], json!({"url": "https://b.example.com/"}));
    assert!(answer.data(200).get("signing_secret").is_none());
    let Config::Webhook { url, secrets } = channel(&world).await.config else { panic!() };
    assert_eq!((&*url, secrets), ("https://b.example.com/", before));
}

#[tokio::test]
async fn an_address_that_is_kept_is_not_judged_anew() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = create(&world, &token, "webhook", json!({"url": "https://a.example.com/"})).await;
    // What was let in under other rules.
    tamper(&world, |item| item["config"]["M"]["url"] = json!({"S": "https://a*b.example.com/"}));
    let answer = put(&world, &token, &id, json!({"name": "Renamed", "config": {}})).await;
    assert_eq!(answer.data(200)["config"], json!({"url": "https://a*b.example.com/"}));
    let given = json!({"config": {"url": "https://a*b.example.com/"}});
    put(&world, &token, &id, given).await.expect_faults(&[("/config/url", "invalid_value")]);
}

#[tokio::test]
async fn one_that_leads_elsewhere_is_not_failing_any_more() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = create(&world, &token, "webhook", json!({"url": "https://a.example.com/"})).await;
    tamper(&world, |item| item["failing_since"] = json!({"N": "1774537200"}));
    let answer = put(&world, &token, &id, json!({"name": "Renamed"})).await;
    assert_eq!(answer.data(200)["failing_since"], "2026-03-26T15:00:00Z");
    let moved = json!({"config": {"url": "https://b.example.com/"}});
    let answer = put(&world, &token, &id, moved).await;
    assert_eq!(answer.data(200)["failing_since"], Value::Null);
    assert_eq!(channel(&world).await.failing_since, None);
}

#[tokio::test]
async fn one_that_is_enabled_again_begins_anew() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    let gave_up = |enabled: bool| {
        tamper(&world, |item| {
            item["enabled"] = json!({"BOOL": enabled});
            item["failing_since"] = json!({"N": "1774537200"});
            item["gave_up_at"] = json!({"N": "1774623600"});
        });
    };
    gave_up(false);
    let answer = put(&world, &token, &id, json!({"name": "Other"})).await;
    assert_eq!(answer.data(200)["disabled_reason"], "failing");
    assert!(channel(&world).await.gave_up_at.is_some());
    tamper(&world, |item| item["receiver_gone"] = json!({"BOOL": true}));
    let answer = put(&world, &token, &id, json!({"name": "Another"})).await;
    assert_eq!(answer.data(200)["disabled_reason"], "receiver_gone");
    let answer = put(&world, &token, &id, json!({"enabled": true})).await;
    assert_eq!(answer.data(200)["disabled_reason"], Value::Null);
    assert_eq!(answer.data(200)["failing_since"], Value::Null);
    let channel = channel(&world).await;
    assert_eq!((channel.failing_since, channel.gave_up_at), (None, None));
    assert!(!channel.receiver_gone);
}

#[tokio::test]
async fn how_a_channel_fares_is_not_lost_in_a_change() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let mut item = world.raw_items(&partition).into_iter().find(|it| it["id"].is_object()).unwrap();
    item["failing_since"] = json!({"N": "1774623600"});
    world.put_before("TransactWriteItems", vec![item], Vec::new());
    put(&world, &token, &id, json!({"name": "Other"})).await.expect(200, "");
    assert_eq!(channel(&world).await.failing_since, Some(world.now()));
}

#[tokio::test]
async fn quiet_hours_are_set_and_cleared() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    let hours = json!({"timezone": "UTC", "from": "08:00", "to": "08:00", "days": ["sat"]});
    let answer = put(&world, &token, &id, json!({"quiet_hours": hours})).await;
    assert_eq!(answer.data(200)["quiet_hours"], hours);
    let answer = put(&world, &token, &id, json!({"quiet_hours": null})).await;
    assert_eq!(answer.data(200)["quiet_hours"], Value::Null);
    assert_eq!(channel(&world).await.quiet_hours, None);
    let records = world.audited(&world.admin, "notification_channel.updated");
    let changes = json!({"quiet_hours": {"from": hours, "to": null}});
    assert_eq!(records[1]["changes"], changes);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let of_slack = slack(&world, &token).await;
    let of_hook = create(&world, &token, "webhook", json!({"url": "https://a.example.com/"})).await;
    let of_teams =
        create(&world, &token, "teams", json!({"webhook_url": "https://a.example.com/"})).await;
    let before = world.dump();
    for (id, body, faults) in [
        (
            &of_slack,
            json!({"type": "slack", "name": null, "enabled": "yes", "config": {"channel": null, "url": "x"}}),
            &[
                ("/config/channel", "not_nullable"),
                ("/config/url", "unknown_field"),
                ("/enabled", "invalid_type"),
                ("/name", "not_nullable"),
                ("/type", "unknown_field"),
            ][..],
        ),
        (&of_slack, json!({"config": null}), &[("/config", "not_nullable")]),
        (
            &of_hook,
            json!({"name": "", "config": {"url": "https://[fd00::1]/"}}),
            &[("/config/url", "not_public"), ("/name", "invalid_length")],
        ),
        (&of_teams, json!({"config": {"url": "x"}}), &[("/config/url", "unknown_field")]),
        (
            &of_teams,
            json!({"config": {"webhook_url": "https://a.local/", "x": 1}}),
            &[("/config/webhook_url", "not_public"), ("/config/x", "unknown_field")],
        ),
    ] {
        put(&world, &token, id, body).await.expect_faults(faults);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn another_tenant_s_channel_answers_as_a_missing_one() {
    let world = World::new().await;
    let (token, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let id = slack(&world, &token).await;
    let before = world.items_under("NOTIFY#");
    let body = json!({"name": "Mine"});
    let foreign = put(&world, &stranger, &id, body.clone()).await;
    let missing = put(&world, &stranger, "nch_00000000000000000000000000", body).await;
    foreign.expect(404, "not_found").expect_cost(2, 3.0);
    assert_eq!(foreign.bytes, missing.bytes);
    assert_eq!(world.items_under("NOTIFY#"), before);
}

#[tokio::test]
async fn a_version_that_is_over_is_412() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    let put = |tag: &str, name: &str| {
        let request = client.put(format!("{PATH}/{id}")).bearer(&token).header("if-match", tag);
        request.json(json!({"name": name})).send()
    };
    put("\"1\"", "Second").await.expect(200, "");
    put("\"1\"", "Third").await.expect(412, "precondition_failed");
    world.gather("TransactWriteItems", 2);
    let answers = at_once(["Third", "Fourth"].map(|name| put("\"2\"", name))).await;
    let mut codes: Vec<_> = answers.iter().map(|it| (it.status, it.code())).collect();
    codes.sort_unstable();
    assert_eq!(codes, [(200, ""), (412, "precondition_failed")]);
}

#[tokio::test]
async fn changes_at_once_of_different_fields_are_both_made() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    world.gather("TransactWriteItems", 2);
    let bodies = [json!({"name": "Renamed"}), json!({"enabled": false})];
    for answer in at_once(bodies.map(|body| put(&world, &token, &id, body))).await {
        answer.expect(200, "");
    }
    let channel = channel(&world).await;
    assert_eq!((&*channel.name, channel.enabled, channel.version), ("Renamed", false, 3));
}

#[tokio::test]
async fn a_table_that_fails_changes_nothing() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let id = slack(&world, &token).await;
    let before = world.dump();
    for (call, times) in [("GetItem", 3), ("TransactWriteItems", 3)] {
        world.order(call, Fault::Throttled, times);
        let request = client.put(format!("{PATH}/{id}")).bearer(&token);
        request.json(json!({"name": "x"})).send_any().await.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
}
