//! What a function works with, and what one request of it does.

use std::{
    collections::HashMap,
    net::IpAddr,
    ops::Deref,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use tokio::task::JoinSet;

use crate::{
    auth::{
        attempts::Origin,
        caller::Credential,
        rate::{Rate, Rates},
    },
    clock::{Clock, Timestamp},
    error::Error,
    http::contract::{Contract, Part},
    ids::{AuditId, OrganizationId},
    model::{
        allowlist::NOTE_SECONDS,
        audit::{Action, Actor, AuditRecord, Changes},
        user::Expiries,
    },
    random::Random,
    settings::Settings,
    store::{Meter, Store},
};

/// What a function works with. It is made once, in the function's start, and shared by all of its
/// requests.
#[derive(Clone)]
pub struct App {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The chance.
    pub random: Arc<dyn Random>,
    /// What the deployment chose.
    pub settings: Settings,
    /// The work that no answer waits for.
    pub background: Background,
    /// What is known of how many requests credentials have made.
    pub rates: Rates,
    /// Hashes passwords.
    #[cfg(feature = "passwords")]
    pub passwords: crate::auth::password::Hasher,
    /// Gives out the keys for what is encrypted in the table.
    #[cfg(feature = "secrets")]
    pub keyring: crate::secrets::Keyring,
}

/// One request: when it came, from where, and what it has spent. The moment is taken once, so that
/// a request sees one time from its beginning to its end.
#[derive(Clone)]
pub struct Call {
    app: App,
    /// The table, counting what the request spends.
    pub store: Store,
    /// When the request came.
    pub now: Timestamp,
    /// The request's id.
    pub request_id: Arc<str>,
    /// The caller's address as the gateway saw it: never what a header says.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself.
    pub user_agent: Option<Arc<str>>,
    trace: Arc<Trace>,
}

/// What the log line of a request will tell, and the headers of its answer.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) meter: Arc<Meter>,
    pub(crate) identity: OnceLock<(OrganizationId, Credential)>,
    pub(crate) touched: AtomicBool,
    pub(crate) rate: OnceLock<Rate>,
    expiries: Mutex<Option<Expiries>>,
}

impl Trace {
    /// When the session ends that the request was made in, where one was and still is.
    pub(crate) fn expiries(&self) -> Option<Expiries> {
        *self.expiries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Call {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Call {
    /// A request that came just now.
    #[must_use]
    pub fn new(
        app: &App,
        request_id: &str,
        address: Option<IpAddr>,
        user_agent: Option<&str>,
    ) -> Self {
        let trace = Arc::new(Trace::default());
        Self {
            store: app.store.metered(Arc::clone(&trace.meter)),
            now: app.clock.now(),
            app: app.clone(),
            request_id: request_id.into(),
            address,
            user_agent: user_agent.map(Into::into),
            trace,
        }
    }

    pub(crate) fn of(extensions: &Extensions) -> Result<Self, Error> {
        extensions.get().cloned().ok_or_else(|| Error::internal("the request has no context"))
    }

    pub(crate) fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// Tells the log line whose request it is.
    pub(crate) fn identify(&self, organization: OrganizationId, credential: Credential) {
        // The first identity stands; a request has only one.
        let _ = self.trace.identity.set((organization, credential));
    }

    /// Tells the answer's headers when the session ends that the request was made in.
    pub(crate) fn tell_expiries(&self, expiries: Option<Expiries>) {
        *self.trace.expiries.lock().unwrap_or_else(PoisonError::into_inner) = expiries;
    }

    /// Tells the answer's headers how many requests the credential may make.
    pub(crate) fn tell_rate(&self, rate: Rate) {
        // A request is counted once.
        let _ = self.trace.rate.set(rate);
    }

    /// The table for work that no answer waits for: it counts on its own.
    pub(crate) fn background_store(&self) -> Store {
        self.trace.touched.store(true, Ordering::Relaxed);
        self.app.store.metered(Arc::default())
    }

    /// The origin that the request's failures are counted by.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.address.map(Origin::of)
    }

    /// What the request has spent at the table so far.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.trace.meter
    }

    /// An audit record of something that this request does.
    #[must_use]
    pub fn audit(
        &self,
        organization_id: OrganizationId,
        actor: Actor,
        action: Action,
        target: impl Into<String>,
        changes: Changes,
    ) -> AuditRecord {
        AuditRecord {
            id: AuditId::generate(self.now, &*self.app.random),
            organization_id,
            occurred_at: self.now,
            actor,
            action,
            target: target.into(),
            reason: None,
            ip_address: self.address,
            request_id: self.request_id.to_string(),
            changes,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::of(&parts.extensions)
    }
}

impl Part for Call {
    fn tell(_: &mut Contract) {}
}

/// Work that no answer waits for. It is sent out while the answer is on its way; Lambda may freeze
/// the process before the table's reply is read, and the reply is then read in the next request.
#[derive(Clone, Default)]
pub struct Background(Arc<Mutex<JoinSet<()>>>, Arc<Mutex<HashMap<u128, Timestamp>>>);

/// How many things an instance remembers to have noted; when there are more, it forgets them all.
const MAX_NOTED: usize = 1000;

impl Background {
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Whether something is to be noted that this instance has not tried to note in the last minute.
    /// It spares calls, and decides nothing else.
    pub(crate) fn is_due(&self, id: u128, now: Timestamp) -> bool {
        let mut noted = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|last| now.seconds_since(*last) < NOTE_SECONDS) {
            return false;
        }
        if noted.len() >= MAX_NOTED {
            noted.clear();
        }
        noted.insert(id, now);
        true
    }

    /// Waits until all of it is done: for a shutdown, and for tests.
    pub async fn settle(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.join_all().await;
    }
}
