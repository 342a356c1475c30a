//! Reads the keys that the sweep of an organization deletes, ahead of the deletions.

use std::{collections::VecDeque, vec};

use shared::{
    clock::Timestamp,
    error::Error,
    model::{organization::Organization, retention::LogKind},
    store::{LogDay, LogKey},
};
use tokio::sync::mpsc;

use crate::{organization::ROUND, pass::Pass};

/// Keys to delete.
pub(crate) type Round = Vec<(LogKind, LogKey)>;

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
    pages: mpsc::Receiver<Round>,
    page: vec::IntoIter<(LogKind, LogKey)>,
}

/// Where a [`Reader`] puts the pages that [`Rounds`] are taken from.
pub(crate) fn pages() -> (mpsc::Sender<Round>, Rounds) {
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
    pub(crate) async fn read_all(&mut self, pages: mpsc::Sender<Round>) -> Result<(), Error> {
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
                place.send(self.choose(page.keys, day.kind, cut_off));
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
    /// The next keys: a whole round, or the last ones, or none.
    pub(crate) async fn next(&mut self) -> Round {
        let mut round = Round::with_capacity(ROUND);
        loop {
            round.extend(self.page.by_ref().take(ROUND - round.len()));
            if round.len() == ROUND {
                return round;
            }
            let Some(page) = self.pages.recv().await else { return round };
            self.page = page.into_iter();
        }
    }
}
