//! What is asked for.

use shared::{
    clock::Timestamp,
    ids::{AuditId, OrganizationId},
    model::{organization::Organization, retention::LogKind},
};

/// How many records can be asked for.
const MOST: u64 = 10_000_000;
/// How many days they can lie in.
const MOST_DAYS: u32 = 7_300;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// What is asked for, as `make` hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many records.
    pub count: u64,
    /// Whose; the demo's, where none is named.
    pub organization: Option<OrganizationId>,
    /// Of which kinds, in equal parts.
    pub kinds: Vec<LogKind>,
    /// Over how many days until now; twice as many as each kind is kept, where none are named.
    pub days: Option<u32>,
}

/// Why it makes no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Invalid {
    /// The number of records.
    #[error("N must be a number from 1 to {MOST}: make seed-logs N=1000000")]
    Count,
    /// The organization.
    #[error("ORG must be an organization's id, such as org_01kmq00000000000000000000")]
    Organization,
    /// The kind.
    #[error("KIND must be run_logs, audit_logs or diagnostic_artifacts")]
    Kind,
    /// The days.
    #[error("DAYS must be a number from 1 to {MOST_DAYS}")]
    Days,
    /// Something else.
    #[error("only N, ORG, KIND and DAYS can be given")]
    Unknown,
}

impl Plan {
    /// Reads `NAME=value` each; an empty value is none.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn of<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let (mut count, mut organization, mut days) = (None, None, None);
        let mut kinds = LogKind::ALL.to_vec();
        for argument in arguments {
            match argument.split_once('=') {
                Some((_, "")) => {}
                Some(("N", text)) => count = text.parse().ok(),
                Some(("ORG", text)) => {
                    organization = Some(text.parse().map_err(|_| Invalid::Organization)?);
                }
                Some(("KIND", text)) => kinds.retain(|kind| kind.name() == text),
                Some(("DAYS", text)) => {
                    let number = text.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
                    days = Some(number.ok_or(Invalid::Days)?);
                }
                _ => return Err(Invalid::Unknown),
            }
        }
        if kinds.is_empty() {
            return Err(Invalid::Kind);
        }
        let count = count.filter(|count| (1..=MOST).contains(count)).ok_or(Invalid::Count)?;
        Ok(Self { count, organization, kinds, days })
    }

    /// The share of each kind: how many records, and over how many days.
    #[must_use]
    pub fn shares(&self, organization: &Organization, now: Timestamp) -> Vec<Share> {
        let kinds = self.kinds.len() as u64;
        let share = |(index, kind): (u64, &LogKind)| {
            let twice = organization.retention.of(*kind).in_force(now) * 2;
            let count = self.count / kinds + u64::from(index < self.count % kinds);
            Share { kind: *kind, count, days: self.days.unwrap_or(twice), now }
        };
        (0..).zip(&self.kinds).map(share).collect()
    }
}

/// The records of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// The kind.
    pub kind: LogKind,
    /// How many.
    pub count: u64,
    /// Over how many days until now.
    days: u32,
    now: Timestamp,
}

impl Share {
    /// The days that they lie in, each as a moment of it.
    #[must_use]
    pub fn days(&self) -> Vec<Timestamp> {
        let span = |day| self.now.plus_milliseconds(-DAY * i64::from(day));
        (0..=self.days).map(span).collect()
    }

    /// When the records were written, evenly spread, oldest first, and an id for each: two of one
    /// moment differ by `number`.
    pub fn ids(self, number: u32) -> impl Iterator<Item = AuditId> {
        let span = DAY * i64::from(self.days);
        (0..self.count).map(move |index| {
            let part = i128::from(span) * i128::from(index) / i128::from(self.count);
            let at = self.now.plus_milliseconds(i64::try_from(part).unwrap_or(0) - span);
            let tail = (u128::from(number) << 32) | u128::from(index);
            AuditId::from_bits(AuditId::first_at(at).to_bits() | tail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_chosen() {
        let plan = Plan::of(["N=1000", "ORG=", "KIND=", "DAYS="]).unwrap();
        let kinds = LogKind::ALL.to_vec();
        assert_eq!(plan, Plan { count: 1000, organization: None, kinds, days: None });
        let plan = Plan::of(["N=1", "KIND=audit_logs", "DAYS=7"]).unwrap();
        assert_eq!((plan.kinds, plan.days), (vec![LogKind::AuditLogs], Some(7)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for count in ["N=", "N=0", "N=-1", "N=many", "N=10000001", "DAYS=3"] {
            assert_eq!(Plan::of([count]), Err(Invalid::Count), "{count}");
        }
        for (other, invalid) in [
            ("ORG=usr_00000000000000000000000000", Invalid::Organization),
            ("KIND=logs", Invalid::Kind),
            ("DAYS=0", Invalid::Days),
            ("DAYS=7301", Invalid::Days),
            ("TABLE=x", Invalid::Unknown),
            ("100", Invalid::Unknown),
        ] {
            assert_eq!(Plan::of(["N=1", other]), Err(invalid), "{other}");
        }
    }
}
