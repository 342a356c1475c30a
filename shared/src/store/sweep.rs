//! What the retention sweep asks of the table. Everything is found by an index: the organizations,
//! their days that have logs, and a day's records. Nothing is scanned.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{
    Store,
    batch::BATCH,
    encode::Attributes,
    expression::Expression,
    item::{Item, SortKey},
    key::{Key, PARTITION, SORT},
    organizations,
    query::{Page, Query},
    transaction::Lost,
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::OrganizationId,
    model::{
        audit::AuditRecord,
        organization::Organization,
        retention::{Hold, LogKind, Retention},
    },
    random::Random,
};

/// How many organizations are read at once.
pub const ORGANIZATIONS_AT_ONCE: usize = 16;

const COUNTED_TO: &str = "counted_to";

/// How many records of each kind were deleted since the last audit record of it.
pub type Counts = BTreeMap<LogKind, u64>;

/// A day that has records of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDay {
    /// The kind.
    pub kind: LogKind,
    /// The day, as `yyyy-mm-dd`.
    pub day: String,
}

/// What an organization's index says.
#[derive(Debug, Default)]
pub struct LogDays {
    /// Its days, by kind, oldest first.
    pub days: Vec<LogDay>,
    /// What a sweep that was killed has counted, and not recorded.
    pub unrecorded: Counts,
    /// Up to where it has counted.
    pub counted_to: Option<CountedTo>,
}

/// Up to where in a day's partition records were counted, before they were deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CountedTo {
    /// The kind of the records.
    pub kind: LogKind,
    day: String,
    /// The last one's sort key.
    sort: String,
    /// The moment before which they were written, in milliseconds since the Unix epoch.
    before: i64,
}

impl CountedTo {
    /// Up to a key of that day, among the records written before `cut_off`.
    #[must_use]
    pub fn key(day: &LogDay, cut_off: Timestamp, key: &LogKey) -> Self {
        let (day, sort) = (day.clone(), key.sort.clone());
        Self { kind: day.kind, day: day.day, sort, before: cut_off.as_millisecond() }
    }
}

/// The key of a log record.
#[derive(Debug, Clone)]
pub struct LogKey {
    /// Shared by the keys of a page.
    partition: Arc<str>,
    sort: String,
    /// When it was written, to the millisecond; `None` where the key does not tell.
    pub written_at: Option<Timestamp>,
}

/// The attributes that [`Keeping`] is decoded from, and one that every organization has: where it had
/// none of them, there would be no telling it from one that is gone.
const KEEPING: [&str; 3] = ["id", "retention", "holds"];

/// What decides which of an organization's logs are deleted.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Keeping {
    /// How long they are kept.
    #[serde(default)]
    pub retention: Retention,
    /// What keeps them longer.
    #[serde(default)]
    pub holds: Vec<Hold>,
}

/// Where a page ended.
#[derive(Debug, Clone)]
pub struct PageEnd(Attributes);

/// Some of a day's keys, oldest first.
#[derive(Debug)]
pub struct LogPage {
    /// The keys.
    pub keys: Vec<LogKey>,
    /// Where it goes on, where it does.
    pub end: Option<PageEnd>,
}

impl Store {
    /// The ids of all organizations. An entry that is none is told in the log.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn list_organizations(&self) -> Result<Vec<OrganizationId>, Error> {
        let (mut ids, mut start) = (Vec::new(), None);
        let partition = Key::organizations();
        loop {
            let condition = Expression::default().when_equal(&[PARTITION], &partition)?;
            let page: Page<SortKey> = self.query(keys(condition).after(start)).await?;
            for entry in page.items.into_iter().map(SortKey::text) {
                if let Ok(id) = entry.parse() {
                    ids.push(id);
                } else {
                    tracing::error!(entry, "not an organization");
                }
            }
            start = page.end;
            if start.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Reads up to [`ORGANIZATIONS_AT_ONCE`] organizations. One that does not decode is an error of
    /// its own; one that is gone is left out.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn read_organizations(
        &self,
        ids: &[OrganizationId],
    ) -> Result<Vec<(OrganizationId, Result<Organization, Error>)>, Error> {
        let keys: [_; ORGANIZATIONS_AT_ONCE] =
            std::array::from_fn(|index| ids.get(index).copied().map(Key::organization));
        let items = self.batch_get(keys).await?;
        let found = ids.iter().zip(items).filter_map(|(id, item)| item.map(|item| (*id, item)));
        Ok(found.map(|(id, item)| (id, organizations::decode(&item))).collect())
    }

    /// Reads what decides which of an organization's logs are deleted, and nothing else of it: its
    /// allowlist can be long.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where it does not decode.
    pub async fn read_keeping(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<Keeping>, Error> {
        let item = self.get_part(Key::organization(organization), &KEEPING).await?;
        item.map(|item| item.decode("organization")).transpose()
    }

    /// Reads an organization's index of days, at one call in nearly all cases.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the sweep's counts do not decode.
    pub async fn log_days(&self, organization: OrganizationId) -> Result<LogDays, Error> {
        let mut found = LogDays::default();
        let counts = Key::sweep_counts(organization);
        let condition = Expression::default().when_equal(&[PARTITION], &counts.partition())?;
        for item in self.query_all(Query::new(condition)).await? {
            if item.is_at(&counts) {
                (found.unrecorded, found.counted_to) = unrecorded(&item)?;
            } else if let Some((kind, day)) = Key::log_day_of(&item.sort) {
                found.days.push(LogDay { kind, day: day.to_owned() });
            } else {
                tracing::error!(%organization, entry = item.sort, "not a day that has logs");
            }
        }
        Ok(found)
    }

    /// Reads keys of a day's records that were written before `cut_off`: those of 1 MB of records, the
    /// most that the table reads at once. A key that does not tell when may be among them.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn log_page(
        &self,
        organization: OrganizationId,
        day: &LogDay,
        cut_off: Timestamp,
        start: Option<PageEnd>,
    ) -> Result<LogPage, Error> {
        let partition = Key::logs(organization, day.kind, &day.day);
        let mut expression = Expression::default().when_equal(&[PARTITION], &partition)?;
        if day.day == cut_off.day() {
            expression = expression.when_below(&[SORT], &Key::first_log_at(day.kind, cut_off))?;
        }
        let start = start.map(|PageEnd(key)| key);
        let page: Page<SortKey> = self.query(keys(expression).after(start)).await?;
        let partition: Arc<str> = partition.into();
        let key = |sort: String| {
            let written_at = Key::log_written_at(day.kind, &sort);
            LogKey { partition: Arc::clone(&partition), sort, written_at }
        };
        let keys = page.items.into_iter().map(SortKey::text).map(key).collect();
        Ok(LogPage { keys, end: page.end.map(PageEnd) })
    }

    /// Deletes up to [`BATCH`] records, and tells how many are gone. What the table leaves undone is
    /// tried again, a few times and with jitter.
    pub async fn delete_logs(&self, logs: Vec<LogKey>, random: &dyn Random) -> usize {
        let deletion = |log: &LogKey| delete(Key::log(&log.partition, &log.sort));
        self.write_batch(|| logs.iter().filter_map(deletion).collect(), random).await
    }

    /// Takes days out of the index whose partitions are empty.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn drop_empty_days(
        &self,
        organization: OrganizationId,
        days: &[LogDay],
        random: &dyn Random,
    ) -> Result<(), Error> {
        for days in days.chunks(BATCH) {
            let mut checks = JoinSet::new();
            for LogDay { kind, day } in days.iter().cloned() {
                let store = self.clone();
                checks.spawn(async move {
                    let partition = Key::logs(organization, kind, &day);
                    let empty = store.is_empty(&partition).await;
                    empty.map(|empty| empty.then(|| Key::log_day(organization, kind, &day)))
                });
            }
            let checked = checks.join_all().await.into_iter().filter_map(Result::transpose);
            let empty = checked.collect::<Result<Vec<_>, _>>()?;
            if !empty.is_empty() {
                let deletions = || empty.iter().cloned().filter_map(delete).collect();
                // What stays in the index is found there by the next sweep.
                self.write_batch(deletions, random).await;
            }
        }
        Ok(())
    }

    /// Whether nothing lies in a partition.
    async fn is_empty(&self, partition: &str) -> Result<bool, Error> {
        let condition = Expression::default().when_equal(&[PARTITION], &partition)?;
        let left: Page<SortKey> = self.query(keys(condition).limit(1)).await?;
        Ok(left.items.is_empty())
    }

    /// Counts what is about to be deleted, and notes up to where, so that a sweep which is killed leaves
    /// nothing unrecorded; answers with all that is unrecorded.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn count_swept(
        &self,
        organization: OrganizationId,
        changes: &BTreeMap<LogKind, i64>,
        counted_to: &CountedTo,
    ) -> Result<Counts, Error> {
        let mut expression = Expression::default().set(&[COUNTED_TO], counted_to)?;
        for (kind, change) in changes {
            expression = expression.add(&[kind.name()], change)?;
        }
        let item = self.update(Key::sweep_counts(organization), expression).await?;
        Ok(item.map(|item| unrecorded(&item)).transpose()?.unwrap_or_default().0)
    }

    /// How many of the records that a killed sweep has counted in the day it came to are still there.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn counted_left(
        &self,
        organization: OrganizationId,
        counted: &CountedTo,
    ) -> Result<u64, Error> {
        let day = LogDay { kind: counted.kind, day: counted.day.clone() };
        let cut_off = Timestamp::from_millisecond(counted.before);
        let is_counted = |key: &&LogKey| {
            key.sort <= counted.sort && key.written_at.is_some_and(|written| written < cut_off)
        };
        let (mut left, mut start) = (0, None);
        loop {
            let page = self.log_page(organization, &day, cut_off, start).await?;
            left += page.keys.iter().filter(is_counted).count() as u64;
            let goes_on = page.keys.last().is_none_or(|key| key.sort < counted.sort);
            start = page.end.filter(|_| goes_on);
            if start.is_none() {
                return Ok(left);
            }
        }
    }

    /// Records what was deleted, where something was, on the condition that nobody has counted on.
    ///
    /// # Errors
    /// `Condition(0)` where somebody has: they will record it.
    pub async fn record_swept(
        &self,
        organization: &Organization,
        counted: &Counts,
        audit: Option<&AuditRecord>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let mut condition = Expression::default();
        for (kind, count) in counted {
            condition = condition.when_equal(&[kind.name()], count)?;
        }
        let transaction =
            self.transaction().delete(Key::sweep_counts(organization.id), condition)?;
        let transaction = match audit {
            Some(audit) => transaction.audit(organization, audit)?,
            None => transaction,
        };
        transaction.commit(random).await
    }
}

/// A query of sort keys: what a record says is never read, and its partition is known.
fn keys(condition: Expression) -> Query {
    Query::new(condition).only(SORT)
}

/// What the sweep's own item tells: what it has counted, and up to where.
fn unrecorded(item: &Item) -> Result<(Counts, Option<CountedTo>), Error> {
    const ENTITY: &str = "counts of the sweep";
    let mut counts = Counts::new();
    for kind in LogKind::ALL {
        if let Some(count) = item.attribute(ENTITY, kind.name())? {
            counts.insert(kind, count);
        }
    }
    Ok((counts, item.attribute(ENTITY, COUNTED_TO)?))
}

/// The deletion of an item. It has a key, and so cannot but be one.
fn delete(key: Key) -> Option<WriteRequest> {
    let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build().ok()?;
    Some(WriteRequest::builder().delete_request(delete).build())
}
