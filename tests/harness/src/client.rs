//! Requests as API Gateway sends them.

use axum::{Router, body::Body};
use lambda_http::{Context, RequestExt as _};
use serde_json::{Map, Value, json};
use shared::http::observe::observed;
use tower::ServiceExt as _;

use crate::{Answer, World, contract};

/// A client of one function's routes.
pub struct Client<'a> {
    world: &'a World,
    router: Router,
}

/// A request that is about to be sent.
pub struct Request<'a> {
    client: &'a Client<'a>,
    method: &'static str,
    path: String,
    headers: Map<String, Value>,
    body: Option<String>,
    address: Option<String>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(world: &'a World, router: Router) -> Self {
        Self { world, router: observed(router, world.app.clone()) }
    }

    /// A request. `path` may have a query string.
    #[must_use]
    pub fn request(&'a self, method: &'static str, path: impl Into<String>) -> Request<'a> {
        Request {
            client: self,
            method,
            path: path.into(),
            headers: Map::new(),
            body: None,
            address: Some("192.0.2.1".to_owned()),
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(&'a self, path: impl Into<String>) -> Request<'a> {
        self.request("GET", path)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(&'a self, path: impl Into<String>) -> Request<'a> {
        self.request("POST", path)
    }

    /// A `PUT`.
    #[must_use]
    pub fn put(&'a self, path: impl Into<String>) -> Request<'a> {
        self.request("PUT", path)
    }

    /// A `DELETE`.
    #[must_use]
    pub fn delete(&'a self, path: impl Into<String>) -> Request<'a> {
        self.request("DELETE", path)
    }
}

impl Request<'_> {
    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_lowercase(), Value::String(value.into()));
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// With a JSON body.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").text(body.to_string())
    }

    /// With a body, and no type.
    #[must_use]
    pub fn text(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// From another address than 192.0.2.1.
    #[must_use]
    pub fn from_address(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    /// From an address that the gateway does not tell.
    #[must_use]
    pub fn from_nowhere(mut self) -> Self {
        self.address = None;
        self
    }

    /// Sends the request, checks what every answer must have, and waits for the work that no
    /// answer waits for.
    pub async fn send(self) -> Answer {
        let answer = self.send_any().await;
        assert!(answer.status < 500, "{} {}", answer.status, answer.body);
        answer
    }

    /// The same for a request that is made to fail.
    pub async fn send_any(self) -> Answer {
        let Self { client, method, path, headers, body, address } = self;
        let (world, secrets) = (client.world, secrets(&headers, body.as_deref()));
        let (raw_path, query) = path.split_once('?').unwrap_or((&path, ""));
        let mut http = json!({"method": method, "path": raw_path, "protocol": "HTTP/1.1", "userAgent": "harness"});
        if let Some(address) = address {
            http["sourceIp"] = address.into();
        }
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": raw_path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com",
                "domainPrefix": "api", "http": http, "requestId": "gateway-id",
                "routeKey": "$default", "stage": "$default",
                "time": "27/Mar/2026:15:00:00 +0000", "timeEpoch": 1_774_623_600_000_i64,
            },
            "body": body,
            "isBase64Encoded": false,
        });
        let mut context = Context::default();
        "7d4e1d1c-0a5c-4f0e-9b8e-2f6a1f6c9a11".clone_into(&mut context.request_id);
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let (parts, body) = request.with_lambda_context(context).into_parts();
        let request = axum::http::Request::from_parts(parts, Body::from(body.to_vec()));
        let response = client.router.clone().oneshot(request).await.unwrap();
        let answer = Answer::read(response, &world.log).await;
        contract::check(method, raw_path, &answer);
        world.app.background.settle().await;
        let lines = world.log.lines().join("\n");
        for secret in secrets.iter().chain(&answer.secrets()) {
            assert!(!is_in(&lines, secret), "a secret is in the log: {lines}");
        }
        assert!(!lines.contains('@'), "an e-mail address is in the log: {lines}");
        answer
    }
}

/// What a request carries that must not be in the log.
fn secrets(headers: &Map<String, Value>, body: Option<&str>) -> Vec<String> {
    let mut secrets = Vec::new();
    for name in ["authorization", "x-planasonix-api-key", "idempotency-key"] {
        if let Some(value) = headers.get(name).and_then(Value::as_str) {
            secrets.extend(value.rsplit(' ').next().map(ToOwned::to_owned));
        }
    }
    let body = body.and_then(|body| serde_json::from_str::<Value>(body).ok()).unwrap_or_default();
    for name in ["password", "current_password", "new_password", "challenge_id", "code"] {
        secrets.extend(body[name].as_str().map(ToOwned::to_owned));
    }
    for name in ["routing_key", "webhook_url"] {
        secrets.extend(body["config"][name].as_str().map(ToOwned::to_owned));
    }
    secrets.retain(|secret| secret.len() > 5);
    secrets
}

/// Whether a secret is in a text. One as short as a code's six digits could stand in an id by
/// chance, so it has to stand there as a word.
fn is_in(text: &str, secret: &str) -> bool {
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    match secret.len() {
        ..8 => words.any(|word| word == secret),
        8.. => text.contains(secret) || words.any(|word| word == secret.replace('-', "")),
    }
}
