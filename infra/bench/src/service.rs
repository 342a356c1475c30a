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
pub(crate) const FUNCTIONS: [&str; 4] = ["organization", "sessions", "profile", "api-keys"];

/// The administrator's password.
pub(crate) const PASSWORD: &str = "gravel-umbrella-tenor-9-lichen";

/// What the functions run against.
pub(crate) struct Service {
    api: RuntimeApi,
    engine: String,
    /// The organization.
    pub(crate) organization: String,
    /// A session of its administrator.
    pub(crate) session: String,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let engine = engine().await;
        let api = RuntimeApi::start().await;
        let mut service = Self { api, engine, organization: String::new(), session: String::new() };
        let operator = service.instance("operator");
        let created = operator
            .invoke(&json!({
                "action": "create_organization", "name": "Bench", "slug": "bench", "plan": "team",
                "billing_period": "monthly", "renewal_date": "2027-01-01", "data_residency": "eu",
                "features": ["lineage", "sso"], "limits": {"max_pipelines": 20, "max_connections": 10},
                "admin": {"email": "admin@bench.example", "display_name": "Ada", "password": PASSWORD},
            }))
            .await;
        let id = created["data"]["organization"]["id"].as_str();
        service.organization = id.unwrap_or_else(|| panic!("{created}")).to_owned();
        let sessions = service.instance("sessions");
        service.session = service.sign_in(&sessions).await;
        service
    }

    /// Starts an instance of a function.
    pub(crate) fn instance(&self, name: &str) -> Instance {
        Instance::start(&self.api, &self.engine, name)
    }

    /// Signs the administrator in.
    pub(crate) async fn sign_in(&self, sessions: &Instance) -> String {
        let login = json!({"email": "admin@bench.example", "password": PASSWORD});
        let answer = sessions.call("POST", "/api/login", "", Some(&login)).await;
        text(&answer.body, "access_token")
    }

    /// Makes an API key; its id and its secret.
    pub(crate) async fn create_key(&self, api_keys: &Instance) -> (String, String) {
        let body = json!({"name": "Bench", "scopes": ["profile:read", "organization:read"]});
        let answer = api_keys.call("POST", "/api/user/api-keys", &self.session, Some(&body)).await;
        (text(&answer.body, "id"), text(&answer.body, "secret"))
    }
}

/// A text in an answer's `data`.
pub(crate) fn text(body: &Value, name: &str) -> String {
    body["data"][name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned()
}

/// An engine in memory with the template's table, but for the stream: the engine writes to it ever
/// slower.
async fn engine() -> String {
    let template = Template::load(Path::new("template.yaml")).unwrap();
    let mut table = template.create_table(TABLE);
    table.as_object_mut().unwrap().remove("StreamSpecification");
    let database = Database::memory().unwrap();
    database.create_table(serde_json::from_value(table).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    url
}
