//! What a sweep answers.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::{
    clock::Timestamp,
    ids::OrganizationId,
    model::{organization::Organization, retention::LogKind},
};

/// What a sweep has done.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The organizations of which something was deleted, or is held.
    pub organizations: Vec<Swept>,
    /// The organizations that could not be swept, or not wholly; the log says why.
    pub skipped: Vec<OrganizationId>,
    /// Whether all organizations were come to. Where not, another sweep was at work, or the time was
    /// over; the next one goes on.
    pub complete: bool,
    /// How long at most something is over its days and still there, in seconds.
    #[serde(skip)]
    pub lag_seconds: Option<i64>,
    /// What it took.
    #[serde(skip)]
    pub work: Work,
}

/// What a sweep took, beside its calls and units: deletions pay for a batch each 25, and what is
/// read and not deleted is paid for nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How many keys of records were read.
    pub read: u64,
    /// How many records were to be deleted.
    pub sent: u64,
    /// In how many batches.
    pub batches: u64,
}

impl Work {
    /// Adds what another organization took.
    pub const fn add(&mut self, other: Self) {
        self.read += other.read;
        self.sent += other.sent;
        self.batches += other.batches;
    }
}

/// What a sweep has done to an organization's logs.
#[derive(Debug, Serialize)]
pub struct Swept {
    /// Whose they are.
    pub organization_id: OrganizationId,
    /// By kind.
    pub kinds: BTreeMap<LogKind, Kind>,
}

/// What a sweep has done to logs of a kind.
#[derive(Debug, Serialize)]
pub struct Kind {
    /// How many were deleted, or would be.
    pub deleted: u64,
    /// The moment before which a record is over its days.
    pub cut_off: Timestamp,
    /// Whether a legal hold keeps them.
    pub held: bool,
}

impl Swept {
    /// Nothing yet.
    #[must_use]
    pub fn nothing(organization: &Organization, now: Timestamp) -> Self {
        let kind = |kind| {
            let cut_off = organization.retention.cut_off(kind, now);
            (kind, Kind { deleted: 0, cut_off, held: organization.holds(kind) })
        };
        Self {
            organization_id: organization.id,
            kinds: LogKind::ALL.into_iter().map(kind).collect(),
        }
    }

    /// Whether there is something to tell.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        self.kinds.values().any(|kind| kind.deleted > 0 || kind.held)
    }
}
