//! `GET /api/audit-log`: what it tells, and to whom.

use crate::common::{PATH, all, partition, put, texts};
use harness::{Fault, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

#[tokio::test]
async fn tells_who_did_what_from_where_and_null_for_what_is_missing() {
    let world = World::new().await;
    let (client, settings) = (world.client(audit_log::router()), world.client(settings::router()));
    let (id, key) =
        world.api_key_with_id(&world.admin, &[Scope::SettingsWrite, Scope::AuditRead], None).await;
    world.clock.advance_milliseconds(5500);
    let body = json!({"default_timezone": "Europe/Paris"});
    let changed = settings.put("/api/settings").bearer(&key).json(body).send().await;
    changed.expect(200, "");
    let sessions = world.client(sessions::router());
    let login = json!({"email": world.viewer.email, "password": "not-the-password"});
    world.clock.advance_seconds(1);
    sessions.post("/api/login").json(login).send().await.expect(401, "invalid_login");
    let answer = client.get(PATH).bearer(&key).send().await;
    answer.expect_cost(3, 5.0);
    let records = answer.data(200).as_array().unwrap();
    let request_id = answer.header("x-request-id");
    let refused = json!({
        "id": records[0]["id"],
        "occurred_at": "2026-03-27T15:00:06Z",
        "actor": {"type": "claimed", "user_id": world.viewer.user_id},
        "action": "session.refused",
        "target": world.viewer.user_id,
        "reason": "invalid_login",
        "ip_address": "192.0.2.1",
        "request_id": request_id,
        "changes": null,
    });
    let updated = json!({
        "id": records[1]["id"],
        "occurred_at": "2026-03-27T15:00:05Z",
        "actor": {"type": "api_key", "user_id": world.admin.user_id, "api_key_id": id},
        "action": "settings.updated",
        "target": world.admin.organization_id,
        "reason": null,
        "ip_address": "192.0.2.1",
        "request_id": request_id,
        "changes": {"default_timezone": {"from": "UTC", "to": "Europe/Paris"}},
    });
    assert_eq!(records[..2], [refused, updated]);
    // The key's, and those of the organization's people.
    let by_operator: Vec<_> =
        records[2..].iter().map(|it| (&it["actor"]["type"], &it["ip_address"])).collect();
    assert_eq!(by_operator, vec![(&json!("operator"), &Value::Null); 5]);
    assert_eq!(answer.body["meta"], json!({"next_cursor": null}));
}

#[tokio::test]
async fn reading_is_recorded_with_its_filters_and_does_not_show_itself() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let (session, token) = world.session_with_id(&world.admin).await;
    let user = world.admin.user_id;
    let query =
        format!("{PATH}?action=audit_log.read&actor={user}&from=2026-03-27T16:00:00%2B02:00");
    let first = client.get(&query).bearer(&token).send().await;
    assert_eq!(first.data(200), &json!([]));
    let records = world.audited(&world.admin, "audit_log.read");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "session", "user_id": user, "session_id": session});
    assert_eq!(record["actor"], actor);
    assert_eq!(record["target"], json!(world.admin.organization_id));
    assert_eq!(record["request_id"].as_str(), first.header("x-request-id"));
    let changes = json!({
        "action": {"from": null, "to": "audit_log.read"},
        "actor": {"from": null, "to": user},
        "from": {"from": null, "to": "2026-03-27T14:00:00Z"},
    });
    assert_eq!(record["changes"], changes);
    let second = client.get(&query).bearer(&token).send().await;
    assert_eq!(second.data(200)[0]["changes"], changes);
    assert_eq!(second.data(200).as_array().unwrap().len(), 1);
    assert_eq!(world.audited(&world.admin, "audit_log.read").len(), 2);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_told() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let before = world.dump();
    for (call, fault) in [
        ("TransactWriteItems", Fault::Throttled),
        ("TransactWriteItems", Fault::Refused),
        ("Query", Fault::Throttled),
        ("Query", Fault::TimedOut),
    ] {
        world.order(call, fault, 3);
        let answer = client.get(PATH).bearer(&token).send_any().await;
        answer.expect(503, "unavailable");
    }
    assert_eq!(world.dump(), before);
    client.get(PATH).bearer(&token).send().await.expect(200, "");
}

#[tokio::test]
async fn other_tenants_and_strangers_records_are_not_shown() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    put(&world, &world.stranger, "2026-03-27T15:00:00Z", 7, "user.created");
    let sessions = world.client(sessions::router());
    let login = json!({"email": "nobody@acme.example", "password": "whatever-it-is"});
    sessions.post("/api/login").json(login).send().await.expect(401, "invalid_login");
    let (shown, _) = all(&client, &token, "").await;
    let own = world.audit(world.admin.organization_id);
    let own: Vec<_> = own.iter().filter(|it| it["action"] != "audit_log.read").collect();
    assert_eq!(shown.len(), own.len());
    assert!(own.iter().all(|record| shown.contains(&record["id"].as_str().unwrap().to_owned())));
}

#[tokio::test]
async fn admin_organization_stands_for_the_scope() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let key = world.api_key(&world.admin, &[Scope::AdminOrganization]).await;
    client.get(PATH).bearer(&key).send().await.expect(200, "");
}

#[tokio::test]
async fn a_record_that_does_not_decode_is_told_to_the_log_and_left_out() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let at = world.now();
    let (good, bad) = (
        put(&world, &world.admin, "2026-03-27T15:00:00Z", 1, "user.created"),
        put(&world, &world.admin, "2026-03-27T15:00:00Z", 2, "user.created"),
    );
    let key = partition(&world.admin, at);
    world.put(&json!({
        "PK": {"S": key}, "SK": {"S": bad}, "actor": {"S": "5550100"},
        "request_id": {"S": "put"},
    }));
    for query in ["", "?actor=operator"] {
        let answer = client.get(format!("{PATH}{query}")).bearer(&token).send().await;
        let shown = texts(answer.data(200), "id");
        assert!(shown.contains(&good) && !shown.contains(&bad), "{shown:?}");
    }
    let (mut pages, _) = all(&client, &token, "limit=1&to=2026-03-27T15:00:00.001Z").await;
    pages.retain(|id| [&good, &bad].contains(&id));
    assert_eq!(pages, [good]);
    let lines = world.log.lines().join("\n");
    assert!(lines.contains(&format!("audit record {key}/{bad} does not decode")), "{lines}");
    assert!(!lines.contains("5550100"), "{lines}");
}

#[tokio::test]
async fn an_action_that_is_not_known_here_yet_is_shown() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    put(&world, &world.admin, "2026-03-27T15:00:01Z", 1, "pipeline.launched");
    world.clock.advance_seconds(1);
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200)[0]["action"], "pipeline.launched");
}

#[tokio::test]
async fn comes_as_one_record_a_line_where_that_is_preferred() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let to = "to=2026-03-27T15:00:00.001Z";
    let json = client.get(format!("{PATH}?{to}&limit=2")).bearer(&token).send().await;
    for accept in [
        "application/x-ndjson",
        "Application/X-NDJSON",
        "application/x-ndjson, application/json",
        "application/json;q=0.5, application/x-ndjson;q=0.9, */*",
    ] {
        let world = World::new().await;
        let client = world.client(audit_log::router());
        let token = world.session(&world.admin).await;
        let get = |query: String| {
            client.get(format!("{PATH}?{query}")).bearer(&token).header("accept", accept).send()
        };
        let lines = get(format!("{to}&limit=2")).await;
        assert_eq!(lines.status, 200);
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"), "{accept}");
        assert_eq!(lines.body.as_array().unwrap().len(), 2);
        assert_eq!(&lines.body, json.data(200));
        assert_eq!(lines.bytes.split_inclusive(|byte| *byte == b'\n').count(), 2);
        let next = lines.header("next-cursor").unwrap();
        let rest = get(format!("{to}&limit=100&cursor={next}")).await;
        assert_eq!(rest.header("next-cursor"), None);
        let none = get("to=2026-03-01T00:00:00Z".to_owned()).await;
        assert_eq!((none.status, none.bytes.len()), (200, 0));
        assert_eq!(none.header("content-type"), Some("application/x-ndjson"));
    }
    for accept in [
        "",
        "*/*",
        "application/json",
        "text/html",
        "application/x-ndjson;q=0",
        "application/x-ndjson;q=x",
        "application/json, application/x-ndjson;q=0.9",
    ] {
        let request = client.get(PATH).bearer(&token).header("accept", accept);
        let answer = request.send().await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
        assert!(answer.data(200).is_array());
    }
}
