//! Writes. A change, its audit record and whatever else belongs to it are one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, ReturnConsumedCapacity, TransactWriteItem},
};

use super::{Store, encode::encode, expression::Expression, failure::failure, key::Key};
use crate::{
    error::Error,
    ids::OrganizationId,
    model::{audit::AuditRecord, organization::Organization},
    random::{self, Random},
};

/// How often a transaction is tried that met another one on the same item.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt, in milliseconds; it doubles from there, and each is
/// jittered down to half of itself.
const FIRST_PAUSE: u64 = 10;

/// Why a transaction was not carried out. Nothing of it was.
#[derive(Debug)]
pub enum Lost {
    /// The condition of the part with this index, counted from zero, did not hold: somebody else
    /// was faster.
    Condition(usize),
    /// What the request was admitted by, such as a code that is good once, is not as it was read. It
    /// may be read again, and the request tried again.
    Overtaken,
    /// Other transactions kept one of the items busy.
    Busy,
    /// The table could not, or was asked wrongly.
    Failed(Error),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Lost {
    /// The error to answer with, where a lost condition means `conflict`.
    #[must_use]
    pub fn or(self, conflict: Error) -> Error {
        match self {
            Self::Condition(_) => conflict,
            Self::Overtaken => Error::internal("a lost guard was not tried again"),
            Self::Busy => Error::unavailable("TransactWriteItems: other transactions came first"),
            Self::Failed(error) => error,
        }
    }
}

/// The parts of a write.
pub(super) struct Transaction<'a> {
    store: &'a Store,
    parts: Vec<TransactWriteItem>,
    /// Which of the parts are guards: a lost one is [`Lost::Overtaken`].
    guards: Vec<usize>,
}

impl Store {
    pub(super) fn transaction(&self) -> Transaction<'_> {
        Transaction { store: self, parts: Vec::with_capacity(4), guards: Vec::new() }
    }
}

impl Transaction<'_> {
    /// Adds an update.
    pub(super) fn update(mut self, key: Key, expression: Expression) -> Result<Self, Error> {
        self.parts.push(expression.update(&self.store.table, key)?);
        Ok(self)
    }

    /// Adds a deletion, on a condition.
    pub(super) fn delete(mut self, key: Key, condition: Expression) -> Result<Self, Error> {
        self.parts.push(condition.delete(&self.store.table, key)?);
        Ok(self)
    }

    /// Adds a guard: a condition on an item that the change itself does not touch.
    pub(super) fn guard(mut self, key: Key, condition: Expression) -> Result<Self, Error> {
        self.guards.push(self.parts.len());
        self.parts.push(condition.check(&self.store.table, key)?);
        Ok(self)
    }

    /// Adds an update whose condition is a guard.
    pub(super) fn guard_update(mut self, key: Key, expression: Expression) -> Result<Self, Error> {
        self.guards.push(self.parts.len());
        self.update(key, expression)
    }

    /// Adds a deletion whose condition is a guard.
    pub(super) fn guard_delete(mut self, key: Key, condition: Expression) -> Result<Self, Error> {
        self.guards.push(self.parts.len());
        self.delete(key, condition)
    }

    /// Adds an item, on a condition.
    pub(super) fn put(
        mut self,
        key: Key,
        value: &impl serde::Serialize,
        condition: Expression,
    ) -> Result<Self, Error> {
        self.parts.push(condition.put_item(&self.store.table, encode(key, value)?)?);
        Ok(self)
    }

    /// Adds an encoded item, on a condition.
    pub(super) fn put_encoded(
        mut self,
        item: super::encode::Attributes,
        condition: Expression,
    ) -> Result<Self, Error> {
        self.parts.push(condition.put_item(&self.store.table, item)?);
        Ok(self)
    }

    /// Adds an audit record. The first of an organization's day also enters the day into the index
    /// by which the day's partition is found again; the organization remembers that it was done.
    pub(super) fn audit(
        mut self,
        organization: &Organization,
        record: &AuditRecord,
    ) -> Result<Self, Error> {
        let (id, day) = (record.organization_id, record.occurred_at.day());
        self = self.record(record)?;
        if organization.last_audit_day != day {
            let remember = Expression::default().set(&["last_audit_day"], &day)?;
            self = self.audit_day(id, &day)?.update(Key::organization(id), remember)?;
        }
        Ok(self)
    }

    /// Enters a day into the index of days that have audit records.
    pub(super) fn audit_day(self, organization: OrganizationId, day: &str) -> Result<Self, Error> {
        self.put(Key::audit_day(organization, day), &Day {}, Expression::default())
    }

    /// Adds an audit record alone.
    pub(super) fn record(self, record: &AuditRecord) -> Result<Self, Error> {
        let key = Key::audit(record.organization_id, record.occurred_at, record.id);
        self.put(key, record, Expression::default())
    }

    /// Carries out all parts, or none. Another transaction on the same item is waited for, a few
    /// times and with jitter; a lost condition is final.
    pub(super) async fn commit(self, random: &dyn Random) -> Result<(), Lost> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let reasons = match self.try_commit().await {
                Ok(()) => return Ok(()),
                Err(Attempt::Failed(error)) => return Err(error.into()),
                Err(Attempt::Cancelled(reasons)) => reasons,
            };
            let with =
                |code: &str| reasons.iter().position(|reason| reason.code.as_deref() == Some(code));
            if let Some(index) = with("ConditionalCheckFailed") {
                let guarded = self.guards.contains(&index);
                return Err(if guarded { Lost::Overtaken } else { Lost::Condition(index) });
            }
            if with("TransactionConflict").is_some() && attempt == ATTEMPTS {
                return Err(Lost::Busy);
            }
            if with("TransactionConflict").is_none() {
                let codes: Vec<_> = reasons.into_iter().filter_map(|reason| reason.code).collect();
                let cause = format!("TransactWriteItems: cancelled: {}", codes.join(", "));
                return Err(Error::unavailable(cause).into());
            }
            pause_after(attempt, random).await;
        }
    }

    async fn try_commit(&self) -> Result<(), Attempt> {
        self.store.meter.call();
        let result = self
            .store
            .client
            .transact_write_items()
            .set_transact_items(Some(self.parts.clone()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(output) => {
                self.store.meter.consumed(output.consumed_capacity());
                Ok(())
            }
            Err(SdkError::ServiceError(error)) => match error.into_err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    Err(Attempt::Cancelled(cancelled.cancellation_reasons.unwrap_or_default()))
                }
                other => Err(Attempt::Failed(service_failure(&other))),
            },
            Err(other) => Err(Attempt::Failed(failure("TransactWriteItems", &other))),
        }
    }
}

/// How often a change is still decided anew that another one has come before: its requests read again
/// what they decide by.
pub struct Tries<'a> {
    random: &'a dyn Random,
    made: u32,
}

impl<'a> Tries<'a> {
    /// As many as a transaction is tried.
    #[must_use]
    pub const fn new(random: &'a dyn Random) -> Self {
        Self { random, made: 0 }
    }

    /// Whether to try again. It pauses first, with jitter: of those who have lost one race, not all
    /// are to meet in the next.
    pub async fn again(&mut self) -> bool {
        self.made += 1;
        if self.made == ATTEMPTS {
            return false;
        }
        pause_after(self.made, self.random).await;
        true
    }
}

async fn pause_after(attempt: u32, random: &dyn Random) {
    let pause = FIRST_PAUSE << (attempt - 1);
    let jitter = u64::from(random::bytes::<1>(random)[0]) * pause / 512;
    wait(Duration::from_millis(pause - jitter)).await;
}

#[expect(clippy::disallowed_methods, reason = "the pause before another attempt")]
pub(super) async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

fn service_failure(error: &TransactWriteItemsError) -> Error {
    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
    let cause = format!("TransactWriteItems: {}", error.code().unwrap_or("none"));
    match error.code() {
        Some("ValidationException" | "AccessDeniedException" | "ResourceNotFoundException") => {
            Error::internal(cause)
        }
        _ => Error::unavailable(cause),
    }
}

enum Attempt {
    Cancelled(Vec<CancellationReason>),
    Failed(Error),
}

/// The index item of a day: its key says everything.
#[derive(serde::Serialize)]
struct Day {}
