//! What each route costs at the table, and how long its log line is.

use serde_json::{Value, json};
use shared::model::user::{MAX_API_KEYS, MAX_SESSIONS};

use crate::{
    report::Report,
    second_factor::App,
    service::{PASSWORD, PREFERENCE, Service, text, text_in},
};

/// The longest log line of a request, in bytes.
const LINE: usize = 300;

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section("Table calls, capacity units and log line of every route (bounds: a read 1 call and 3 units, 4 for one preference, the audit log 3 calls, a write 2 calls, with the allowlist's entries or notifications 1 call more, a line 300 bytes)");
    for (index, (function, method, path, body)) in routes().into_iter().enumerate() {
        let slug = format!("cost-{index}");
        let email = text_in(&service.found(&slug).await["user"], "email");
        let instance = service.instance(function);
        let session = service.sign_in(&service.instance("sessions"), &email).await;
        let body = match body {
            Some(body) => Some(filled(service, path, body, &email, &session).await),
            None => None,
        };
        let id = match function {
            "sessions" => other_session(service, &email, &session).await,
            "ip-whitelist" => service.add_entry(&session, "10.0.0.0/8").await,
            "notifications" => service.notification(&session, path).await,
            _ => service.create_key(&service.instance("api-keys"), &session).await.0,
        };
        if path.ends_with("/confirm") {
            service.enforce_allowlist(&session).await;
        }
        if function == "user-preferences" {
            service.set_preference(&session).await;
        }
        let filled = path.replace("{id}", &id).replace("{key}", PREFERENCE);
        let answer = instance.call(method, &filled, &session, body.as_ref()).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.body);
        let lines = instance.requests();
        let line = lines.last().unwrap();
        let record: Value = serde_json::from_str(line).unwrap();
        let (calls, units) = (record["calls"].as_u64().unwrap(), record["units"].as_f64().unwrap());
        let good = match (method, path) {
            (_, "/api/login" | "/api/login/mfa") => calls <= 3,
            // It is looked for in an item of its own, too.
            ("GET", "/api/user-preferences/{key}") => calls == 1 && units <= 4.0,
            // The entries are a call of their own, before a write, too.
            ("GET", "/api/settings/ip-whitelist") | (_, "/api/settings/ip-whitelist/check") => {
                calls == 2 && units <= 3.0
            }
            (_, "/api/settings/ip-whitelist" | "/api/settings/ip-whitelist/{id}")
            // The log is queried, and written into.
            | ("GET", "/api/audit-log") => calls == 3,
            // So are channels and rules, or the one that is asked for.
            ("GET", path) if path.starts_with("/api/notifications/") => calls == 2 && units <= 3.0,
            (_, path) if path.starts_with("/api/notifications/") => calls == 3,
            ("GET", _) => calls == 1 && units <= 3.0,
            _ => calls == 2,
        };
        let value = format!("{calls} calls, {units:>4} units, {} bytes", line.len());
        report.check(&format!("{method} {path}"), &value, good && line.len() <= LINE);
    }
    for length in [20, 100] {
        heaviest(service, report, length).await;
    }
}

/// What a read costs a user who has as many keys and sessions as one can, the keys with names of this
/// length.
async fn heaviest(service: &Service, report: &mut Report, length: usize) {
    let email = text_in(&service.found(&format!("heaviest-{length}")).await["user"], "email");
    let (sessions, api_keys) = (service.instance("sessions"), service.instance("api-keys"));
    let mut session = String::new();
    for _ in 0..MAX_SESSIONS {
        session = service.sign_in(&sessions, &email).await;
    }
    let key = json!({
        "name": "n".repeat(length), "scopes": ["profile:read", "settings:read"], "expires_in_days": 365,
    });
    for _ in 0..MAX_API_KEYS {
        let made = api_keys.call("POST", "/api/user/api-keys", &session, Some(&key)).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    api_keys.call("GET", "/api/user/api-keys", &session, None).await;
    let record: Value = serde_json::from_str(api_keys.requests().last().unwrap()).unwrap();
    let value = format!("{} calls, {:>4} units", record["calls"], record["units"]);
    let name = format!("a read with 50 keys named in {length}, and 20 sessions");
    report.check(&name, &value, length > 20 || record["units"].as_f64() <= Some(3.0));
}

async fn other_session(service: &Service, email: &str, session: &str) -> String {
    let sessions = service.instance("sessions");
    let login = json!({"email": email, "password": PASSWORD});
    sessions.call("POST", "/api/login", "", Some(&login)).await;
    let list = sessions.call("GET", "/api/user/sessions", session, None).await;
    let other = list.body["data"].as_array().unwrap().iter().find(|it| it["current"] == false);
    other.map_or_else(String::new, |other| other["id"].as_str().unwrap().to_owned())
}

/// A body with what only a running service can tell: an address, a challenge, a code.
async fn filled(
    service: &Service,
    path: &str,
    mut body: Value,
    email: &str,
    session: &str,
) -> Value {
    if body.get("email").is_some() {
        body["email"] = email.into();
    }
    match path {
        "/api/notifications/rules" => {
            body["channel_ids"] =
                json!([service.notification(session, "/api/notifications/channels").await]);
        }
        "/api/user/mfa/verify" => {
            let (id, app) = App::enroll(&service.instance("mfa"), session).await;
            body = json!({"enrollment_id": id, "code": app.code(0)});
        }
        "/api/user/mfa/disable" | "/api/user/mfa/backup-codes" => {
            body["code"] = App::enable(service, session).await.code(0).into();
        }
        "/api/login/mfa" => {
            let app = App::enable(service, session).await;
            let login = json!({"email": email, "password": PASSWORD});
            let sessions = service.instance("sessions");
            let answer = sessions.call("POST", "/api/login", "", Some(&login)).await;
            let id = text(&answer.body, "challenge_id");
            body = json!({"challenge_id": id, "code": app.code(0)});
        }
        _ => {}
    }
    body
}

fn routes() -> Vec<(&'static str, &'static str, &'static str, Option<Value>)> {
    let login = json!({"email": "", "password": PASSWORD});
    let password =
        json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
    let key = json!({"name": "Bench", "scopes": ["profile:read"]});
    let timeout = json!({"idle_timeout_minutes": 30, "absolute_timeout_minutes": 720});
    let entry = json!({"cidr": "203.0.113.0/24", "label": "Corporate egress"});
    let report = json!({"enabled": true, "mode": "report_only"});
    let address = json!({"ip": "203.0.113.7"});
    let workspace = json!({"workspace": "acme", "channel": "C01234567"});
    let slack = json!({"type": "slack", "name": "#data-alerts", "config": workspace});
    let rule = json!({"name": "Queues", "event": "dlq.*", "channel_ids": []});
    let retention = json!({"run_logs_days": 14, "diagnostic_artifacts_days": 14});
    vec![
        ("sessions", "POST", "/api/login", Some(login)),
        ("sessions", "POST", "/api/login/mfa", Some(json!({}))),
        ("sessions", "POST", "/api/session/reauthenticate", Some(json!({"password": PASSWORD}))),
        ("sessions", "GET", "/api/user/sessions", None),
        ("sessions", "DELETE", "/api/user/sessions/{id}", None),
        ("sessions", "POST", "/api/logout", None),
        ("profile", "GET", "/api/user/profile", None),
        ("profile", "PUT", "/api/user/profile", Some(json!({"display_name": "Ada L."}))),
        ("mfa", "GET", "/api/user/mfa", None),
        ("mfa", "POST", "/api/user/mfa/enable", Some(json!({"method": "totp"}))),
        ("mfa", "POST", "/api/user/mfa/verify", Some(json!({}))),
        ("mfa", "POST", "/api/user/mfa/backup-codes", Some(json!({"password": PASSWORD}))),
        ("mfa", "POST", "/api/user/mfa/disable", Some(json!({"password": PASSWORD}))),
        ("api-keys", "GET", "/api/user/api-keys", None),
        ("api-keys", "POST", "/api/user/api-keys", Some(key)),
        ("api-keys", "GET", "/api/user/api-keys/{id}", None),
        ("api-keys", "POST", "/api/user/api-keys/{id}/regenerate", Some(json!({}))),
        ("api-keys", "DELETE", "/api/user/api-keys/{id}", None),
        ("session-timeout", "GET", "/api/user/session-timeout", None),
        ("session-timeout", "PUT", "/api/user/session-timeout", Some(timeout)),
        ("log-retention", "GET", "/api/settings/log-retention", None),
        ("log-retention", "PUT", "/api/settings/log-retention", Some(retention)),
        ("user-preferences", "GET", "/api/user-preferences", None),
        ("user-preferences", "GET", "/api/user-preferences/{key}", None),
        ("user-preferences", "PUT", "/api/user-preferences/{key}", Some(json!({"value": false}))),
        ("user-preferences", "DELETE", "/api/user-preferences/{key}", None),
        ("settings", "GET", "/api/settings", None),
        ("settings", "PUT", "/api/settings", Some(json!({"default_timezone": "Europe/Paris"}))),
        ("settings", "GET", "/api/settings/all", None),
        ("audit-log", "GET", "/api/audit-log", None),
        ("ip-whitelist", "GET", "/api/settings/ip-whitelist", None),
        ("ip-whitelist", "POST", "/api/settings/ip-whitelist", Some(entry)),
        ("ip-whitelist", "DELETE", "/api/settings/ip-whitelist/{id}", None),
        ("ip-whitelist", "GET", "/api/settings/ip-whitelist/status", None),
        ("ip-whitelist", "POST", "/api/settings/ip-whitelist/toggle", Some(report)),
        ("ip-whitelist", "POST", "/api/settings/ip-whitelist/check", Some(address)),
        ("ip-whitelist", "POST", "/api/settings/ip-whitelist/confirm", None),
        ("notifications", "GET", "/api/notifications/channels", None),
        ("notifications", "POST", "/api/notifications/channels", Some(slack)),
        ("notifications", "GET", "/api/notifications/channels/{id}", None),
        ("notifications", "PUT", "/api/notifications/channels/{id}", Some(json!({"name": "B"}))),
        ("notifications", "DELETE", "/api/notifications/channels/{id}", None),
        ("notifications", "POST", "/api/notifications/channels/{id}/test", None),
        ("notifications", "POST", "/api/notifications/channels/{id}/rotate-secret", None),
        ("notifications", "GET", "/api/notifications/rules", None),
        ("notifications", "POST", "/api/notifications/rules", Some(rule)),
        ("notifications", "GET", "/api/notifications/rules/{id}", None),
        ("notifications", "DELETE", "/api/notifications/rules/{id}", None),
        (
            "notifications",
            "POST",
            "/api/notifications/events",
            Some(json!({"type": "dlq.drained"})),
        ),
        ("notifications", "GET", "/api/notifications/deliveries/{id}", None),
        ("organization", "GET", "/api/organization", None),
        ("organization", "GET", "/api/organization/features", None),
        ("organization", "GET", "/api/organization/limits", None),
        ("organization", "GET", "/api/organization/subscription", None),
        ("profile", "POST", "/api/user/password", Some(password)),
    ]
}
