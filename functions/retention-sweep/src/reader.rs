//! Reads the keys that the sweep of an organization deletes.

use std::collections::VecDeque;

use shared::{
    error::Error,
    model::{organization::Organization, retention::LogKind},
    store::{LogDay, LogKey, PageEnd},
};

use crate::{organization::ROUND, pass::Pass};

/// Keys to delete.
pub(crate) type Round = Vec<(LogKind, LogKey)>;

/// Reads the keys that are over their days.
pub(crate) struct Reader<'a> {
    pass: Pass<'a>,
    organization: &'a Organization,
    days: VecDeque<LogDay>,
    page: Option<PageEnd>,
    /// The whole days that were read to their end.
    pub(crate) read: Vec<LogDay>,
    /// How many keys were read.
    pub(crate) keys: u64,
    /// How many keys do not tell when they were written.
    pub(crate) unreadable: u64,
}

impl<'a> Reader<'a> {
    /// A reader of days that have something to delete.
    pub(crate) const fn new(
        pass: Pass<'a>,
        organization: &'a Organization,
        days: VecDeque<LogDay>,
    ) -> Self {
        Self { pass, organization, days, page: None, read: Vec::new(), keys: 0, unreadable: 0 }
    }

    /// Whether all days were read to their end.
    pub(crate) fn is_done(&self) -> bool {
        self.days.is_empty()
    }

    /// Reads until there is a whole round, or no more.
    pub(crate) async fn fill(&mut self) -> Result<Round, Error> {
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
