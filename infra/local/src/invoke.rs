//! Invoking a function, as Lambda's own API is asked to.

use std::{fmt, time::Duration};

use serde_json::Value;

/// How long an invocation may take: Lambda's own bound, and a first build before it.
const LIMIT: Duration = Duration::from_mins(20);

/// Why an invocation has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The function could not be asked, so it has not failed.
    Unavailable(String),
    /// The function said so, or ended while at work.
    Function(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(formatter, "it did not answer: {reason}"),
            Self::Function(reason) => write!(formatter, "it failed: {reason}"),
        }
    }
}

/// What invokes functions.
pub trait Invoke: Send + Sync + 'static {
    /// Invokes a function by its name; what it answers.
    fn invoke(
        &self,
        function: &str,
        payload: Value,
    ) -> impl Future<Output = Result<Value, Failure>> + Send;
}

/// cargo-lambda's invoke API.
#[derive(Debug)]
pub struct Api {
    /// Where it listens.
    pub url: String,
}

impl Invoke for Api {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, Failure> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.url);
        let call = tokio::task::spawn_blocking(move || call(&url, &payload)).await;
        call.unwrap_or_else(|error| Err(Failure::Unavailable(error.to_string())))
    }
}

fn call(url: &str, payload: &Value) -> Result<Value, Failure> {
    let unavailable = |error: ureq::Error| Failure::Unavailable(error.to_string());
    let mut answer = ureq::post(url)
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(LIMIT))
        .build()
        .content_type("application/json")
        .send(payload.to_string())
        .map_err(unavailable)?;
    let text = answer.body_mut().read_to_string().map_err(unavailable)?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    // An error that a function returns, and one of its runtime, carry their message by this name.
    if let Some(message) = body["errorMessage"].as_str() {
        return Err(Failure::Function(message.to_owned()));
    }
    if answer.status().is_success() {
        Ok(body)
    } else {
        Err(Failure::Unavailable(format!("{} {text}", answer.status())))
    }
}
