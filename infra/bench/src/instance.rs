//! One running instance of a function.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::runtime_api::{Caller, RuntimeApi, now};

/// A running function. Its process ends with the value.
pub(crate) struct Instance {
    pub(crate) name: String,
    child: Child,
    caller: Caller,
    log: PathBuf,
    spawned: Instant,
}

/// An answer of an HTTP function.
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) body: Value,
}

/// The compiled function of that name.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = Path::new("target/release").join(name);
    assert!(path.exists(), "{} is missing: run `make bench`, which builds it", path.display());
    path
}

impl Instance {
    /// Starts a function; it need not be ready yet.
    pub(crate) fn start(api: &RuntimeApi, engine: &str, secrets: &str, name: &str) -> Self {
        let (address, caller) = api.open();
        let log = std::env::temp_dir().join(format!("bench-{}", address.replace([':', '/'], "-")));
        let output = fs::File::create(&log).unwrap();
        let mut command = Command::new(binary(name));
        command.env_clear().envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", engine),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
            ("TABLE_NAME", crate::service::TABLE),
            ("SECRET_ID", "bench"),
            ("NOTIFICATION_SECRET_ID", "bench"),
        ]);
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let spawned = now();
        let child = command.spawn().unwrap();
        Self { name: name.to_owned(), child, caller, log, spawned }
    }

    /// Waits until it is ready; how long it took from its spawn to its first poll.
    pub(crate) async fn ready(&self) -> Duration {
        self.caller.first_poll().await - self.spawned
    }

    /// Sends an event as it is.
    pub(crate) async fn invoke(&self, event: &Value) -> Value {
        self.caller.invoke(&event.to_string()).await
    }

    /// Sends an HTTP request, in API Gateway's form.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let answer = self.invoke(&event(method, path, token, body)).await;
        let text = answer["body"].as_str().unwrap_or_default();
        Answer {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            body: serde_json::from_str(text).unwrap_or_default(),
        }
    }

    /// How long an event takes, from its being sent to the answer's being read.
    pub(crate) async fn time(&self, event: &str) -> Duration {
        let started = now();
        let answer = self.caller.invoke(event).await;
        let took = now() - started;
        assert_eq!(answer["statusCode"], 200, "{}: {answer}", self.name);
        took
    }

    /// The memory that the process has in RAM, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How long an event of any kind takes, and its answer.
    pub(crate) async fn time_any(&self, event: &Value) -> (Duration, Value) {
        let started = now();
        let answer = self.invoke(event).await;
        (now() - started, answer)
    }

    /// The last line of its log that says so.
    pub(crate) fn said(&self, message: &str) -> Value {
        let log = fs::read_to_string(&self.log).unwrap();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines.rfind(|line| line["message"] == message);
        line.unwrap_or_else(|| panic!("{} has not said {message}", self.name))
    }

    /// The lines of its log that tell of requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap();
        log.lines().filter(|line| line.contains("\"route\"")).map(str::to_owned).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended by itself; the log is of no more use.
        let _ = (self.child.kill(), self.child.wait(), fs::remove_file(&self.log));
    }
}

/// An event as API Gateway sends it.
pub(crate) fn event(method: &str, path: &str, token: &str, body: Option<&Value>) -> Value {
    let mut headers = json!({
        "accept": "*/*", "host": "api.example.com", "user-agent": "curl/8.5.0",
        "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
    });
    if !token.is_empty() {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    if body.is_some() {
        headers["content-type"] = "application/json".into();
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com",
            "domainPrefix": "api", "requestId": "gateway-id", "routeKey": "$default",
            "stage": "$default", "time": "27/Mar/2026:15:00:00 +0000", "timeEpoch": 0,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "curl/8.5.0",
            },
        },
        "body": body.map(ToString::to_string),
        "isBase64Encoded": false,
    })
}
