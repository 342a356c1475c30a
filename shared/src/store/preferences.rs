//! Reads and writes of preferences.

use std::collections::BTreeMap;

use super::{
    Store,
    expression::Expression,
    item::Item,
    key::{Key, PARTITION},
    query::Query,
    transaction::{Lost, Transaction},
};
use crate::{
    error::Error,
    ids::{OrganizationId, UserId},
    model::{
        audit::AuditRecord,
        organization::Organization,
        preferences::{
            Incomplete, Index, LargeValue, MAX_PREFERENCES, Preference, PreferenceKey, Preferences,
        },
    },
    random::Random,
};

/// How often is read again what a write has come between.
const REREADS: usize = 3;

/// A preference that is about to change.
#[derive(Debug)]
pub struct PreferenceChange<'a> {
    /// Whose it is.
    pub user: UserId,
    /// Which.
    pub key: &'a PreferenceKey,
    /// All of the user's, as they were read.
    pub among: &'a Preferences,
    /// The preference, as it was read.
    pub before: Option<&'a Preference>,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

impl Store {
    /// Tells one preference out of what was read with the caller; that is at no further call, but
    /// for a large value that another request is just writing.
    ///
    /// # Errors
    /// 503 where the table cannot answer, or writes kept coming between; 500 where an item does
    /// not decode.
    pub async fn preference(
        &self,
        organization: OrganizationId,
        user: UserId,
        key: &PreferenceKey,
        read: &Preferences,
    ) -> Result<Option<Preference>, Error> {
        let mut found = read.one(key);
        for _ in 0..REREADS {
            if let Ok(found) = found {
                return Ok(found);
            }
            found = self.read_preferences(organization, user, key).await?.one(key);
        }
        found.map_err(torn)
    }

    /// Tells all preferences out of what was read with the caller. Only where some value is large,
    /// that is at one further call.
    ///
    /// # Errors
    /// As [`Self::preference`].
    pub async fn all_preferences(
        &self,
        organization: OrganizationId,
        user: UserId,
        read: &Preferences,
    ) -> Result<BTreeMap<PreferenceKey, Preference>, Error> {
        let mut found = read.all();
        for _ in 0..REREADS {
            if let Ok(found) = found {
                return Ok(found);
            }
            found = self.query_preferences(organization, user).await?.all();
        }
        found.map_err(torn)
    }

    /// Reads the index anew, and the value of `key` where that is large.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where an item does not decode.
    pub async fn read_preferences(
        &self,
        organization: OrganizationId,
        user: UserId,
        key: &PreferenceKey,
    ) -> Result<Preferences, Error> {
        let index = Key::preferences(organization, user);
        let keys = [Some(index), Some(Key::large_value(organization, user, key))];
        let [index, value] = self.batch_get(keys).await?;
        preferences(index, value.map(|value| (key.clone(), value)))
    }

    /// Reads the whole partition.
    async fn query_preferences(
        &self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Preferences, Error> {
        let key = Key::preferences(organization, user);
        let condition = Expression::default().when_equal(&[PARTITION], &key.partition())?;
        let (mut index, mut large) = (None, Vec::new());
        for item in self.query_all(Query::new(condition)).await? {
            if let Some(of) = Key::large_value_of(&item) {
                large.push((of, item));
            } else if item.is_at(&key) {
                index = Some(item);
            }
        }
        preferences(index, large)
    }

    /// Sets a preference, on the condition that it is still as it was read. A new one also needs
    /// that the user has fewer than [`MAX_PREFERENCES`].
    ///
    /// # Errors
    /// `Condition(0)` where either is not so.
    pub async fn set_preference(
        &self,
        organization: &Organization,
        change: PreferenceChange<'_>,
        after: &Preference,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let PreferenceChange { user, key, among, before, audit } = change;
        let index = Key::preferences(organization.id, user);
        let transaction = if among.index.is_some() {
            let at = ["entries", key.as_str()];
            let expression = Expression::default().set(&at, &after.entry())?;
            let expression = match before {
                Some(before) => when_still(expression, key, before)?,
                None => expression.when_absent(&at).when_fewer(&["entries"], MAX_PREFERENCES)?,
            };
            self.transaction().update(index, expression)?
        } else {
            let entries = BTreeMap::from([(key.clone(), after.entry())]);
            self.transaction().put(index, &Index { entries }, Expression::new_item())?
        };
        let value = Key::large_value(organization.id, user, key);
        let transaction = match after.large_value() {
            Some(large) => transaction.put(value, &large, Expression::default())?,
            None => without_large_value(transaction, value, before)?,
        };
        transaction.audit(organization, audit)?.commit(random).await
    }

    /// Deletes a preference, on the condition that it is still as it was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not, or is gone.
    pub async fn delete_preference(
        &self,
        organization: &Organization,
        user: UserId,
        key: &PreferenceKey,
        before: &Preference,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default().remove(&["entries", key.as_str()]);
        let transaction = self.transaction().update(
            Key::preferences(organization.id, user),
            when_still(expression, key, before)?,
        )?;
        let value = Key::large_value(organization.id, user, key);
        without_large_value(transaction, value, Some(before))?
            .audit(organization, audit)?
            .commit(random)
            .await
    }
}

/// The condition that a preference is as it was read. It guards the large value's item as well:
/// that is written only along with the index.
fn when_still(
    expression: Expression,
    key: &PreferenceKey,
    before: &Preference,
) -> Result<Expression, Error> {
    expression.when_equal(&["entries", key.as_str(), "version"], &before.version)
}

fn without_large_value<'a>(
    transaction: Transaction<'a>,
    value: Key,
    before: Option<&Preference>,
) -> Result<Transaction<'a>, Error> {
    if before.is_some_and(|before| before.large) {
        transaction.delete(value, Expression::default())
    } else {
        Ok(transaction)
    }
}

/// Decodes what was read of a user's preferences.
pub(super) fn preferences(
    index: Option<Item>,
    values: impl IntoIterator<Item = (PreferenceKey, Item)>,
) -> Result<Preferences, Error> {
    let decode_value = |(key, item): (_, Item)| {
        item.decode::<LargeValue>("preference value").map(|value| (key, value))
    };
    Ok(Preferences {
        index: index.map(|item| item.decode("preferences")).transpose()?,
        large: values.into_iter().map(decode_value).collect::<Result<_, _>>()?,
    })
}

fn torn(_: Incomplete) -> Error {
    Error::unavailable("preferences: writes kept coming between the reads")
}
