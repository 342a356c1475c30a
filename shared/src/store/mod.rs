//! The table. Handlers call the verbs of this module; nothing outside it names a DynamoDB type or
//! a key, and every key is made from a tenant's typed id.

mod allowlist;
mod api_keys;
mod attempts;
mod audit;
mod batch;
mod challenges;
mod deliveries;
mod direct;
mod encode;
mod events;
mod expression;
mod failure;
mod get;
mod item;
mod key;
mod lease;
mod meter;
mod notifications;
mod organizations;
mod preferences;
mod query;
mod rate;
mod read;
mod replay;
mod second_factor;
#[cfg(feature = "seed-logs")]
mod seed;
mod sessions;
mod stream;
mod sweep;
mod transaction;
mod undecoded;
mod update;
mod users;
mod wire;

use std::sync::{Arc, LazyLock};

use aws_sdk_dynamodb::Client;

#[cfg(feature = "seed-logs")]
pub use self::seed::Seeder;
pub use self::{
    allowlist::AllowlistChange,
    api_keys::Rotation,
    attempts::Failure,
    audit::{AuditDay, AuditEntry},
    batch::BATCH,
    challenges::FirstStep,
    deliveries::{ChannelKey, Channels, Due, DueEnd, DuePage, MAX_AT_ONCE},
    direct::Direct,
    events::Publication,
    lease::Lease,
    meter::Meter,
    notifications::{ChannelChange, NotificationsChange},
    preferences::PreferenceChange,
    read::{Evidence, Principal, PrincipalRead, Wanted, WantedPreferences},
    replay::{ReplayKey, ReplayRecord},
    second_factor::{Activation, Used},
    sessions::{Rehash, SignIn, Surplus},
    stream::{Inserted, inserted},
    sweep::{
        CountedTo, Counts, Keeping, LogDay, LogDays, LogKey, LogPage, ORGANIZATIONS_AT_ONCE,
        PageEnd,
    },
    transaction::{Lost, Tries},
    users::{PasswordChange, ProfileUpdate},
};

/// Makes the SDK's client.
type MakeClient = Box<dyn FnOnce() -> Client + Send>;

/// The table, as one request sees it: what the request spends is counted.
#[derive(Debug, Clone)]
pub struct Store {
    client: Arc<LazyLock<Client, MakeClient>>,
    direct: Option<Direct>,
    table: Arc<str>,
    meter: Arc<Meter>,
}

impl Store {
    /// The table of that name. The SDK's client is made when it is first needed: it would be a third of a
    /// start, and who only reads may never need it.
    #[must_use]
    pub fn new(client: impl FnOnce() -> Client + Send + 'static, table: &str) -> Self {
        let client = Arc::new(LazyLock::new(Box::new(client) as MakeClient));
        Self { client, direct: None, table: table.into(), meter: Arc::default() }
    }

    /// The same table, with a way to it that reads try first.
    #[must_use]
    pub fn directly(self, direct: Option<Direct>) -> Self {
        Self { direct, ..self }
    }

    /// The same table with a meter of its own.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        Self { meter, ..self.clone() }
    }
}
