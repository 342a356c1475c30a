//! Two organizations on an engine of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use serde_json::Value;
use shared::{
    auth::{
        allowlist::Allowlist,
        password::Hasher,
        permissions::{Role, Scope, Scopes},
        rate::Rates,
        token::{PlainToken, TokenKind},
    },
    call::{App, Background, Call},
    clock::{Clock, Timestamp},
    ids::{ApiKeyId, OrganizationId, SessionId, UserId},
    model::{
        audit::{Action, Actor, AuditRecord, Changes},
        organization::{BillingPeriod, CursorKey, Organization, SessionPolicy},
        preferences::{JsonText, Preference},
        retention::Retention,
        user::{ApiKey, Session, User},
    },
    secrets::{self, Keyring, SecretValue},
    settings::Settings,
    store::{PreferenceChange, Principal, SignIn, Store, Used, Wanted},
};
use tracing::subscriber::DefaultGuard;

use crate::{
    Access, Client, Fault, Log, Person, TestClock, TestRandom,
    engine::{Engine, TABLE, plain_item},
    faults::{FaultyClient, Intrusion, Orders},
    people::{ACME, GLOBEX, password_hash},
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
    engine: Engine,
    orders: Orders,
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
            store: Store::new(
                aws_sdk_dynamodb::Client::new(&sdk_config(&engine.url, orders.clone())),
                TABLE,
            ),
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

    /// Begins a session and tells its token.
    pub async fn session(&self, person: &Person) -> String {
        self.session_with_id(person).await.1
    }

    /// Begins a session and tells its id and token.
    pub async fn session_with_id(&self, person: &Person) -> (SessionId, String) {
        self.session_like(person, |session| session).await
    }

    /// The same, of a session that is somehow other.
    pub async fn session_like(
        &self,
        person: &Person,
        change: impl FnOnce(Session) -> Session,
    ) -> (SessionId, String) {
        let Principal { organization, user } = self.principal(person).await;
        let random = &*self.app.random;
        let token = PlainToken::generate(TokenKind::Session, organization.id, user.id, random);
        let id = SessionId::generate(self.now(), random);
        let session = change(Session {
            hash: token.hash(),
            last_active_at: self.now(),
            proved_at: None,
            ip_address: "192.0.2.1".parse().ok(),
            user_agent: None,
        });
        let attempts = self.attempts(person).await;
        let sign_in = SignIn {
            organization: &organization,
            user: &user,
            id,
            session: &session,
            proof: Used { attempts: &attempts, spend: None, now: self.now() },
            challenge: None,
            rehash: None,
            audit: &self.some_audit(organization.id, user.id),
        };
        self.app.store.begin_session(sign_in, random).await.unwrap();
        (id, token.reveal().to_owned())
    }

    /// Makes an API key that does not expire, last used just now, and tells its secret.
    pub async fn api_key(&self, person: &Person, scopes: &[Scope]) -> String {
        self.api_key_with_id(person, scopes, None).await.1
    }

    /// Makes an API key, last used just now, and tells its id and secret.
    pub async fn api_key_with_id(
        &self,
        person: &Person,
        scopes: &[Scope],
        expires_at: Option<Timestamp>,
    ) -> (ApiKeyId, String) {
        self.api_key_like(person, scopes, |key| ApiKey { expires_at, ..key }).await
    }

    /// The same, of a key that is somehow other.
    pub async fn api_key_like(
        &self,
        person: &Person,
        scopes: &[Scope],
        change: impl FnOnce(ApiKey) -> ApiKey,
    ) -> (ApiKeyId, String) {
        let Principal { organization, user } = self.principal(person).await;
        let random = &*self.app.random;
        let token = PlainToken::generate(TokenKind::ApiKey, organization.id, user.id, random);
        let id = ApiKeyId::generate(self.now(), random);
        let key = change(ApiKey {
            name: "Test key".to_owned(),
            hash: token.hash(),
            prefix: token.display_prefix(),
            scopes: scopes.iter().copied().collect::<Scopes>(),
            expires_at: None,
            last_used_at: Some(self.now()),
            rotated_at: None,
            previous: None,
            version: 1,
        });
        let audit = self.some_audit(organization.id, user.id);
        let (now, store) = (self.now(), &self.app.store);
        store
            .create_api_key(&organization, &user, id, &key, None, &audit, now, random)
            .await
            .unwrap();
        (id, token.reveal().to_owned())
    }

    /// Sets a preference.
    pub async fn preference(&self, person: &Person, key: &str, value: &Value) {
        let Principal { organization, user } = self.principal(person).await;
        let (random, store) = (&*self.app.random, &self.app.store);
        let key = key.to_owned().try_into().unwrap();
        let among = store.read_preferences(organization.id, user.id, &key).await.unwrap();
        let before = store.preference(organization.id, user.id, &key, &among).await.unwrap();
        let after = Preference::new(JsonText::new(value).unwrap(), self.now(), random);
        let audit = self.some_audit(organization.id, user.id);
        let change = PreferenceChange {
            user: user.id,
            key: &key,
            among: &among,
            before: before.as_ref(),
            audit: &audit,
        };
        store.set_preference(&organization, change, &after, random).await.unwrap();
    }

    /// The user's and the organization's items as they are.
    pub async fn principal(&self, person: &Person) -> Principal {
        let (organization, user) = (person.organization_id, person.user_id);
        let read = self.app.store.read_principal(organization, user, &Wanted::default()).await;
        read.unwrap().principal.unwrap()
    }

    /// The user's item as it is.
    pub async fn user(&self, person: &Person) -> User {
        self.principal(person).await.user
    }

    /// The audit records of an organization, oldest first, as plain JSON.
    #[must_use]
    pub fn audit(&self, organization: OrganizationId) -> Vec<Value> {
        let partition = format!("AUDIT#{organization}#");
        let mut records: Vec<_> = self.items_under(&partition);
        records.sort_by_key(|record| record["SK"].to_string());
        records
    }

    /// The audit records of one kind of action in a person's organization, oldest first.
    #[must_use]
    pub fn audited(&self, person: &Person, action: &str) -> Vec<Value> {
        let mut records = self.audit(person.organization_id);
        records.retain(|record| record["action"] == action);
        records
    }

    /// The items whose partition key begins like that, as plain JSON.
    #[must_use]
    pub fn items_under(&self, partition: &str) -> Vec<Value> {
        let items = self.engine.items();
        let under = |item: &Value| item["PK"].as_str().unwrap().starts_with(partition);
        items.iter().map(plain_item).filter(under).collect()
    }

    /// The whole table as text, for what must not be in it, and for comparing before and after: without
    /// how many requests a credential has made, which every tenth one tells, whatever comes of it.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut items = self.engine.items();
        items.retain(|item| !item["PK"]["S"].as_str().unwrap().starts_with("RATE#"));
        let mut items: Vec<_> = items.iter().map(ToString::to_string).collect();
        items.sort();
        items.join("\n")
    }

    /// Changes an item behind everybody's back. The item is in the table's own notation.
    pub fn tamper(&self, partition: &str, change: impl Fn(&mut Value)) {
        self.engine.change(partition, change);
    }

    /// The same, just before the next call of that name sets out: after a request has read the
    /// item, and before it writes.
    pub fn tamper_before(
        &self,
        call: &'static str,
        partition: String,
        change: impl Fn(&mut Value) + Send + Sync + 'static,
    ) {
        let engine = self.engine.clone();
        let intrude = move || engine.change(&partition, &change);
        self.orders.intrude(call, Intrusion(Arc::new(intrude)));
    }

    /// The items of a partition, in the table's own notation.
    #[must_use]
    pub fn raw_items(&self, partition: &str) -> Vec<Value> {
        let mut items = self.engine.items();
        items.retain(|item| item["PK"]["S"] == partition);
        items
    }

    pub(crate) fn raw(&self, partition: &str) -> Value {
        let mut items = self.engine.items().into_iter();
        items.find(|item| item["PK"]["S"] == partition).expect("no such item")
    }

    /// Lets something happen just before the next call of that name sets out.
    pub fn intrude(&self, call: &'static str, happening: impl Fn() + Send + Sync + 'static) {
        self.orders.intrude(call, Intrusion(Arc::new(happening)));
    }

    /// Has the next call of that name answered with this, as an index does that follows the table with
    /// a delay; the call does not set out.
    pub fn answer(&self, call: &'static str, body: &Value) {
        self.orders.answer(call, body.to_string());
    }

    /// Orders what goes wrong with calls of the name `next`, once the next `call` has set out.
    pub fn order_after(&self, call: &'static str, next: &'static str, fault: Fault, times: usize) {
        let orders = self.orders.clone();
        self.intrude(call, move || orders.push(next, fault, times));
    }

    /// Puts an item behind everybody's back, in the table's own notation.
    pub fn put(&self, item: &Value) {
        self.engine.put(item);
    }

    /// The same, just before the next call of that name sets out; and removes others, each named by
    /// its partition and sort key.
    pub fn put_before(
        &self,
        call: &'static str,
        items: Vec<Value>,
        removed: Vec<(String, String)>,
    ) {
        let engine = self.engine.clone();
        self.intrude(call, move || {
            for item in &items {
                engine.put(item);
            }
            for (partition, sort) in &removed {
                engine.remove(partition, sort);
            }
        });
    }

    /// Removes an item behind everybody's back.
    pub fn remove(&self, partition: &str, sort: &str) {
        self.engine.remove(partition, sort);
    }

    pub(crate) fn some_audit(&self, organization: OrganizationId, user: UserId) -> AuditRecord {
        let actor = Actor::Operator;
        let call = Call::new(&self.app, "set-up", None, None);
        call.audit(organization, actor, Action::UserEnabled, user, Changes::default())
    }
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
            Credentials::new("test", "test", None, None, "test"),
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

/// Founds an organization with its people, the first of whom is its administrator.
async fn found<const N: usize>(
    app: &App,
    name: &str,
    slug: &str,
    people: [(&'static str, &'static str, &[Role]); N],
) -> [Person; N] {
    let (now, random) = (app.clock.now(), &*app.random);
    let id = OrganizationId::generate(now, random);
    let organization = Organization {
        id,
        name: name.to_owned(),
        slug: slug.to_owned(),
        plan: "enterprise".to_owned(),
        billing_period: BillingPeriod::Annual,
        renewal_date: "2026-06-01".to_owned(),
        data_residency: "us".to_owned(),
        default_timezone: "UTC".to_owned(),
        feature_flags: BTreeMap::from([
            ("lineage_v2".to_owned(), true),
            ("git_integration".to_owned(), true),
        ]),
        features: ["lineage", "git_integration", "pipeline_agents", "sso"]
            .map(str::to_owned)
            .into(),
        limits: BTreeMap::from([
            ("max_pipelines".to_owned(), 500),
            ("max_connections".to_owned(), 200),
            ("max_concurrent_runs".to_owned(), 25),
            ("max_agent_count".to_owned(), 50),
        ]),
        require_sso: false,
        session_policy: SessionPolicy::default(),
        retention: Retention::default(),
        holds: Vec::new(),
        allowlist: Allowlist::off(),
        cursor_key: CursorKey::generate(random),
        last_audit_day: now.day(),
        version: 1,
        updated_at: now,
    };
    let hash = password_hash().await;
    let call = Call::new(app, "set-up", None, None);
    let audit = || call.audit(id, Actor::Operator, Action::UserCreated, id, Changes::default());
    let users = people.map(|(email, display_name, roles)| User {
        id: UserId::generate(now, random),
        organization_id: id,
        email: email.to_owned(),
        display_name: display_name.to_owned(),
        timezone: "America/Los_Angeles".to_owned(),
        locale: "en-US".to_owned(),
        avatar_url: None,
        roles: roles.to_vec(),
        disabled: false,
        mfa_enabled: false,
        version: 1,
        credentials_version: 1,
        updated_at: now,
        api_keys: BTreeMap::new(),
        sessions: BTreeMap::new(),
    });
    let (first, others) = users.split_first().unwrap();
    let audits = [&audit(), &audit()];
    app.store.create_organization(&organization, first, &hash, audits, random).await.unwrap();
    for user in others {
        app.store.create_user(&organization, user, &hash, &audit(), random).await.unwrap();
    }
    let ids = users.map(|user| user.id);
    std::array::from_fn(|index| Person {
        organization_id: id,
        user_id: ids[index],
        email: people[index].0,
    })
}
