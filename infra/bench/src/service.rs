//! The engine, and an organization that the service itself has made.

use std::path::Path;

use dynoxide::Database;
use local_stack::template::Template;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{instance::Instance, runtime_api::RuntimeApi};

/// The table's name.
pub(crate) const TABLE: &str = "settings-bench";

/// The HTTP functions.
pub(crate) const FUNCTIONS: [&str; 12] = [
    "organization",
    "sessions",
    "profile",
    "mfa",
    "api-keys",
    "session-timeout",
    "user-preferences",
    "settings",
    "audit-log",
    "ip-whitelist",
    "log-retention",
    "notifications",
];

/// The functions without a route, and the reference's.
pub(crate) const OTHERS: [&str; 5] =
    ["operator", "retention-sweep", "notification-intake", "notification-delivery", "docs"];

/// The administrator's password.
pub(crate) const PASSWORD: &str = "gravel-umbrella-tenor-9-lichen";

/// The key of everybody's preference.
pub(crate) const PREFERENCE: &str = "canvas.snap_to_grid";

const NOTIFY_CHANNELS: &str = "/api/notifications/channels";

/// What the functions run against.
pub(crate) struct Service {
    api: RuntimeApi,
    engine: String,
    /// The engine, from within.
    pub(crate) database: Database,
    secrets: String,
    /// The organization.
    pub(crate) organization: String,
    /// Its administrator.
    pub(crate) user: String,
    /// A session of its administrator.
    pub(crate) session: String,
}

impl Service {
    /// Starts what they run against, with an engine in memory.
    pub(crate) async fn start() -> Self {
        Self::with(Database::memory().unwrap()).await
    }

    /// The same with this engine.
    pub(crate) async fn with(database: Database) -> Self {
        let (api, secrets) = (RuntimeApi::start().await, secrets().await);
        let engine = serve(&database).await;
        let (organization, user, session) = Default::default();
        let mut service = Self { api, engine, database, secrets, organization, user, session };
        let created = service.found("bench").await;
        service.organization = text_in(&created["organization"], "id");
        service.user = text_in(&created["user"], "id");
        let email = text_in(&created["user"], "email");
        service.session = service.sign_in(&service.instance("sessions"), &email).await;
        service
    }

    /// Founds an organization; it and its administrator as they are answered.
    pub(crate) async fn found(&self, slug: &str) -> Value {
        let email = format!("admin@{slug}.example");
        let created = self
            .instance("operator")
            .invoke(&json!({
                "action": "create_organization", "name": "Bench", "slug": slug, "plan": "team",
                "billing_period": "monthly", "renewal_date": "2027-01-01", "data_residency": "eu",
                "features": ["lineage", "sso"],
                "limits": {
                    "max_pipelines": 20, "max_connections": 10,
                    "max_requests_per_minute": 100_000_000,
                },
                "admin": {"email": email, "display_name": "Ada", "password": PASSWORD},
            }))
            .await;
        assert!(created["data"].is_object(), "{created}");
        created["data"].clone()
    }

    /// Starts an instance of a function.
    pub(crate) fn instance(&self, name: &str) -> Instance {
        Instance::start(&self.api, &self.engine, &self.secrets, name)
    }

    /// Signs an administrator in.
    pub(crate) async fn sign_in(&self, sessions: &Instance, email: &str) -> String {
        let login = json!({"email": email, "password": PASSWORD});
        let answer = sessions.call("POST", "/api/login", "", Some(&login)).await;
        text(&answer.body, "access_token")
    }

    /// Makes the administrator's sessions two minutes older in their last use: the next request of each
    /// has that noted, which is the one thing that a read writes.
    pub(crate) fn age_sessions(&self) {
        let partition = format!("USER#{}#{}", self.organization, self.user);
        let key = json!({"PK": {"S": partition}, "SK": {"S": "USER"}});
        let asked = json!({"TableName": TABLE, "Key": key});
        let read = self.database.get_item(serde_json::from_value(asked).unwrap()).unwrap();
        let read = serde_json::to_value(read).unwrap();
        for (id, session) in read["Item"]["sessions"]["M"].as_object().unwrap() {
            let last: u64 = session["M"]["l"]["N"].as_str().unwrap().parse().unwrap();
            let update = json!({
                "TableName": TABLE, "Key": key, "UpdateExpression": "SET sessions.#id.l = :last",
                "ExpressionAttributeNames": {"#id": id},
                "ExpressionAttributeValues": {":last": {"N": (last - 120).to_string()}},
            });
            self.database.update_item(serde_json::from_value(update).unwrap()).unwrap();
        }
    }

    /// Makes an API key; its id and its secret.
    pub(crate) async fn create_key(&self, api_keys: &Instance, session: &str) -> (String, String) {
        let body = json!({"name": "Bench", "scopes": ["profile:read", "organization:read"]});
        let answer = api_keys.call("POST", "/api/user/api-keys", session, Some(&body)).await;
        (text(&answer.body, "id"), text(&answer.body, "secret"))
    }

    /// Adds an entry to the allowlist; its id.
    pub(crate) async fn add_entry(&self, session: &str, cidr: &str) -> String {
        let (instance, body) = (self.instance("ip-whitelist"), json!({"cidr": cidr}));
        let answer = instance.call("POST", "/api/settings/ip-whitelist", session, Some(&body));
        text(&answer.await.body, "id")
    }

    /// Enforces an allowlist with the caller's address on it, to be confirmed.
    pub(crate) async fn enforce_allowlist(&self, session: &str) {
        self.add_entry(session, "192.0.2.0/24").await;
        let (instance, body) =
            (self.instance("ip-whitelist"), json!({"enabled": true, "confirm_within_minutes": 60}));
        let path = "/api/settings/ip-whitelist/toggle";
        let answer = instance.call("POST", path, session, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Creates a webhook, a rule and a test's delivery; the id of the one that a path is about.
    pub(crate) async fn notification(&self, session: &str, path: &str) -> String {
        let instance = self.instance("notifications");
        let config = json!({"url": "https://hooks.example.com/"});
        let channel = json!({"type": "webhook", "name": "Bench", "config": config});
        let answer = instance.call("POST", NOTIFY_CHANNELS, session, Some(&channel)).await;
        let channel = text(&answer.body, "id");
        match path.split('/').nth(3) {
            Some("rules") => {
                let body = json!({"name": "Rule", "event": "dlq.*", "channel_ids": [channel]});
                let path = "/api/notifications/rules";
                text(&instance.call("POST", path, session, Some(&body)).await.body, "id")
            }
            Some("deliveries") => {
                let path = format!("{NOTIFY_CHANNELS}/{channel}/test");
                text(&instance.call("POST", &path, session, None).await.body, "delivery_id")
            }
            _ => channel,
        }
    }

    /// Sets a preference.
    pub(crate) async fn set_preference(&self, session: &str) {
        let path = format!("/api/user-preferences/{PREFERENCE}");
        let instance = self.instance("user-preferences");
        let answer = instance.call("PUT", &path, session, Some(&json!({"value": true}))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// A text in an answer's `data`.
pub(crate) fn text(body: &Value, name: &str) -> String {
    text_in(&body["data"], name)
}

/// A text in an object.
pub(crate) fn text_in(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no {name} in {object}")).to_owned()
}

/// Makes the template's table, but for its stream, to which the engine writes ever slower, and serves
/// it; where.
async fn serve(database: &Database) -> String {
    let template = Template::load(Path::new("template.yaml")).unwrap();
    let mut table = template.create_table(TABLE);
    table.as_object_mut().unwrap().remove("StreamSpecification");
    database.create_table(serde_json::from_value(table).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    url
}

/// A Secrets Manager with one secret.
async fn secrets() -> String {
    let answer = json!({"SecretString": json!({"current": "k1", "k1": "material"}).to_string()});
    let answer = axum::routing::post(async move || axum::Json(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/", answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
