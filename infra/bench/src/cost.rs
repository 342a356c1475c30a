//! What each route costs at the table, and how long its log line is.

use serde_json::{Value, json};

use crate::{
    report::Report,
    service::{PASSWORD, Service},
};

/// The longest log line of a request, in bytes.
const LINE: usize = 300;

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section("Table calls, capacity units and log line of every route (bounds: a read 1 call and 3 units, a write 2 calls, a line 300 bytes)");
    for (function, method, path, body) in routes() {
        let instance = service.instance(function);
        let session = service.sign_in(&service.instance("sessions")).await;
        let id = match function {
            "sessions" => other_session(service, &session).await,
            _ => service.create_key(&service.instance("api-keys")).await.0,
        };
        let answer =
            instance.call(method, &path.replace("{id}", &id), &session, body.as_ref()).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.body);
        let lines = instance.requests();
        let line = lines.last().unwrap();
        let record: Value = serde_json::from_str(line).unwrap();
        let (calls, units) = (record["calls"].as_u64().unwrap(), record["units"].as_f64().unwrap());
        let good = match (method, path) {
            (_, "/api/login") => calls <= 3,
            ("GET", _) => calls == 1 && units <= 3.0,
            _ => calls == 2,
        };
        let value = format!("{calls} calls, {units:>4} units, {} bytes", line.len());
        report.check(&format!("{method} {path}"), &value, good && line.len() <= LINE);
    }
}

async fn other_session(service: &Service, session: &str) -> String {
    let sessions = service.instance("sessions");
    service.sign_in(&sessions).await;
    let list = sessions.call("GET", "/api/user/sessions", session, None).await;
    let other = list.body["data"].as_array().unwrap().iter().find(|it| it["current"] == false);
    other.unwrap()["id"].as_str().unwrap().to_owned()
}

fn routes() -> Vec<(&'static str, &'static str, &'static str, Option<Value>)> {
    let login = json!({"email": "admin@bench.example", "password": PASSWORD});
    let password =
        json!({"current_password": PASSWORD, "new_password": "quartz-lantern-mosaic-ferry"});
    let key = json!({"name": "Bench", "scopes": ["profile:read"]});
    vec![
        ("sessions", "POST", "/api/login", Some(login)),
        ("sessions", "GET", "/api/user/sessions", None),
        ("sessions", "DELETE", "/api/user/sessions/{id}", None),
        ("sessions", "POST", "/api/logout", None),
        ("profile", "GET", "/api/user/profile", None),
        ("profile", "PUT", "/api/user/profile", Some(json!({"display_name": "Ada L."}))),
        ("api-keys", "GET", "/api/user/api-keys", None),
        ("api-keys", "POST", "/api/user/api-keys", Some(key)),
        ("api-keys", "GET", "/api/user/api-keys/{id}", None),
        ("api-keys", "POST", "/api/user/api-keys/{id}/regenerate", Some(json!({}))),
        ("api-keys", "DELETE", "/api/user/api-keys/{id}", None),
        ("organization", "GET", "/api/organization", None),
        ("organization", "GET", "/api/organization/features", None),
        ("organization", "GET", "/api/organization/limits", None),
        ("organization", "GET", "/api/organization/subscription", None),
        // The last one: what was signed in with the old password is over.
        ("profile", "POST", "/api/user/password", Some(password)),
    ]
}
