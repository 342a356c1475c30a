//! The sweep of one organization: its days that are over are read, oldest first, and deleted in full
//! batches. Reading, looking whether the organization is still as it was, and deleting go on side by side.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    deletions::{Deletions, counts},
    pass::Pass,
    reader::{Next, Reader, Round, Rounds, pages},
    summary::{Swept, Work},
    tally::Tally,
};
use shared::{
    error::Error,
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
    },
    store::{BATCH, Counts, LogDay, LogDays, Lost},
};

/// How many batches are on their way at once.
pub const CONCURRENCY: usize = 16;

/// How many records may be chosen and not be deleted yet: so many may still go once a hold is placed or
/// the days are made more.
pub const WINDOW: usize = BATCH * CONCURRENCY;

/// How many records are chosen by one look at the organization. It is a part of a window: the table has
/// the others to delete while it is asked.
pub(crate) const ROUND: usize = 5 * BATCH;

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
    tally: Tally<'a>,
    swept: Swept,
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
            tally: Tally::new(pass, organization.id, index.unrecorded, index.counted_to),
            swept: Swept::nothing(organization, now),
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
        let Deletions { sent, batches, .. } = self.sent;
        (self.swept, Work { read: reader.keys, sent, batches }, end)
    }

    async fn delete_all(&mut self, reader: &mut Reader<'_>) -> Result<End, Error> {
        self.tally.find_left().await?;
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
        if matches!(end, Ok(End::Done)) && !self.tally.is_settled() {
            end = Ok(End::Incomplete);
        }
        end
    }

    /// Sends deletions until all are on their way, or may not be.
    async fn send_all(&mut self, mut rounds: Rounds) -> Result<End, Error> {
        let (pass, organization) = (self.pass, self.organization);
        // What may be deleted: it was chosen before the last look.
        let mut looked = Round::new();
        loop {
            let Next { round, begun } = rounds.next().await;
            if round.is_empty() && looked.is_empty() {
                return Ok(End::Done);
            }
            while self.sent.records + looked.len() + round.len() > WINDOW
                && let Some(ended) = self.sent.next().await?
            {
                self.tell(&ended);
            }
            if pass.is_over() {
                return Ok(End::OutOfTime);
            }
            if round.is_empty() {
                self.sent.send(pass, looked);
                return Ok(End::Done);
            }
            if pass.dry_run {
                self.tell(&counts(round.iter().map(|(kind, _)| kind)));
                continue;
            }
            // Both before the round's first deletion. They are asked for before the round that was looked
            // for last is sent, so that the table has that to delete while it answers.
            let send = async { self.sent.send(pass, looked) };
            let (unchanged, counted, ()) =
                tokio::join!(is_unchanged(pass, organization), self.tally.count(begun), send);
            counted?;
            if !unchanged? {
                return Ok(End::Incomplete);
            }
            looked = round;
        }
    }

    /// Notes what is deleted.
    fn tell(&mut self, deleted: &Counts) {
        for (kind, deleted) in deleted {
            self.tally.delete(*kind, *deleted);
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
        let counted = &self.tally.counted;
        if counted.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        for (kind, deleted) in self.tally.deleted() {
            let cut_off = organization.retention.cut_off(kind, call.now).to_string();
            let after = BTreeMap::from([
                ("deleted", serde_json::Value::from(deleted)),
                ("cut_off", cut_off.into()),
            ]);
            changes.push(kind.name(), None::<u64>, after);
        }
        let id = organization.id;
        let audit = (!changes.is_empty())
            .then(|| call.audit(id, Actor::RetentionSweep, Action::RetentionSwept, id, changes));
        match call.store.record_swept(organization, counted, audit.as_ref(), random).await {
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
