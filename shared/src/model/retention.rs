//! How long an organization's logs are kept, and what keeps them longer.
//!
//! Shorter days delete for good, so they are told at once and are in force only after the
//! cooling-off: nothing is deleted at a moment that some policy told within the cooling-off before
//! it would have kept. Longer days are in force at once.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{Timestamp, epoch},
    http::fault::Faults,
};

/// A kind of log records.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Deserr,
)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults)]
pub enum LogKind {
    /// What the runs of pipelines wrote.
    #[deserr(rename = "run_logs")]
    RunLogs,
    /// Who changed what.
    #[deserr(rename = "audit_logs")]
    AuditLogs,
    /// What failed runs left behind to find out why.
    #[deserr(rename = "diagnostic_artifacts")]
    DiagnosticArtifacts,
}

impl LogKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RunLogs, Self::AuditLogs, Self::DiagnosticArtifacts];

    /// Its name in answers and audit records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunLogs => "run_logs",
            Self::AuditLogs => "audit_logs",
            Self::DiagnosticArtifacts => "diagnostic_artifacts",
        }
    }
}

/// How long one kind is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The days in force until the pending ones are.
    days: u32,
    /// Fewer days that are told already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

/// Days that wait for the end of the cooling-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    days: u32,
    #[serde(with = "epoch")]
    effective_at: Timestamp,
}

impl Period {
    /// So many days, in force.
    #[must_use]
    pub const fn of(days: u32) -> Self {
        Self { days, pending: None }
    }

    /// The days that are told: those asked for last.
    #[must_use]
    pub fn told(self) -> u32 {
        self.pending.map_or(self.days, |pending| pending.days)
    }

    /// The days in force at `now`: the pending ones from the second on in which they fall due.
    #[must_use]
    pub fn in_force(self, now: Timestamp) -> u32 {
        match self.pending {
            Some(pending) if now >= pending.effective_at => pending.days,
            _ => self.days,
        }
    }

    /// When the days that are told will be in force, where they are not at `now`.
    #[must_use]
    pub fn effective_at(self, now: Timestamp) -> Option<Timestamp> {
        self.pending.map(|pending| pending.effective_at).filter(|at| now < *at)
    }

    /// This period with other days asked for at `now`.
    ///
    /// As many as are in force, or more, are in force at once. Fewer wait for the cooling-off; where
    /// others wait already, more than those go on waiting until the same moment, and fewer wait
    /// anew. So one pending number is enough: at each moment the days in force are at least the most
    /// that were told within the cooling-off before it.
    #[must_use]
    pub fn asked(self, days: u32, now: Timestamp, cooling_off_hours: u16) -> Self {
        let in_force = self.in_force(now);
        if days >= in_force || cooling_off_hours == 0 {
            return Self::of(days);
        }
        // A second that has begun counts as a whole one: the table keeps whole seconds.
        let at = now.plus_minutes(u32::from(cooling_off_hours) * 60).plus_milliseconds(999);
        let effective_at = match self.pending {
            Some(Pending { days: waiting, effective_at })
                if now < effective_at && days >= waiting =>
            {
                effective_at
            }
            _ => at.whole_second(),
        };
        Self { days: in_force, pending: Some(Pending { days, effective_at }) }
    }
}

/// How long an organization's logs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Run logs: 1 to 365 days.
    pub run_logs: Period,
    /// Audit records: 30 to 3,650 days.
    pub audit_logs: Period,
    /// Diagnostic artifacts: 1 to 365 days.
    pub diagnostic_artifacts: Period,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            run_logs: Period::of(30),
            audit_logs: Period::of(365),
            diagnostic_artifacts: Period::of(7),
        }
    }
}

impl Retention {
    /// The period of one kind.
    #[must_use]
    pub const fn of(&self, kind: LogKind) -> Period {
        match kind {
            LogKind::RunLogs => self.run_logs,
            LogKind::AuditLogs => self.audit_logs,
            LogKind::DiagnosticArtifacts => self.diagnostic_artifacts,
        }
    }

    /// The moment before which records of a kind are over their days at `now`.
    #[must_use]
    pub fn cut_off(&self, kind: LogKind, now: Timestamp) -> Timestamp {
        now.plus_seconds(-86_400 * i64::from(self.of(kind).in_force(now)))
    }
}

/// The most holds that an organization may have: its item is read with every request.
pub const MAX_HOLDS: usize = 50;

/// A legal hold: while a case holds a kind, nothing of it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What is held.
    pub kind: LogKind,
    /// For which case.
    pub case: String,
    /// Since when.
    #[serde(with = "epoch")]
    pub placed_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_774_623_600 + second)
    }

    #[test]
    fn fewer_days_are_told_at_once_and_are_in_force_from_the_second_on_in_which_they_fall_due() {
        let period = Period::of(30).asked(14, at(0), 24);
        assert_eq!((period.told(), period.effective_at(at(0))), (14, Some(at(DAY))));
        assert_eq!(period.in_force(at(DAY).plus_milliseconds(-1)), 30);
        assert_eq!((period.in_force(at(DAY)), period.effective_at(at(DAY))), (14, None));
    }

    #[test]
    fn a_second_that_has_begun_is_waited_for_to_its_end() {
        let period = Period::of(30).asked(14, at(0).plus_milliseconds(1), 24);
        assert_eq!(period.effective_at(at(0)), Some(at(DAY + 1)));
    }

    #[test]
    fn more_days_are_in_force_at_once_and_take_pending_ones_back() {
        let pending = Period::of(30).asked(14, at(0), 24);
        for days in [30, 31] {
            assert_eq!(pending.asked(days, at(DAY - 1), 24), Period::of(days));
        }
        let between = pending.asked(20, at(10), 24);
        assert_eq!((between.told(), between.effective_at(at(10))), (20, Some(at(DAY))));
        assert_eq!(pending.asked(15, at(DAY), 24), Period::of(15));
    }

    #[test]
    fn fewer_days_still_wait_anew() {
        let period = Period::of(30).asked(14, at(0), 24).asked(7, at(3600), 24);
        assert_eq!(period.in_force(at(DAY)), 30);
        assert_eq!(period.in_force(at(DAY + 3600)), 7);
    }

    #[test]
    fn without_a_cooling_off_all_days_are_in_force_at_once() {
        assert_eq!(Period::of(30).asked(1, at(0), 0), Period::of(1));
    }

    #[test]
    fn nothing_is_deleted_that_a_policy_told_within_the_cooling_off_would_have_kept() {
        #[derive(Default)]
        struct Chance(std::sync::atomic::AtomicU64);
        impl Random for Chance {
            fn fill(&self, bytes: &mut [u8]) {
                for byte in bytes {
                    let step = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let word = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    *byte =
                        (word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[0];
                }
            }
        }
        let chance = Chance::default();
        let draw = |bound: u32| u32::from_be_bytes(crate::random::bytes(&chance)) % bound;
        for _ in 0..2000 {
            let (hours, first) = (u16::try_from(1 + draw(3)).unwrap(), 1 + draw(10));
            let cooling = i64::from(hours) * 3600;
            // What is told, from which second on.
            let (mut period, mut told, mut now) = (Period::of(first), vec![(i64::MIN, first)], 0);
            for _ in 0..12 {
                now += i64::from(draw(7200));
                let days = 1 + draw(10);
                period = period.asked(days, at(now), hours);
                told.push((now, days));
                assert_eq!(period.told(), days);
                for later in [0, 1, cooling / 2, cooling - 1, cooling, cooling + 1] {
                    let (moment, from) = (now + later, now + later - cooling);
                    // The last that was told when the window began, and all told in it.
                    let before = told.iter().rev().find(|(since, _)| *since <= from).unwrap();
                    let within = told.iter().filter(|(since, _)| *since > from);
                    let most = within.chain([before]).map(|(_, days)| *days).max().unwrap();
                    let in_force = period.in_force(at(moment));
                    assert!(in_force >= most, "{in_force} days, {most} were told: {told:?}");
                    assert!(later < cooling || in_force == days, "{told:?}");
                    assert!(told.iter().any(|(_, days)| *days == in_force));
                }
            }
        }
    }
}
