//! The audit log: read backwards, day by day.

use std::ops::Range;

use super::{
    Store,
    expression::Expression,
    item::Item,
    key::{Key, PARTITION, SORT},
    query::Query,
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{AuditId, OrganizationId},
    model::{
        audit::{AuditRecord, StoredRecord},
        organization::Organization,
    },
    random::Random,
};

/// Some of a day's audit records.
#[derive(Debug)]
pub struct AuditDay {
    /// The records, newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether the day has no older ones in the range that was asked for.
    pub is_last: bool,
}

/// A record, as far as it decodes.
#[derive(Debug)]
pub struct AuditEntry {
    /// Which.
    pub id: AuditId,
    /// What it says; `None` where it does not decode.
    pub record: Option<StoredRecord>,
}

impl Store {
    /// Reads up to `limit` of the records in `range` that lie in the day of `day`, newest first, in
    /// one strongly consistent call: what has been answered is there. A record that does not decode
    /// is told to the log: it must not hide the others.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn audit_records(
        &self,
        organization: OrganizationId,
        day: Timestamp,
        range: Range<AuditId>,
        limit: usize,
    ) -> Result<AuditDay, Error> {
        let last = AuditId::from_bits(range.end.to_bits().saturating_sub(1));
        let from = Key::audit(organization, day, range.start);
        let (items, is_last) =
            self.backwards(from, Key::audit(organization, day, last), limit).await?;
        let entries = items.into_iter().filter_map(|item| {
            let id = Key::audit_of(&item);
            let record = item
                .decode("audit record")
                .inspect_err(|error| tracing::error!(cause = %error, "a record is left out"));
            Some(AuditEntry { id: id?, record: record.ok() })
        });
        Ok(AuditDay { entries: entries.collect(), is_last })
    }

    /// Reads which days from `first` to `last` have audit records: the latest `limit` of them,
    /// latest first, each as its first moment.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn audit_days(
        &self,
        organization: OrganizationId,
        first: Timestamp,
        last: Timestamp,
        limit: usize,
    ) -> Result<Vec<Timestamp>, Error> {
        let day = |day: Timestamp| Key::audit_day(organization, &day.day());
        let (items, _) = self.backwards(day(first), day(last), limit).await?;
        Ok(items.iter().filter_map(Key::audit_day_of).collect())
    }

    /// Writes the record of something that has changed nothing.
    ///
    /// # Errors
    /// 503 where the table cannot.
    pub async fn note(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Error> {
        let written = self.transaction().audit(organization, audit)?.commit(random).await;
        written.map_err(|lost| lost.or(Error::internal("a record has no condition to lose")))
    }

    /// Reads a partition backwards between two of its keys, both included: at most `limit` items,
    /// and whether they are all.
    async fn backwards(
        &self,
        low: Key,
        high: Key,
        limit: usize,
    ) -> Result<(Vec<Item>, bool), Error> {
        let condition = Expression::default()
            .when_equal(&[PARTITION], &low.partition())?
            .when_between(&[SORT], &low.sort(), &high.sort())?;
        let page = self.query(Query::new(condition).backwards().limit(limit)).await?;
        Ok((page.items, page.end.is_none()))
    }
}
