//! What is counted of an organization's deletions, so that each is recorded once, whatever ends a sweep.

use std::collections::BTreeMap;

use shared::{
    error::Error,
    ids::OrganizationId,
    model::retention::LogKind,
    store::{CountedTo, Counts},
};

use crate::pass::Pass;

/// The counts of one organization.
pub(crate) struct Tally<'a> {
    pass: Pass<'a>,
    organization: OrganizationId,
    /// What a sweep has counted and not recorded.
    pub(crate) counted: Counts,
    /// Up to where a sweep has counted that was killed.
    counted_to: Option<CountedTo>,
    /// Of what is counted: what that sweep has not deleted. It is counted again as it is read.
    left: Counts,
    /// Of what is counted: what is not deleted, or is not known to be.
    open: Counts,
}

impl<'a> Tally<'a> {
    /// The counts that the last sweep has left.
    pub(crate) const fn new(
        pass: Pass<'a>,
        organization: OrganizationId,
        counted: Counts,
        counted_to: Option<CountedTo>,
    ) -> Self {
        Self { pass, organization, counted, counted_to, left: Counts::new(), open: Counts::new() }
    }

    /// Finds out how much of what a killed sweep has counted it has not deleted. Where that cannot be
    /// told, nothing is recorded.
    pub(crate) async fn find_left(&mut self) -> Result<(), Error> {
        let Some(to) = self.counted_to.take().filter(|_| !self.pass.dry_run) else { return Ok(()) };
        let counted = std::mem::take(&mut self.counted);
        let left = self.pass.call.store.counted_left(self.organization, &to).await?;
        // Not more than were counted: one that came into an old day late was not.
        let left = left.min(counted.get(&to.kind).copied().unwrap_or_default());
        if left > 0 {
            self.left.insert(to.kind, left);
        }
        self.open = self.left.clone();
        self.counted = counted;
        Ok(())
    }

    /// Counts pages before the first of their records is deleted.
    pub(crate) async fn count(&mut self, begun: Option<(Counts, CountedTo)>) -> Result<(), Error> {
        let Some((pages, end)) = begun else { return Ok(()) };
        let mut changes = BTreeMap::<_, i64>::new();
        for (kind, count) in &pages {
            *changes.entry(*kind).or_default() += count.cast_signed();
        }
        for (kind, left) in &self.left {
            *changes.entry(*kind).or_default() -= left.cast_signed();
        }
        let store = &self.pass.call.store;
        self.counted = store.count_swept(self.organization, &changes, &end).await?;
        for (kind, left) in std::mem::take(&mut self.left) {
            take(&mut self.open, kind, left);
        }
        for (kind, count) in pages {
            *self.open.entry(kind).or_default() += count;
        }
        Ok(())
    }

    /// Notes what is deleted.
    pub(crate) fn delete(&mut self, kind: LogKind, deleted: u64) {
        take(&mut self.open, kind, deleted);
    }

    /// Whether all that this sweep has counted is deleted.
    pub(crate) fn is_settled(&self) -> bool {
        self.open == self.left
    }

    /// How many were deleted of each kind since the last record, where any were.
    pub(crate) fn deleted(&self) -> Counts {
        let of_kind = |(kind, counted): (&LogKind, &u64)| {
            let open = self.open.get(kind).copied().unwrap_or_default();
            (*kind, counted.saturating_sub(open))
        };
        self.counted.iter().map(of_kind).filter(|(_, deleted)| *deleted > 0).collect()
    }
}

/// Takes some of a kind off its count; a kind of which none is left is not there.
fn take(counts: &mut Counts, kind: LogKind, some: u64) {
    if let Some(count) = counts.get_mut(&kind) {
        *count = count.saturating_sub(some);
        counts.retain(|_, count| *count > 0);
    }
}
