//! `PUT /api/settings`

use harness::{Client, PASSWORD, Request, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/settings";

fn put<'a>(client: &'a Client<'a>, token: &str, body: Value) -> Request<'a> {
    client.put(PATH).bearer(token).json(body)
}

/// The time zone and the requirement, as they are in the table.
async fn stored(world: &World) -> (String, bool) {
    let organization = world.principal(&world.admin).await.organization;
    (organization.default_timezone, organization.require_sso)
}

fn partition(world: &World) -> String {
    format!("ORG#{}", world.admin.organization_id)
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    world.clock.advance_seconds(5);
    let mut expected = json!({"default_timezone": "America/New_York", "require_sso": true});
    let answer = put(&client, &token, expected.clone()).send().await;
    answer.expect_cost(2, 6.0);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    expected["updated_at"] = json!("2026-03-27T15:00:05Z");
    assert_eq!(answer.data(200), &expected);
    let all = client.get("/api/settings/all").bearer(&token).send().await;
    let shown = json!({
        "default_timezone": "America/New_York", "require_sso": true, "data_residency": "us",
        "feature_flags": {"lineage_v2": true, "git_integration": true},
    });
    assert_eq!(all.data(200), &shown);
    assert_eq!(all.header("etag"), Some("\"2\""));
}

#[tokio::test]
async fn changes_what_is_sent_and_keeps_the_rest() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    for (body, zone, sso) in [
        (json!({"require_sso": true}), "UTC", true),
        (json!({"default_timezone": "Asia/Kolkata"}), "Asia/Kolkata", true),
        (json!({"require_sso": false, "default_timezone": "Etc/UTC"}), "Etc/UTC", false),
    ] {
        put(&client, &token, body).send().await.expect(200, "").expect_cost(2, 6.0);
        assert_eq!(stored(&world).await, (zone.to_owned(), sso));
    }
}

#[tokio::test]
async fn is_audited_from_and_to() {
    let world = World::new().await;
    let client = world.client(settings::router());
    let (id, key) = world.api_key_with_id(&world.admin, &[Scope::SettingsWrite], None).await;
    let body = json!({"default_timezone": "Europe/Paris", "require_sso": true});
    let answer = put(&client, &key, body).send().await;
    answer.expect(200, "");
    let records = world.audited(&world.admin, "settings.updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "api_key", "user_id": world.admin.user_id, "api_key_id": id});
    assert_eq!(record["actor"], actor);
    assert_eq!(record["target"], json!(world.admin.organization_id));
    assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"));
    let changes = json!({
        "default_timezone": {"from": "UTC", "to": "Europe/Paris"},
        "require_sso": {"from": false, "to": true},
    });
    assert_eq!(record["changes"], changes);
    assert!(world.audited(&world.stranger, "settings.updated").is_empty());
}

#[tokio::test]
async fn the_first_change_of_a_day_enters_the_day_into_the_index() {
    let world = World::new().await;
    let client = world.client(settings::router());
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    world.clock.advance_minutes(24 * 60);
    for (zone, units) in [("Europe/Paris", 8.0), ("Europe/Rome", 6.0)] {
        let answer = put(&client, &key, json!({"default_timezone": zone})).send().await;
        answer.expect(200, "").expect_cost(2, units);
    }
    let days = world.items_under(&format!("LOGDAYS#{}", world.admin.organization_id));
    let days: Vec<_> = days.iter().map(|day| day["SK"].as_str().unwrap()).collect();
    assert_eq!(days, ["audit#2026-03-27", "audit#2026-03-28"]);
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    let before = world.dump();
    world.clock.advance_seconds(5);
    for body in [json!({}), json!({"default_timezone": "UTC", "require_sso": false})] {
        let answer = put(&client, &token, body).send().await;
        answer.expect_cost(1, 2.0);
        assert_eq!(answer.data(200)["updated_at"], "2026-03-27T15:00:00Z");
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    let before = world.dump();
    let body = json!({
        "default_timezone": "Mars/Olympus", "require_sso": "yes", "data_residency": "eu",
        "feature_flags": {"lineage_v2": false},
    });
    put(&client, &token, body).send().await.expect_faults(&[
        ("/data_residency", "unknown_field"),
        ("/default_timezone", "invalid_value"),
        ("/feature_flags", "unknown_field"),
        ("/require_sso", "invalid_type"),
    ]);
    let long = "A".repeat(65);
    for (field, wrong, code) in [
        ("default_timezone", json!(""), "invalid_length"),
        ("default_timezone", json!(long), "invalid_length"),
        ("default_timezone", json!("europe/paris"), "invalid_value"),
        ("default_timezone", json!("+02:00"), "invalid_value"),
        ("default_timezone", json!(2), "invalid_type"),
        ("default_timezone", json!(null), "not_nullable"),
        ("require_sso", json!(1), "invalid_type"),
        ("require_sso", json!(null), "not_nullable"),
    ] {
        let answer = put(&client, &token, json!({field: wrong})).send().await;
        answer.expect_faults(&[(&format!("/{field}"), code)]).expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn single_sign_on_takes_the_plan_s_feature_to_turn_on_and_none_to_turn_off() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    let lose = |item: &mut Value| item["features"] = json!({"L": [{"S": "lineage"}]});
    world.tamper(&partition(&world), lose);
    let before = world.dump();
    let body = json!({"require_sso": true, "default_timezone": "Europe/Paris"});
    let answer = put(&client, &token, body).send().await;
    answer.expect(403, "feature_not_available").expect_cost(1, 2.0);
    assert_eq!(world.dump(), before);
    // Whoever moves to a smaller plan while it is on can keep it, and can turn it off.
    world.tamper(&partition(&world), |item| item["require_sso"]["BOOL"] = json!(true));
    for body in [
        json!({"require_sso": true}),
        json!({"default_timezone": "Europe/Paris"}),
        json!({"require_sso": false}),
    ] {
        put(&client, &token, body).send().await.expect(200, "");
    }
    assert_eq!(stored(&world).await, ("Europe/Paris".to_owned(), false));
}

#[tokio::test]
async fn turning_single_sign_on_on_needs_a_recent_proof_in_a_session_and_nothing_else_does() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    let key = world.api_key(&world.admin, &[Scope::SettingsWrite]).await;
    world.clock.advance_seconds(600);
    let on = || json!({"require_sso": true});
    let answer = put(&client, &token, on()).send().await;
    answer.expect(403, "reauthentication_required").expect_cost(1, 2.0);
    assert_eq!(stored(&world).await, ("UTC".to_owned(), false));
    assert!(world.audited(&world.admin, "settings.updated").is_empty());
    put(&client, &token, json!({"default_timezone": "Europe/Paris"})).send().await.expect(200, "");
    put(&client, &key, on()).send().await.expect(200, "");
    put(&client, &token, json!({"require_sso": false})).send().await.expect(200, "");
    let fresh = world.session(&world.admin).await;
    world.clock.advance_seconds(599);
    put(&client, &fresh, on()).send().await.expect(200, "");
}

#[tokio::test]
async fn required_single_sign_on_holds_for_the_next_sign_in_and_admits_administrators() {
    let world = World::new().await;
    let (client, sessions) = (world.client(settings::router()), world.client(sessions::router()));
    let (admin, viewer) = (world.session(&world.admin).await, world.session(&world.viewer).await);
    put(&client, &admin, json!({"require_sso": true})).send().await.expect(200, "");
    let sign_in = |email: &str| {
        sessions.post("/api/login").json(json!({"email": email, "password": PASSWORD})).send()
    };
    sign_in(world.viewer.email).await.expect(403, "sso_required");
    sign_in(world.editor.email).await.expect(403, "sso_required");
    sign_in(world.admin.email).await.expect(200, "");
    sign_in(world.stranger.email).await.expect(200, "");
    client.get(PATH).bearer(&viewer).send().await.expect(200, "");
    put(&client, &admin, json!({"require_sso": false})).send().await.expect(200, "");
    sign_in(world.viewer.email).await.expect(200, "");
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    let change = |tag: &'static str, zone: &str| {
        let request = put(&client, &token, json!({"default_timezone": zone}));
        request.header("if-match", tag).send()
    };
    change("\"1\"", "Europe/Paris").await.expect(200, "");
    let stale = change("\"1\"", "Europe/Rome").await;
    stale.expect(412, "precondition_failed").expect_cost(1, 2.0);
    change("W/\"2\"", "Europe/Rome").await.expect(412, "precondition_failed");
    change("2", "Europe/Rome").await.expect(400, "invalid_if_match");
    assert_eq!(stored(&world).await.0, "Europe/Paris");
    change("\"7\", \"2\"", "Europe/Rome").await.expect(200, "");
    assert_eq!(stored(&world).await.0, "Europe/Rome");
}

#[tokio::test]
async fn of_two_simultaneous_changes_one_is_written_and_the_other_told() {
    for (condition, refusal) in
        [(None, (409, "edit_conflict")), (Some("\"1\""), (412, "precondition_failed"))]
    {
        let world = World::new().await;
        let client = world.client(settings::router());
        let token = world.session(&world.admin).await;
        world.gather("BatchGetItem", 2);
        let change = |zone: &str| {
            let request = put(&client, &token, json!({"default_timezone": zone}));
            match condition {
                Some(tag) => request.header("if-match", tag).send(),
                None => request.send(),
            }
        };
        let (first, second) = tokio::join!(change("Europe/Paris"), change("Europe/Rome"));
        let mut codes = [(first.status, first.code()), (second.status, second.code())];
        codes.sort_unstable();
        assert_eq!(codes, [(200, ""), refusal]);
        assert_eq!(world.audited(&world.admin, "settings.updated").len(), 1);
        let written = if first.status == 200 { "Europe/Paris" } else { "Europe/Rome" };
        assert_eq!(stored(&world).await.0, written);
    }
}

#[tokio::test]
async fn a_feature_that_is_lost_meanwhile_is_not_turned_on() {
    let world = World::new().await;
    let (client, token) = (world.client(settings::router()), world.session(&world.admin).await);
    world.tamper_before("TransactWriteItems", partition(&world), |item| {
        item["version"] = json!({"N": "2"});
        item["features"] = json!({"L": []});
    });
    let answer = put(&client, &token, json!({"require_sso": true})).send().await;
    answer.expect(409, "edit_conflict");
    assert_eq!(stored(&world).await, ("UTC".to_owned(), false));
    assert!(world.audited(&world.admin, "settings.updated").is_empty());
}
