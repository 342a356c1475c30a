//! How many requests a credential may make: a token bucket in the table, by the generic cell rate
//! algorithm (ITU-T I.371): one moment says how full it is.
//!
//! No answer waits for the table, and no request reads the bucket: each instance counts what it lets
//! in and tells the table of every tenth request, beside the answer; the table's reply says what all
//! other instances have told. So a credential that is used by several instances at once can be let in
//! up to ten times more by each of them than the limit says, once, and a credential that is used now
//! and then writes nothing at all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::caller::Credential;
use crate::{
    call::Call, clock::Timestamp, error::Error, ids::OrganizationId,
    model::organization::Organization,
};

/// The organization's limit that tells how many requests each of its credentials may make a minute.
pub const LIMIT: &str = "max_requests_per_minute";

/// How many that are where the organization's plan does not say.
pub const DEFAULT_LIMIT: u64 = 600;

/// In which time the whole limit is there again, in seconds: the limit may also be used up at once.
pub const WINDOW_SECONDS: i64 = 60;

/// Of how many requests the table is told at once.
const TOLD_AT_ONCE: u32 = 10;

/// Of how many credentials an instance remembers what it has counted; when there are more, it
/// forgets those whose buckets are full, and if all are in use, all.
const MAX_REMEMBERED: usize = 1000;

const WINDOW: i64 = WINDOW_SECONDS * 1_000_000;

/// What an answer tells of its credential's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a window.
    pub limit: u64,
    /// How many there may be at once now.
    pub remaining: u64,
    /// In how many seconds it is the whole limit again.
    pub reset_seconds: u64,
}

/// Requests that were let in and not told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// How far they take the bucket, in microseconds.
    pub microseconds: i64,
    /// Whether the bucket was in use when the table was asked last: which of two writes to try first.
    pub in_use: bool,
}

/// What this instance knows of a bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// When it is full again, in microseconds since the Unix epoch.
    full_at: i64,
    /// When it is full again as far as the table has told.
    told: i64,
    /// How many requests the table has not been told of.
    untold: u32,
}

/// What this instance knows of the buckets of credentials that it has seen lately.
#[derive(Debug, Clone, Default)]
pub struct Rates(Arc<Mutex<HashMap<u128, Bucket>>>);

impl Rates {
    /// Lets a request in, if there is room for it.
    ///
    /// # Errors
    /// Seconds until there is.
    fn admit(&self, credential: u128, limit: u64, now: i64) -> Result<(Rate, Option<Spent>), u32> {
        let cost = cost(limit);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_REMEMBERED && !buckets.contains_key(&credential) {
            buckets.retain(|_, bucket| bucket.full_at > now);
            if buckets.len() >= MAX_REMEMBERED {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(credential).or_default();
        if bucket.full_at <= now {
            // It has filled up: what was not told of no longer matters.
            *bucket = Bucket { full_at: now, ..Bucket::default() };
        }
        let full_at = bucket.full_at + cost;
        let over = full_at - now - WINDOW;
        if over > 0 {
            return Err(u32::try_from(seconds(over)).unwrap_or(u32::MAX));
        }
        bucket.full_at = full_at;
        bucket.untold += 1;
        let remaining = (-over / cost).unsigned_abs();
        let rate = Rate { limit, remaining, reset_seconds: seconds(full_at - now) };
        let spent = (bucket.untold >= TOLD_AT_ONCE).then(|| {
            let microseconds = i64::from(std::mem::take(&mut bucket.untold)) * cost;
            Spent { microseconds, in_use: bucket.told > now }
        });
        Ok((rate, spent))
    }

    /// Takes in what the table has said.
    fn learn(&self, credential: u128, limit: u64, told: i64) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(&credential) else { return };
        bucket.told = bucket.told.max(told);
        bucket.full_at = bucket.full_at.max(told + i64::from(bucket.untold) * cost(limit));
    }
}

/// How far one request takes a bucket, in microseconds.
fn cost(limit: u64) -> i64 {
    i64::try_from(limit).map_or(1, |limit| WINDOW.checked_div(limit).unwrap_or(WINDOW)).max(1)
}

/// Microseconds in seconds, rounded up.
const fn seconds(microseconds: i64) -> u64 {
    microseconds.unsigned_abs().div_ceil(1_000_000)
}

/// How many requests a minute each credential of an organization may make.
fn limit_of(organization: &Organization) -> u64 {
    organization.limits.get(LIMIT).copied().unwrap_or(DEFAULT_LIMIT).max(1)
}

/// Counts a request, and lets its answer tell how many more there may be.
///
/// # Errors
/// 429 `rate_limited`.
pub(super) fn count(
    call: &Call,
    organization: &Organization,
    credential: Credential,
) -> Result<(), Error> {
    let limit = limit_of(organization);
    let (id, now) = (credential.to_bits(), microseconds(call.now));
    let (rate, spent) = match call.rates.admit(id, limit, now) {
        Ok(admitted) => admitted,
        Err(retry_after) => {
            let reset_seconds = WINDOW_SECONDS.unsigned_abs();
            call.tell_rate(Rate { limit, remaining: 0, reset_seconds });
            return Err(Error::RateLimited { retry_after });
        }
    };
    call.tell_rate(rate);
    if let Some(spent) = spent {
        tell(call, organization.id, credential, limit, spent);
    }
    Ok(())
}

/// Tells the table. Where that fails, the requests are not counted: a limit is no reason to refuse
/// what the table could have answered.
fn tell(
    call: &Call,
    organization: OrganizationId,
    credential: Credential,
    limit: u64,
    spent: Spent,
) {
    let (store, rates, now) = (call.background_store(), call.rates.clone(), call.now);
    call.background.spawn(async move {
        match store.spend_requests(organization, credential, spent, now).await {
            Ok(told) => rates.learn(credential.to_bits(), limit, told),
            Err(error) => tracing::warn!(cause = %error, "requests were not counted"),
        }
    });
}

/// A moment in microseconds since the Unix epoch.
#[must_use]
pub const fn microseconds(moment: Timestamp) -> i64 {
    moment.as_millisecond().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_774_623_600_000_000;
    const SECOND: i64 = 1_000_000;

    fn admitted(rates: &Rates, limit: u64, now: i64) -> u64 {
        let mut count = 0;
        while rates.admit(1, limit, now).is_ok() {
            count += 1;
        }
        count
    }

    #[test]
    fn the_whole_limit_may_be_used_at_once_and_comes_back_evenly() {
        let rates = Rates::default();
        assert_eq!(admitted(&rates, 60, NOW), 60);
        assert_eq!(rates.admit(1, 60, NOW).unwrap_err(), 1);
        assert_eq!(admitted(&rates, 60, NOW + SECOND - 1), 0);
        assert_eq!(admitted(&rates, 60, NOW + SECOND), 1);
        assert_eq!(admitted(&rates, 60, NOW + 31 * SECOND), 30);
        assert_eq!(admitted(&rates, 60, NOW + 3600 * SECOND), 60);
    }

    #[test]
    fn an_answer_tells_what_is_left_and_when_all_is_there_again() {
        let rates = Rates::default();
        let (rate, _) = rates.admit(1, 60, NOW).unwrap();
        assert_eq!(rate, Rate { limit: 60, remaining: 59, reset_seconds: 1 });
        let (rate, _) = rates.admit(1, 60, NOW).unwrap();
        assert_eq!(rate, Rate { limit: 60, remaining: 58, reset_seconds: 2 });
        for _ in 0..58 {
            rates.admit(1, 60, NOW).unwrap();
        }
        let (rate, _) = rates.admit(1, 60, NOW + SECOND).unwrap();
        assert_eq!(rate, Rate { limit: 60, remaining: 0, reset_seconds: 60 });
    }

    #[test]
    fn the_table_is_told_of_every_tenth_request() {
        let rates = Rates::default();
        let told = (1..=100).filter(|_| rates.admit(1, 600, NOW).unwrap().1.is_some());
        assert_eq!(told.count(), 10);
    }

    #[test]
    fn a_credential_that_is_used_now_and_then_tells_nothing() {
        let rates = Rates::default();
        for index in 0..1000 {
            let (rate, spent) = rates.admit(1, 600, NOW + index * SECOND).unwrap();
            assert_eq!((rate.remaining, spent), (599, None));
        }
    }

    #[test]
    fn what_others_have_spent_is_spent() {
        let rates = Rates::default();
        for _ in 0..10 {
            rates.admit(1, 60, NOW).unwrap();
        }
        // Together with 20 of another instance.
        rates.learn(1, 60, NOW + 30 * SECOND);
        assert_eq!(admitted(&rates, 60, NOW), 30);
    }

    #[test]
    fn what_was_let_in_while_the_table_was_asked_is_not_forgotten() {
        let rates = Rates::default();
        for _ in 0..15 {
            rates.admit(1, 60, NOW).unwrap();
        }
        // The table speaks of ten, and of 20 of another instance; five are not told yet.
        rates.learn(1, 60, NOW + 30 * SECOND);
        assert_eq!(admitted(&rates, 60, NOW), 25);
    }

    #[test]
    fn of_too_many_credentials_those_in_use_are_remembered() {
        let rates = Rates::default();
        assert_eq!(admitted(&rates, 60, NOW), 60);
        for credential in 2..=1000 {
            rates.admit(credential, 60, NOW - 10 * SECOND).unwrap();
        }
        rates.admit(5000, 60, NOW).unwrap();
        assert_eq!(admitted(&rates, 60, NOW), 0);
        assert_eq!(rates.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn limits_of_any_size_do_no_harm() {
        for limit in [1, 7, 1_000_000_000, u64::MAX] {
            let rates = Rates::default();
            let (rate, _) = rates.admit(1, limit, NOW).unwrap();
            assert!(rate.remaining < limit, "{limit}");
        }
    }
}
