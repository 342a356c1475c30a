//! The sweep of one organization: its days that are over are read, oldest first, and deleted in full
//! batches. Reading, looking whether the organization is still as it was, and deleting go on side by side.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    deletions::{Deletions, counts},
    pass::Pass,
    reader::{Next, Reader, Rounds, pages},
    summary::{Swept, Work},
};
use shared::{
    error::Error,
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        retention::LogKind,
    },
    store::{BATCH, CountedTo, Counts, LogDay, LogDays, Lost},
};

/// How many batches are on their way at once.
pub const CONCURRENCY: usize = 16;

/// How many records may be chosen and not be deleted yet: so many may still go once a hold is placed or
/// the days are made more.
pub const WINDOW: usize = BATCH * CONCURRENCY;

/// How many records are chosen by one look at the organization. It is half a window: the look is taken
/// while the table has the other half to delete.
pub(crate) const ROUND: usize = WINDOW / 2;

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
    /// Up to where a sweep has counted that was killed.
    counted_to: Option<CountedTo>,
    /// Of what is counted: what that sweep has not deleted. It is counted again as it is read.
    left: Counts,
    /// Of what is counted: what is not deleted, or is not known to be.
    open: Counts,
    swept: Swept,
    work: Work,
    sent: Deletions,
    days: VecDeque<LogDay>,
}

impl<'a> Sweep<'a> {
    /// The sweep of an organization, as it was read with its days.
    #[must_use]
    pub fn new(pass: Pass<'a>, organization: &'a Organization, index: LogDays) -> Self {
        let now = pass.call.now;
        let is_over = |day: &LogDay| {
            let cut_off = organization.retention.cut_off(day.kind, now);
            !organization.holds(day.kind) && day.day <= cut_off.day()
        };
        Self {
            pass,
            organization,
            counted: index.unrecorded,
            counted_to: index.counted_to,
            left: Counts::new(),
            open: Counts::new(),
            swept: Swept::nothing(organization, now),
            work: Work::default(),
            sent: Deletions::default(),
            days: index.days.into_iter().filter(is_over).collect(),
        }
    }

    /// Sweeps, and records what was deleted, however it ends.
    pub async fn run(mut self) -> (Swept, Work, End) {
        let id = self.organization.id;
        let mut reader = Reader::new(self.pass, self.organization, std::mem::take(&mut self.days));
        let mut end = self.delete_all(&mut reader).await.unwrap_or_else(|error| {
            tracing::error!(organization = %id, %error, "skipped");
            End::Incomplete
        });
        if reader.unreadable > 0 {
            let keys = reader.unreadable;
            tracing::error!(organization = %id, keys, "keys do not tell when they were written");
            end = if end == End::Done { End::Incomplete } else { end };
        }
        if !self.pass.dry_run
            && let Err(error) = self.conclude(&reader.read).await
        {
            tracing::error!(organization = %id, %error, "not recorded");
            end = if end == End::Done { End::Incomplete } else { end };
        }
        let work = Work { read: reader.keys, ..self.work };
        (self.swept, work, end)
    }

    async fn delete_all(&mut self, reader: &mut Reader<'_>) -> Result<End, Error> {
        self.find_left().await?;
        let (sender, rounds) = pages();
        // They hold several calls at once, and would be carried along by all who wait for them.
        let (read, mut end) =
            tokio::join!(Box::pin(reader.read_all(sender)), Box::pin(self.send_all(rounds)));
        while let Some(ended) = self.sent.next().await? {
            self.tell(&ended);
        }
        read?;
        // The reader stops by itself when the time is over.
        if matches!(end, Ok(End::Done)) && !reader.is_done() {
            end = Ok(End::OutOfTime);
        }
        if matches!(end, Ok(End::Done)) && self.open != self.left {
            end = Ok(End::Incomplete);
        }
        end
    }

    /// Finds out how much of what a killed sweep has counted it has not deleted. Where that cannot be
    /// told, nothing is recorded.
    async fn find_left(&mut self) -> Result<(), Error> {
        let Some(to) = self.counted_to.take().filter(|_| !self.pass.dry_run) else { return Ok(()) };
        let counted = std::mem::take(&mut self.counted);
        let left = self.pass.call.store.counted_left(self.organization.id, &to).await?;
        // Not more than were counted: one that came into an old day late was not.
        let left = left.min(counted.get(&to.kind).copied().unwrap_or_default());
        if left > 0 {
            self.left.insert(to.kind, left);
        }
        self.open = self.left.clone();
        self.counted = counted;
        Ok(())
    }

    /// Sends deletions until all are on their way, or may not be.
    async fn send_all(&mut self, mut rounds: Rounds) -> Result<End, Error> {
        let (pass, organization) = (self.pass, self.organization);
        loop {
            let Next { round, begun } = rounds.next().await;
            if round.is_empty() {
                return Ok(End::Done);
            }
            while self.sent.records + round.len() > WINDOW
                && let Some(ended) = self.sent.next().await?
            {
                self.tell(&ended);
            }
            if pass.is_over() {
                return Ok(End::OutOfTime);
            }
            if pass.dry_run {
                self.tell(&counts(round.iter().map(|(kind, _)| kind)));
                continue;
            }
            // Both before the first deletion, and neither waits for the other.
            let (unchanged, counted) =
                tokio::join!(is_unchanged(pass, organization), self.count(begun));
            counted?;
            if !unchanged? {
                return Ok(End::Incomplete);
            }
            self.work.sent += round.len() as u64;
            self.work.batches += self.sent.send(pass, round);
        }
    }

    /// Counts pages before the first of their records is deleted.
    async fn count(&mut self, begun: Option<(Counts, CountedTo)>) -> Result<(), Error> {
        let Some((pages, end)) = begun else { return Ok(()) };
        let mut changes = BTreeMap::<_, i64>::new();
        for (kind, count) in &pages {
            *changes.entry(*kind).or_default() += count.cast_signed();
        }
        for (kind, left) in &self.left {
            *changes.entry(*kind).or_default() -= left.cast_signed();
        }
        let store = &self.pass.call.store;
        self.counted = store.count_swept(self.organization.id, &changes, &end).await?;
        for (kind, left) in std::mem::take(&mut self.left) {
            take(&mut self.open, kind, left);
        }
        for (kind, count) in pages {
            *self.open.entry(kind).or_default() += count;
        }
        Ok(())
    }

    /// Notes what is deleted.
    fn tell(&mut self, deleted: &Counts) {
        for (kind, deleted) in deleted {
            take(&mut self.open, *kind, *deleted);
            if let Some(told) = self.swept.kinds.get_mut(kind) {
                told.deleted += deleted;
            }
        }
    }

    /// Takes emptied days out of the index, and records what was deleted.
    async fn conclude(&self, read: &[LogDay]) -> Result<(), Error> {
        let (call, organization) = (self.pass.call, self.organization);
        let random = &*call.random;
        call.store.drop_empty_days(organization.id, read, random).await?;
        if self.counted.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        for (kind, counted) in &self.counted {
            let open = self.open.get(kind).copied().unwrap_or_default();
            let deleted = counted.saturating_sub(open);
            if deleted == 0 {
                continue;
            }
            let cut_off = organization.retention.cut_off(*kind, call.now).to_string();
            let after = BTreeMap::from([
                ("deleted", serde_json::Value::from(deleted)),
                ("cut_off", cut_off.into()),
            ]);
            changes.push(kind.name(), None::<u64>, after);
        }
        let id = organization.id;
        let audit = (!changes.is_empty())
            .then(|| call.audit(id, Actor::RetentionSweep, Action::RetentionSwept, id, changes));
        match call.store.record_swept(organization, &self.counted, audit.as_ref(), random).await {
            // Another sweep has counted on, and will record it all.
            Ok(()) | Err(Lost::Condition(_)) => Ok(()),
            Err(lost) => Err(lost.or(Error::NotFound)),
        }
    }
}

/// Whether what the keys were chosen by still holds. Where not, the next sweep chooses anew.
async fn is_unchanged(pass: Pass<'_>, organization: &Organization) -> Result<bool, Error> {
    let now = pass.call.store.read_keeping(organization.id).await?;
    Ok(now.is_some_and(|now| {
        now.retention == organization.retention && now.holds == organization.holds
    }))
}

/// Takes some of a kind off its count; a kind of which none is left is not there.
fn take(counts: &mut Counts, kind: LogKind, some: u64) {
    if let Some(count) = counts.get_mut(&kind) {
        *count = count.saturating_sub(some);
        counts.retain(|_, count| *count > 0);
    }
}
