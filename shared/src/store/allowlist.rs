//! Reads and writes of the allowlist.

use super::{
    ReplayKey, ReplayRecord, Store,
    api_keys::with_replay,
    expression::Expression,
    item::Item,
    key::{Key, PARTITION},
    query::Query,
    transaction::Lost,
};
use crate::{
    auth::allowlist::Rules,
    clock::Timestamp,
    error::Error,
    ids::{AllowlistEntryId, OrganizationId, UserId},
    model::{
        allowlist::{Entry, Evaluations},
        audit::AuditRecord,
        organization::Organization,
    },
    random::Random,
};

/// How often a note is tried that meets another one.
const NOTE_ATTEMPTS: usize = 3;

/// A change of the allowlist.
#[derive(Debug)]
pub struct AllowlistChange<'a> {
    /// The organization as it was read, before the entries were.
    pub organization: &'a Organization,
    /// The list as it will be.
    pub rules: &'a Rules,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

impl Store {
    /// Reads all entries, oldest first. Together with an organization that was read before, and whose
    /// version is the condition of the write that follows, they are what the list is then.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where an entry does not decode.
    pub async fn allowlist_entries(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Entry>, Error> {
        let items = self.query_all(all_entries(organization)?).await?;
        items.iter().map(|item| item.decode("allowlist entry")).collect()
    }

    /// Reads the newest entries that have not ended, from the one that follows `after`: `count` of
    /// them, if there are so many.
    ///
    /// # Errors
    /// As [`Self::allowlist_entries`].
    pub async fn newest_allowlist_entries(
        &self,
        organization: OrganizationId,
        after: Option<AllowlistEntryId>,
        count: usize,
        now: Timestamp,
    ) -> Result<Vec<Entry>, Error> {
        let mut start = after.map(|id| Key::allowlist_entry(organization, id).attributes());
        let mut entries = Vec::with_capacity(count);
        loop {
            let query = all_entries(organization)?.backwards().limit(count - entries.len());
            let page = self.query::<Item>(query.after(start)).await?;
            for item in &page.items {
                let entry: Entry = item.decode("allowlist entry")?;
                if !entry.has_ended(now) {
                    entries.push(entry);
                }
            }
            start = page.end;
            if start.is_none() || entries.len() == count {
                return Ok(entries);
            }
        }
    }

    /// Adds an entry, on the condition that the organization is still of the version that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not; another `Condition` where the idempotency key has been used.
    pub async fn add_allowlist_entry(
        &self,
        change: AllowlistChange<'_>,
        entry: &Entry,
        user: UserId,
        replay: Option<(ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let AllowlistChange { organization, audit, .. } = change;
        let key = Key::allowlist_entry(organization.id, entry.id);
        let transaction =
            self.change_allowlist(&change)?.put(key, entry, Expression::new_item())?;
        with_replay(transaction, organization.id, user, replay, audit.occurred_at)?
            .commit(random)
            .await
    }

    /// Removes an entry, on the condition that the organization is still of the version that was
    /// read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn remove_allowlist_entry(
        &self,
        change: AllowlistChange<'_>,
        id: AllowlistEntryId,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let key = Key::allowlist_entry(change.organization.id, id);
        self.change_allowlist(&change)?.delete(key, Expression::default())?.commit(random).await
    }

    /// Sets how the list is enforced, on the condition that the organization is still of the version
    /// that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn set_allowlist(
        &self,
        change: AllowlistChange<'_>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        self.change_allowlist(&change)?.commit(random).await
    }

    fn change_allowlist(
        &self,
        change: &AllowlistChange<'_>,
    ) -> Result<super::transaction::Transaction<'_>, Error> {
        let AllowlistChange { organization, rules, audit } = change;
        let expression = Expression::default().set(&["allowlist"], rules)?;
        self.change_organization(organization, expression, audit)
    }

    /// Notes that the list was evaluated, and the credential that it would have refused, unless that
    /// was noted in the minute before.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn note_evaluation(
        &self,
        organization: OrganizationId,
        credential: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        for _ in 0..NOTE_ATTEMPTS {
            let item = self.get(Key::evaluations(organization)).await?;
            let before: Option<Evaluations> =
                item.map(|item| item.decode("evaluations")).transpose()?;
            let mut after = before.clone().unwrap_or_default();
            if !after.note(credential.clone(), now) {
                return Ok(());
            }
            let expression = Expression::default()
                .set(&["would_be_refused"], &after.would_be_refused)?
                .set(&["version"], &(after.version + 1))?
                .put(
                    &["last_evaluated_at"],
                    after.last_evaluated_at.map(Timestamp::as_second).as_ref(),
                )?;
            let expression = match before {
                Some(before) => expression.when_equal(&["version"], &before.version)?,
                None => expression.when_absent(&["version"]),
            };
            if self.touch(Key::evaluations(organization), expression).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The query of an organization's entries, oldest first.
fn all_entries(organization: OrganizationId) -> Result<Query, Error> {
    let partition = Key::allowlist_partition(organization);
    Ok(Query::new(Expression::default().when_equal(&[PARTITION], &partition)?))
}

/// Decodes what was noted of evaluations.
pub(super) fn evaluations(item: Option<Item>) -> Result<Evaluations, Error> {
    item.map_or_else(|| Ok(Evaluations::default()), |item| item.decode("evaluations"))
}
