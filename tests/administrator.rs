//! An organization's administrator at work: what they change holds at once, and the audit log tells
//! each change.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use serde_json::{Value, json};
use system_tests::System;

const LIST: &str = "/api/settings/ip-whitelist";
const LOG: &str = "/api/audit-log";

/// The records, newest first, as what happened and what changed.
fn changes(records: &[Value]) -> Vec<(&str, &Value)> {
    records.iter().map(|record| (record["action"].as_str().unwrap(), &record["changes"])).collect()
}

#[test]
fn an_administrator_walls_the_organization_in_shortens_its_logs_and_reads_who_did_what() {
    let system = System::get();
    let admin = system.organization("governed");
    let session = system.client().sign_in(&admin);
    let (_, secret) = session.create_key(&["settings:read", "audit:read"]);
    let program = system.client().bearer(&secret);

    // The settings.
    let zone = session.put("/api/settings", &json!({"default_timezone": "Europe/Lisbon"}));
    assert_eq!(zone.data(200)["default_timezone"], "Europe/Lisbon");
    assert_eq!(program.get("/api/settings").data(200)["default_timezone"], "Europe/Lisbon");
    session
        .put("/api/settings", &json!({"require_sso": true}))
        .expect(403, "feature_not_available");

    // The allowlist, on for ten minutes unless it is confirmed; it is.
    let entry = session.post(LIST, &json!({"cidr": "127.0.0.1", "label": "This machine"}));
    let entry = entry.data(201)["id"].as_str().unwrap().to_owned();
    let toggle = json!({"enabled": true, "confirm_within_minutes": 10});
    let enforced = session.post(&format!("{LIST}/toggle"), &toggle);
    assert!(enforced.data(200)["confirm_by"].is_string(), "{}", enforced.body);
    let from = |address: &str| {
        let answer = system.invoke("settings", "GET", "/api/settings", &secret, address);
        answer["statusCode"].as_u64().unwrap()
    };
    assert_eq!((from("127.0.0.1"), from("198.51.100.1")), (200, 403));
    let confirmed = session.post(&format!("{LIST}/confirm"), &json!({}));
    let status = session.get(&format!("{LIST}/status"));
    assert_eq!(confirmed.data(200)["confirm_by"], Value::Null);
    assert_eq!(
        (&status.data(200)["mode"], &status.body["data"]["confirm_by"]),
        (&json!("enforce"), &Value::Null)
    );
    assert_eq!((from("127.0.0.1"), from("198.51.100.1")), (200, 403));

    // Fewer days are told at once, and delete nothing for a day.
    let retention = "/api/settings/log-retention";
    let shorter = session.put(retention, &json!({"run_logs_days": 14}));
    assert_eq!(shorter.data(200)["run_logs_days"], 14);
    assert_eq!(program.get(retention).body["data"]["audit_logs_days"], 365);
    program.put(retention, &json!({"run_logs_days": 1})).expect(403, "insufficient_scope");

    // Each change is in the log, under its administrator.
    let by_admin = format!("{LOG}?actor={}&limit=100", admin.user_id);
    let page = program.get(&by_admin);
    let records = page.data(200).as_array().unwrap().clone();
    for record in &records {
        assert_eq!(record["actor"]["user_id"], admin.user_id.as_str(), "{record}");
    }
    let told = changes(&records);
    let told: Vec<_> = told.into_iter().filter(|(action, _)| *action != "audit_log.read").collect();
    let actions: Vec<_> = told.iter().map(|(action, _)| *action).collect();
    let expected = [
        "log_retention.updated",
        "allowlist.confirmed",
        "allowlist.toggled",
        "allowlist.entry_added",
        "settings.updated",
        "api_key.created",
        "session.created",
    ];
    assert_eq!(actions, expected);
    assert_eq!(told[0].1["run_logs_days"], json!({"from": 30, "to": 14}));
    assert_eq!(told[3].1["cidr"]["to"], "127.0.0.1/32");
    assert_eq!(told[4].1["default_timezone"]["to"], "Europe/Lisbon");
    assert_eq!(records.iter().filter(|it| it["target"] == entry.as_str()).count(), 1);

    // Filtered, paged and as NDJSON it is the same.
    for (index, action) in expected.iter().enumerate() {
        let one = program.get(&format!("{LOG}?action={action}"));
        let [record] = &one.data(200).as_array().unwrap()[..] else { panic!("{}", one.body) };
        assert_eq!((record["action"].as_str(), &record["changes"]), (Some(*action), told[index].1));
    }
    let (mut paged, mut path) = (Vec::new(), format!("{LOG}?action=audit_log.read&limit=3"));
    loop {
        let page = program.get(&path);
        paged.extend(page.data(200).as_array().unwrap().iter().map(|it| it["id"].clone()));
        let Some(cursor) = page.body["meta"]["next_cursor"].as_str() else { break };
        path = format!("{LOG}?action=audit_log.read&limit=3&cursor={cursor}");
    }
    // One reading of all, and one each by action.
    assert_eq!(paged.len(), 1 + expected.len());
    let lines = program.lines(&by_admin);
    let lines: Vec<_> =
        lines.into_iter().filter(|line| line["action"] != "audit_log.read").collect();
    let kept: Vec<_> =
        records.into_iter().filter(|record| record["action"] != "audit_log.read").collect();
    assert_eq!(lines, kept);

    // From elsewhere nobody reads it, and the list is off again at the administrator's word.
    let outside = system.invoke("audit-log", "GET", LOG, &secret, "198.51.100.1");
    assert_eq!(outside["statusCode"], 403);
    let off = session.post(&format!("{LIST}/toggle"), &json!({"enabled": false}));
    assert_eq!(off.data(200)["enabled"], false);
    assert_eq!(from("198.51.100.1"), 200);
}
