//! Writes to API keys.

use super::{
    Store,
    expression::Expression,
    key::Key,
    replay::{self, ReplayKey, ReplayRecord},
    transaction::{Lost, Transaction},
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{ApiKeyId, OrganizationId, UserId},
    model::{
        audit::AuditRecord,
        organization::Organization,
        packed::{FACTS, LAST_USE},
        user::{ApiKey, MAX_API_KEYS, User},
    },
    random::Random,
};

/// A new secret for an API key.
#[derive(Debug)]
pub struct Rotation<'a> {
    /// The key as it was read.
    pub before: &'a ApiKey,
    /// The key with its new secret.
    pub after: &'a ApiKey,
}

impl Store {
    /// Adds an API key, on the condition that the user has fewer than [`MAX_API_KEYS`]. Expired
    /// ones are removed in the same write, and so do not count.
    ///
    /// # Errors
    /// `Condition(0)` where the user has too many, or the expired ones were removed by another
    /// request meanwhile; `Condition(1)` where the idempotency key has been used.
    #[expect(clippy::too_many_arguments, reason = "each is one part of the transaction")]
    pub async fn create_api_key(
        &self,
        organization: &Organization,
        user: &User,
        id: ApiKeyId,
        key: &ApiKey,
        replay: Option<(ReplayKey, ReplayRecord)>,
        audit: &AuditRecord,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expired: Vec<_> = user
            .api_keys
            .iter()
            .filter(|(_, key)| key.has_expired(now))
            .map(|(id, _)| id)
            .collect();
        let mut expression = Expression::default()
            .set(&["api_keys", &id.short()], key)?
            .when_fewer(&["api_keys"], MAX_API_KEYS + expired.len())?
            .when_equal(&["disabled"], &false)?
            .when_equal(&["roles"], &user.roles)?;
        for id in expired {
            let path = id.short();
            expression = expression.remove(&["api_keys", &path]).when_present(&["api_keys", &path]);
        }
        let transaction =
            self.transaction().update(Key::user(organization.id, user.id), expression)?;
        with_replay(transaction, organization.id, user.id, replay, now)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Gives an API key a new secret, on the condition that it is still as it was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not; `Condition(1)` where the idempotency key has been used.
    #[expect(clippy::too_many_arguments, reason = "each is one part of the transaction")]
    pub async fn rotate_api_key(
        &self,
        organization: &Organization,
        user: UserId,
        id: ApiKeyId,
        rotation: Rotation<'_>,
        replay: Option<(ReplayKey, ReplayRecord)>,
        audit: &AuditRecord,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let (path, Rotation { before, after }) = (id.short(), rotation);
        let facts = ["api_keys", path.as_str(), FACTS];
        let expression = Expression::default()
            .set(&facts, &after.facts())?
            .when_equal(&facts, &before.facts())?;
        let transaction =
            self.transaction().update(Key::user(organization.id, user), expression)?;
        with_replay(transaction, organization.id, user, replay, now)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Deletes an API key, on the condition that it is still of the version that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not, or is gone.
    pub async fn delete_api_key(
        &self,
        organization: &Organization,
        user: UserId,
        id: ApiKeyId,
        key: &ApiKey,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let path = id.short();
        let expression = Expression::default()
            .remove(&["api_keys", &path])
            .when_equal(&["api_keys", &path, FACTS], &key.facts())?;
        self.transaction()
            .update(Key::user(organization.id, user), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Notes that an API key was used. The condition lets one of several instances do it, and
    /// never brings back a key that has been deleted.
    ///
    /// # Errors
    /// Those of the table; a condition that did not hold is not one.
    pub async fn touch_api_key(
        &self,
        organization: OrganizationId,
        user: UserId,
        id: ApiKeyId,
        last_used_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let path = id.short();
        let at = ["api_keys", path.as_str(), LAST_USE];
        let expression =
            Expression::default().set(&at, &now.as_second())?.when_present(&["api_keys", &path]);
        let expression = match last_used_at {
            Some(noted) => expression.when_equal(&at, &noted.as_second())?,
            None => expression.when_absent(&at),
        };
        self.touch(Key::user(organization, user), expression).await.map(drop)
    }
}

pub(super) fn with_replay(
    transaction: Transaction<'_>,
    organization: OrganizationId,
    user: UserId,
    replay: Option<(ReplayKey, ReplayRecord)>,
    now: Timestamp,
) -> Result<Transaction<'_>, Error> {
    let Some((key, record)) = replay else { return Ok(transaction) };
    let (item, condition) = replay::item(key.key(organization, user), &record, now)?;
    transaction.put_encoded(item, condition)
}
