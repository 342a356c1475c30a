//! Requests over HTTP.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::Person;

/// A client with or without a credential.
#[derive(Clone)]
pub struct Client {
    api: String,
    agent: ureq::Agent,
    headers: Vec<(&'static str, String)>,
}

/// Sends the same request from several threads at once.
pub fn at_once(count: usize, send: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; `null` where there is none.
    pub body: Value,
    /// Whether it is a replay.
    pub replayed: bool,
}

impl Client {
    pub(crate) fn new(api: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .new_agent();
        Self { api: api.to_owned(), agent, headers: Vec::new() }
    }

    /// The same client with a token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// The same client with a header.
    #[must_use]
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.into()));
        client
    }

    /// The same client, signed in.
    #[must_use]
    pub fn sign_in(&self, person: &Person) -> Self {
        let login = json!({"email": person.email, "password": person.password});
        let answer = self.post("/api/login", &login);
        self.bearer(answer.data(200)["access_token"].as_str().unwrap())
    }

    /// A `GET`.
    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.api));
        read(self.headers.iter().fold(request, |it, (name, value)| it.header(*name, value)).call())
    }

    /// A `GET` that asks for NDJSON: a value a line.
    pub fn lines(&self, path: &str) -> Vec<Value> {
        let request = self.agent.get(format!("{}{path}", self.api));
        let headers = self.headers.iter();
        let request = headers.fold(request, |it, (name, value)| it.header(*name, value));
        let mut response = request.header("accept", "application/x-ndjson").call().unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let text = response.body_mut().read_to_string().unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        let request = self.agent.delete(format!("{}{path}", self.api));
        read(self.headers.iter().fold(request, |it, (name, value)| it.header(*name, value)).call())
    }

    /// A `POST`.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.api));
        let request =
            self.headers.iter().fold(request, |it, (name, value)| it.header(*name, value));
        read(request.content_type("application/json").send(body.to_string()))
    }

    /// A `PUT`.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.put(format!("{}{path}", self.api));
        let request =
            self.headers.iter().fold(request, |it, (name, value)| it.header(*name, value));
        read(request.content_type("application/json").send(body.to_string()))
    }

    /// Makes an API key; its id and its secret.
    pub fn create_key(&self, scopes: &[&str]) -> (String, String) {
        let body = json!({"name": "Test key", "scopes": scopes});
        let answer = self.post("/api/user/api-keys", &body);
        let text = |name: &str| answer.data(201)[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }
}

impl Answer {
    /// The `data` of a success of that status.
    #[track_caller]
    pub fn data(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.body);
        &self.body["data"]
    }

    /// Asserts status and code.
    #[track_caller]
    pub fn expect(&self, status: u16, code: &str) {
        let own = self.body["code"].as_str().unwrap_or_default();
        assert_eq!((self.status, own), (status, code), "{}", self.body);
    }
}

fn read(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = result.unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    Answer {
        status: response.status().as_u16(),
        body: if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() },
        replayed: response.headers().contains_key("idempotent-replayed"),
    }
}
