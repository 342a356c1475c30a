//! The sweep of one organization: its days that are over are read, oldest first, and deleted in full
//! batches; while some are on their way, the next are read.

use std::collections::{BTreeMap, VecDeque};

use shared::{
    error::Error,
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        retention::LogKind,
    },
    store::{BATCH, Counts, LogDay, LogDays, LogKey, Lost, PageEnd},
};
use tokio::task::JoinSet;

use crate::{
    pass::Pass,
    summary::{Swept, Work},
};

/// How many batches are on their way at once.
pub const CONCURRENCY: usize = 8;

/// How many records are deleted between two looks at the organization: so many may still go once a
/// hold is placed or the days are made more.
const ROUND: usize = BATCH * CONCURRENCY;

/// How the sweep of an organization ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing that is over its days and not held is left.
    Done,
    /// Something is left.
    Incomplete,
    /// The time was over.
    OutOfTime,
}

/// The sweep of one organization.
pub struct Sweep<'a> {
    pass: Pass<'a>,
    organization: &'a Organization,
    /// What a sweep has counted and not recorded.
    counted: Counts,
    swept: Swept,
    /// What was counted in this sweep, and was not deleted after all.
    short: Counts,
    work: Work,
    reader: Reader<'a>,
}

/// Reads the keys that are over their days.
struct Reader<'a> {
    pass: Pass<'a>,
    organization: &'a Organization,
    days: VecDeque<LogDay>,
    page: Option<PageEnd>,
    /// The whole days that were read to their end.
    read: Vec<LogDay>,
    /// How many keys were read.
    keys: u64,
    /// How many keys do not tell when they were written.
    unreadable: u64,
}

/// Keys to delete.
type Round = Vec<(LogKind, LogKey)>;

impl<'a> Sweep<'a> {
    /// The sweep of an organization, as it was read with its days.
    #[must_use]
    pub fn new(pass: Pass<'a>, organization: &'a Organization, index: LogDays) -> Self {
        let now = pass.call.now;
        let is_over = |day: &LogDay| {
            let cut_off = organization.retention.cut_off(day.kind, now);
            !organization.holds(day.kind) && day.day <= cut_off.day()
        };
        let days = index.days.into_iter().filter(is_over).collect();
        Self {
            pass,
            organization,
            counted: index.unrecorded,
            swept: Swept::nothing(organization, now),
            short: Counts::new(),
            work: Work::default(),
            reader: Reader {
                pass,
                organization,
                days,
                page: None,
                read: Vec::new(),
                keys: 0,
                unreadable: 0,
            },
        }
    }

    /// Sweeps, and records what was deleted, however it ends.
    pub async fn run(mut self) -> (Swept, Work, End) {
        let id = self.organization.id;
        let mut end = self.delete_all().await.unwrap_or_else(|error| {
            tracing::error!(organization = %id, %error, "skipped");
            End::Incomplete
        });
        if self.reader.unreadable > 0 {
            let keys = self.reader.unreadable;
            tracing::error!(organization = %id, keys, "keys do not tell when they were written");
            end = if end == End::Done { End::Incomplete } else { end };
        }
        if !self.pass.dry_run
            && let Err(error) = self.conclude().await
        {
            tracing::error!(organization = %id, %error, "not recorded");
            end = if end == End::Done { End::Incomplete } else { end };
        }
        let work = Work { read: self.reader.keys, ..self.work };
        (self.swept, work, end)
    }

    async fn delete_all(&mut self) -> Result<End, Error> {
        let mut round = self.reader.fill().await?;
        while !round.is_empty() {
            if self.pass.is_over() {
                return Ok(End::OutOfTime);
            }
            if self.pass.dry_run {
                self.tell(&counts(&round));
                round = self.reader.fill().await?;
                continue;
            }
            if !self.is_unchanged().await? {
                return Ok(End::Incomplete);
            }
            self.work.sent += round.len() as u64;
            self.work.batches += round.len().div_ceil(BATCH) as u64;
            let planned = counts(&round);
            self.counted = self.pass.call.store.count_swept(self.organization.id, &planned).await?;
            let (deleted, next) = tokio::join!(delete(self.pass, round), self.reader.fill());
            self.tell(&deleted);
            for (kind, planned) in planned {
                let short = planned - deleted.get(&kind).copied().unwrap_or_default();
                *self.short.entry(kind).or_default() += short;
            }
            round = next?;
        }
        // The reader stops by itself when the time is over.
        if !self.reader.days.is_empty() {
            return Ok(End::OutOfTime);
        }
        let over = self.short.values().all(|short| *short == 0);
        Ok(if over { End::Done } else { End::Incomplete })
    }

    fn tell(&mut self, deleted: &Counts) {
        for (kind, count) in deleted {
            if let Some(told) = self.swept.kinds.get_mut(kind) {
                told.deleted += count;
            }
        }
    }

    /// Whether what the keys were chosen by still holds. Where not, the next sweep chooses anew.
    async fn is_unchanged(&self) -> Result<bool, Error> {
        let now = self.pass.call.store.read_organization(self.organization.id).await?;
        Ok(now.is_some_and(|now| {
            now.retention == self.organization.retention && now.holds == self.organization.holds
        }))
    }

    /// Takes emptied days out of the index, and records what was deleted.
    async fn conclude(&self) -> Result<(), Error> {
        let (call, organization) = (self.pass.call, self.organization);
        let random = &*call.random;
        call.store.drop_empty_days(organization.id, &self.reader.read, random).await?;
        if self.counted.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        for (kind, counted) in &self.counted {
            let short = self.short.get(kind).copied().unwrap_or_default();
            let deleted = counted.saturating_sub(short);
            let cut_off = organization.retention.cut_off(*kind, call.now).to_string();
            let after = BTreeMap::from([
                ("deleted", serde_json::Value::from(deleted)),
                ("cut_off", cut_off.into()),
            ]);
            changes.push(kind.name(), None::<u64>, after);
        }
        let id = organization.id;
        let audit = call.audit(id, Actor::RetentionSweep, Action::RetentionSwept, id, changes);
        match call.store.record_swept(organization, &self.counted, &audit, random).await {
            // Another sweep has counted on, and will record it all.
            Ok(()) | Err(Lost::Condition(_)) => Ok(()),
            Err(lost) => Err(lost.or(Error::NotFound)),
        }
    }
}

impl Reader<'_> {
    /// Reads until there is a whole round, or no more.
    async fn fill(&mut self) -> Result<Round, Error> {
        let mut round = Round::with_capacity(ROUND);
        while round.len() < ROUND
            && let Some(day) = self.days.front().cloned()
        {
            if self.pass.is_over() {
                break;
            }
            let organization = self.organization;
            let cut_off = organization.retention.cut_off(day.kind, self.pass.call.now);
            let limit = i32::try_from(ROUND - round.len()).unwrap_or(1);
            let start = self.page.take();
            let store = &self.pass.call.store;
            let page = store.log_page(organization.id, &day, cut_off, limit, start).await?;
            self.keys += page.keys.len() as u64;
            for key in page.keys {
                match key.written_at {
                    Some(written) if written < cut_off => round.push((day.kind, key)),
                    // In an older day's partition than it belongs into; its own time counts.
                    Some(_) => {}
                    None => self.unreadable += 1,
                }
            }
            self.page = page.end;
            if self.page.is_none() {
                self.days.pop_front();
                if day.day < cut_off.day() {
                    self.read.push(day);
                }
            }
        }
        Ok(round)
    }
}

/// Deletes a round, and tells what is gone.
async fn delete(pass: Pass<'_>, round: Round) -> Counts {
    let mut batches = JoinSet::new();
    let mut keys = round.into_iter().peekable();
    while keys.peek().is_some() {
        let batch: Round = keys.by_ref().take(BATCH).collect();
        let (store, random) = (pass.call.store.clone(), pass.call.random.clone());
        batches.spawn(async move {
            let kinds: Vec<_> = batch.iter().map(|(kind, _)| *kind).collect();
            let logs = batch.into_iter().map(|(_, key)| key).collect();
            let left = store.delete_logs(logs, &*random).await;
            (kinds, left)
        });
    }
    let mut deleted = Counts::new();
    for (kinds, gone) in batches.join_all().await {
        // Of a batch that is not done in the end, which records are gone is not told; all kinds of it
        // are taken for its first ones.
        for kind in kinds.into_iter().take(gone) {
            *deleted.entry(kind).or_default() += 1;
        }
    }
    deleted
}

fn counts(round: &Round) -> Counts {
    let mut counts = Counts::new();
    for (kind, _) in round {
        *counts.entry(*kind).or_default() += 1;
    }
    counts
}
