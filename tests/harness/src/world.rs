//! Two organizations on an engine of their own.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};
use aws_types::SdkConfig;
use serde_json::Value;
use shared::{
    auth::{password::Hasher, rate::Rates},
    call::{App, Background},
    clock::{Clock, Timestamp},
    secrets::{self, Keyring, SecretValue},
    settings::Settings,
    store::{Direct, Store},
};
use tracing::subscriber::DefaultGuard;

use crate::{
    Access, Client, Fault, Log, Person, TestClock, TestRandom,
    engine::{Engine, TABLE},
    faults::{DirectConnector, FaultyClient, Orders},
    people::{ACME, GLOBEX, found},
};

/// The key material behind the world's keyring.
const SECRET: &str =
    r#"{"current":"k2","k1":"an older key's material","k2":"the present key's material"}"#;

/// The secret's value, as Secrets Manager has it.
type Secret = Arc<Mutex<String>>;

/// Two organizations, Acme and Globex, on an engine of their own.
pub struct World {
    /// The time; it stands still until it is turned.
    pub clock: Arc<TestClock>,
    /// What the functions work with.
    pub app: App,
    /// What was logged.
    pub log: Log,
    /// Acme's administrator.
    pub admin: Person,
    /// Acme's pipeline editor.
    pub editor: Person,
    /// Acme's viewer.
    pub viewer: Person,
    /// Globex's administrator: another tenant.
    pub stranger: Person,
    pub(crate) engine: Engine,
    pub(crate) orders: Orders,
    secret_orders: Orders,
    secret: Secret,
    deployment: Secret,
    _subscriber: DefaultGuard,
}

impl World {
    /// A new world. It has to be made on a current-thread runtime: the log is the thread's.
    pub async fn new() -> Self {
        let log = Log::default();
        let subscriber = shared::bootstrap::log_to(log.writer(), "info");
        let guard = tracing::subscriber::set_default(subscriber);
        let engine = Engine::start().await;
        let (orders, secret_orders) = (Orders::default(), Orders::default());
        let clock = Arc::new(TestClock::new());
        let secret: Secret = Arc::new(Mutex::new(SECRET.to_owned()));
        let client = secrets_client(secret_orders.clone(), Arc::clone(&secret));
        let app = App {
            store: table(&engine.url, &orders),
            clock: clock.clone(),
            random: Arc::new(TestRandom::default()),
            settings: Settings::default(),
            background: Background::default(),
            rates: Rates::default(),
            passwords: Hasher::new(1024).unwrap(),
            keyring: Keyring::new(move || client, "secret", clock.clone()),
        };
        let [admin, editor, viewer] = found(&app, "Acme Analytics", "acme-analytics", ACME).await;
        let [stranger] = found(&app, "Globex", "globex", GLOBEX).await;
        Self {
            clock,
            app,
            log,
            admin,
            editor,
            viewer,
            stranger,
            engine,
            orders,
            secret_orders,
            secret,
            deployment: Arc::new(Mutex::new("{}".to_owned())),
            _subscriber: guard,
        }
    }

    /// A client of one function's routes.
    #[must_use]
    pub fn client(&self, router: axum::Router) -> Client<'_> {
        Client::new(self, router)
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Orders what goes wrong with the next calls of that name, such as `BatchGetItem`.
    pub fn order(&self, call: &'static str, fault: Fault, times: usize) {
        self.orders.push(call, fault, times);
    }

    /// Lets the next `count` calls of that name set out when all of them are there, and not
    /// before: requests that race for the same item have then all read it as it was.
    pub fn gather(&self, call: &'static str, count: usize) {
        self.orders.gather(call, count);
    }

    /// Orders what goes wrong with the next fetches of the secret.
    pub fn order_secret(&self, fault: Fault, times: usize) {
        self.secret_orders.push("GetSecretValue", fault, times);
    }

    /// Puts another value into the secret. Who has fetched it keeps it for a while.
    pub fn set_secret(&self, value: &Value) {
        *self.secret.lock().unwrap() = value.to_string();
    }

    /// A secret of the deployment besides that of the keys, as an instance that has just started has it.
    #[must_use]
    pub fn deployment<T: SecretValue>(&self) -> secrets::Secret<T> {
        let client = secrets_client(self.secret_orders.clone(), Arc::clone(&self.deployment));
        secrets::Secret::new(move || client, "deployment", self.clock.clone())
    }

    /// Puts another value into that secret.
    pub fn set_deployment(&self, value: &Value) {
        *self.deployment.lock().unwrap() = value.to_string();
    }

    /// The items whose partition key begins like that, as the table's stream tells that they are new.
    #[must_use]
    pub fn inserts(&self, partition: &str) -> Vec<Value> {
        let under = |item: &&Value| item["PK"]["S"].as_str().unwrap().starts_with(partition);
        let items = self.engine.items();
        let record = |(number, item): (usize, &Value)| {
            serde_json::json!({
                "eventID": number.to_string(),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {"PK": item["PK"], "SK": item["SK"]},
                    "NewImage": item,
                    "SequenceNumber": number.to_string(),
                },
            })
        };
        items.iter().filter(under).enumerate().map(record).collect()
    }

    /// Runs work on an instance that dies at its call after the first `calls`; its output, where it
    /// was done before.
    pub async fn until_death<T>(&self, calls: usize, work: impl Future<Output = T>) -> Option<T> {
        self.orders.die_after(Some(calls));
        let output = tokio::select! {
            output = work => Some(output),
            () = self.orders.death() => None,
        };
        self.orders.die_after(None);
        output
    }

    /// The names and bodies of the calls to the table since they were last taken.
    #[must_use]
    pub fn take_calls(&self) -> Vec<(String, Value)> {
        let calls = self.orders.take_calls().into_iter();
        calls.map(|(name, body)| (name, serde_json::from_slice(&body).unwrap())).collect()
    }

    /// What was asked of the table since that was last forgotten.
    #[must_use]
    pub fn accesses(&self) -> BTreeSet<Access> {
        self.orders.accesses().clone()
    }

    /// Forgets what was asked of the table.
    pub fn forget_accesses(&self) {
        self.orders.accesses().clear();
    }

    /// From here on clients are of an instance that has just started: it has no secret yet, and has counted no
    /// requests.
    pub fn start_anew(&mut self) {
        let client = secrets_client(self.secret_orders.clone(), Arc::clone(&self.secret));
        self.app.keyring = Keyring::new(move || client, "secret", self.clock.clone());
        self.app.rates = Rates::default();
    }

    /// Takes back all orders.
    pub fn heal(&self) {
        self.orders.clear();
        self.secret_orders.clear();
    }
}

fn table(url: &str, orders: &Orders) -> Store {
    let sdk = sdk_config(url, orders.clone());
    let inner = SharedHttpConnector::new(aws_smithy_http_client::Connector::builder().build_http());
    let connector = SharedHttpConnector::new(DirectConnector { inner, orders: orders.clone() });
    let direct = Direct::new(connector, credentials(), "us-east-1", Some(url.to_owned()));
    Store::new(move || aws_sdk_dynamodb::Client::new(&sdk), TABLE).directly(direct)
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

fn sdk_config(url: &str, orders: Orders) -> SdkConfig {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(std::time::Duration::from_millis(1))
        .with_max_backoff(std::time::Duration::from_millis(2));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(SharedHttpClient::new(FaultyClient { inner, orders }))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(
            credentials(),
        ))
        .retry_config(retries)
        .timeout_config(TimeoutConfig::builder().build())
        .sleep_impl(aws_sdk_dynamodb::config::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .build()
}

fn secrets_client(orders: Orders, secret: Secret) -> aws_sdk_secretsmanager::Client {
    let inner = aws_smithy_runtime_api::client::http::http_client_fn(move |_, _| {
        let secret = Arc::clone(&secret);
        crate::faults::answering(move || {
            serde_json::json!({"SecretString": *secret.lock().unwrap()}).to_string()
        })
    });
    let config = sdk_config("http://127.0.0.1:9", orders.clone())
        .into_builder()
        .http_client(SharedHttpClient::new(FaultyClient { inner, orders }))
        .build();
    aws_sdk_secretsmanager::Client::new(&config)
}
