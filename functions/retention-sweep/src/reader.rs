//! Reads the keys that the sweep of an organization deletes, ahead of the deletions.

use std::{collections::VecDeque, vec};

use shared::{
    clock::Timestamp,
    error::Error,
    model::{organization::Organization, retention::LogKind},
    store::{CountedTo, Counts, LogDay, LogKey},
};
use tokio::sync::mpsc;

use crate::{organization::ROUND, pass::Pass};

/// Keys to delete.
pub(crate) type Round = Vec<(LogKind, LogKey)>;

/// A page of keys to delete.
pub(crate) struct Page {
    keys: Round,
    end: CountedTo,
}

/// What is to be deleted next.
pub(crate) struct Next {
    /// The keys: a whole round, or the last ones, or none.
    pub(crate) round: Round,
    /// How many keys are in the pages that the round has begun, and where the last of them ends.
    pub(crate) begun: Option<(Counts, CountedTo)>,
}

/// How many pages are read before they are wanted: one waits, while the next is on its way.
const AHEAD: usize = 1;

/// Reads the keys that are over their days, page by page.
pub(crate) struct Reader<'a> {
    pass: Pass<'a>,
    organization: &'a Organization,
    days: VecDeque<LogDay>,
    /// The whole days that were read to their end.
    pub(crate) read: Vec<LogDay>,
    /// How many keys were read.
    pub(crate) keys: u64,
    /// How many keys do not tell when they were written.
    pub(crate) unreadable: u64,
}

/// The keys that a [`Reader`] has read, in rounds.
pub(crate) struct Rounds {
    pages: mpsc::Receiver<Page>,
    page: vec::IntoIter<(LogKind, LogKey)>,
}

/// Where a [`Reader`] puts the pages that [`Rounds`] are taken from.
pub(crate) fn pages() -> (mpsc::Sender<Page>, Rounds) {
    let (sender, pages) = mpsc::channel(AHEAD);
    (sender, Rounds { pages, page: vec::IntoIter::default() })
}

impl<'a> Reader<'a> {
    /// A reader of days that have something to delete.
    pub(crate) const fn new(
        pass: Pass<'a>,
        organization: &'a Organization,
        days: VecDeque<LogDay>,
    ) -> Self {
        Self { pass, organization, days, read: Vec::new(), keys: 0, unreadable: 0 }
    }

    /// Whether all days were read to their end.
    pub(crate) fn is_done(&self) -> bool {
        self.days.is_empty()
    }

    /// Reads all days, until the time is over or nobody takes the pages any more.
    pub(crate) async fn read_all(&mut self, pages: mpsc::Sender<Page>) -> Result<(), Error> {
        while let Some(day) = self.days.front().cloned() {
            let cut_off = self.organization.retention.cut_off(day.kind, self.pass.call.now);
            let mut start = None;
            loop {
                // A place for the page first: what nobody takes is not read.
                let Ok(place) = pages.reserve().await else { return Ok(()) };
                if self.pass.is_over() {
                    return Ok(());
                }
                let store = &self.pass.call.store;
                let page = store.log_page(self.organization.id, &day, cut_off, start).await?;
                let keys = self.choose(page.keys, day.kind, cut_off);
                if let Some((_, last)) = keys.last() {
                    let end = CountedTo::key(&day, cut_off, last);
                    place.send(Page { keys, end });
                }
                start = page.end;
                if start.is_none() {
                    break;
                }
            }
            self.days.pop_front();
            if day.day < cut_off.day() {
                self.read.push(day);
            }
        }
        Ok(())
    }

    /// Those keys of a page that are over their days.
    fn choose(&mut self, keys: Vec<LogKey>, kind: LogKind, cut_off: Timestamp) -> Round {
        self.keys += keys.len() as u64;
        let mut round = Round::with_capacity(keys.len());
        for key in keys {
            match key.written_at {
                Some(written) if written < cut_off => round.push((kind, key)),
                // In an older day's partition than it belongs into; its own time counts.
                Some(_) => {}
                None => self.unreadable += 1,
            }
        }
        round
    }
}

impl Rounds {
    /// What comes next.
    pub(crate) async fn next(&mut self) -> Next {
        let mut next = Next { round: Round::with_capacity(ROUND), begun: None };
        loop {
            let missing = ROUND - next.round.len();
            next.round.extend(self.page.by_ref().take(missing));
            if next.round.len() == ROUND {
                return next;
            }
            let Some(Page { keys, end }) = self.pages.recv().await else { return next };
            let mut counts = next.begun.map(|(counts, _)| counts).unwrap_or_default();
            *counts.entry(end.kind).or_default() += keys.len() as u64;
            next.begun = Some((counts, end));
            self.page = keys.into_iter();
        }
    }
}
