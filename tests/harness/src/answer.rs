//! Answers, and what all of them must have.

use axum::{
    body::Body,
    http::{HeaderMap, Response},
};
use serde_json::Value;

use crate::Log;

/// An answer that has what every answer must have.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` where there is none, and an array where it is one JSON text a line.
    pub body: Value,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    /// How many calls to the table the request made, as its log line says.
    pub calls: u64,
    /// How many capacity units they took, as its log line says.
    pub units: f64,
    /// Whether the use of the credential was noted beside.
    pub touched: bool,
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>, log: &Log) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let json = |text: &[u8]| serde_json::from_slice(text).expect("every body is JSON");
        let kind = parts.headers.get("content-type").map(|kind| kind.to_str().unwrap());
        let body = if kind == Some("application/x-ndjson") {
            bytes.split_inclusive(|byte| *byte == b'\n').map(json).collect()
        } else if bytes.is_empty() {
            Value::Null
        } else {
            json(&bytes)
        };
        let (line, record) = log.last_request();
        assert!(line.len() <= 300, "{} bytes: {line}", line.len());
        let answer = Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            bytes,
            calls: record["calls"].as_u64().unwrap(),
            units: record["units"].as_f64().unwrap(),
            touched: record["touch"].as_bool().unwrap_or(false),
        };
        assert_eq!(record["status"], answer.status);
        answer.check();
        answer
    }

    fn check(&self) {
        let id = self.header("x-request-id").unwrap();
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let told = [self.header("session-idle-expires"), self.header("session-expires")];
        assert!(told.iter().all(Option::is_some) || told.iter().all(Option::is_none), "{told:?}");
        if self.status < 400 {
            return;
        }
        assert!(self.status != 401 || told[0].is_none(), "no session is alive after a 401");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"], id);
        for name in ["type", "title", "detail", "code"] {
            assert!(self.body[name].is_string(), "{name} is missing: {}", self.body);
        }
        let expects = |status, name| {
            let present = self.header(name).is_some();
            assert_eq!(self.status == status, present, "{name} with a {}", self.status);
        };
        expects(401, "www-authenticate");
        expects(405, "allow");
        let waits = self.header("retry-after").is_some();
        assert_eq!(matches!(self.status, 429 | 503), waits, "retry-after with a {}", self.status);
        let faults = self.body["errors"].as_array();
        assert_eq!(
            faults.is_some(),
            matches!(self.code(), "validation_failed" | "malformed_query")
        );
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A problem's code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// The pointers and codes of all faults.
    #[must_use]
    pub fn faults(&self) -> Vec<(&str, &str)> {
        self.body["errors"]
            .as_array()
            .map(|faults| {
                faults
                    .iter()
                    .map(|fault| {
                        (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap())
                    })
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Asserts status and code.
    #[track_caller]
    pub fn expect(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.body);
        self
    }

    /// Asserts a 422 with exactly these faults, ordered by pointer.
    #[track_caller]
    pub fn expect_faults(&self, faults: &[(&str, &str)]) -> &Self {
        self.expect(422, "validation_failed");
        assert_eq!(self.faults(), faults, "{}", self.body);
        self
    }

    /// Asserts what the request has cost.
    #[track_caller]
    pub fn expect_cost(&self, calls: u64, units: f64) -> &Self {
        assert_eq!((self.calls, self.units), (calls, units), "calls and capacity units");
        self
    }

    /// The `data` of a success of that status.
    #[track_caller]
    #[must_use]
    pub fn data(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.body);
        &self.body["data"]
    }

    /// A text in the `data` of a success of that status.
    #[track_caller]
    #[must_use]
    pub fn text(&self, status: u16, name: &str) -> String {
        self.data(status)[name].as_str().expect("no such text").to_owned()
    }

    /// What the answer shows once.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let data = &self.body["data"];
        let texts = ["secret", "signing_secret", "otpauth_uri", "access_token", "challenge_id"]
            .map(|it| &data[it]);
        let codes = data["backup_codes"].as_array().into_iter().flatten();
        texts.into_iter().chain(codes).filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    }
}
