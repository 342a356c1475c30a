//! The way through the log: backwards, day by day, in a bounded number of queries.
//!
//! A day's records lie in a partition of their own, so no query passes from one day to the next. The
//! index of days says which there are. The organization itself says the latest one; so the newest
//! page, where that day fills it, is one query.

use std::collections::VecDeque;

use shared::{
    auth::caller::Caller,
    clock::Timestamp,
    error::Error,
    ids::AuditId,
    model::{audit::StoredRecord, organization::Organization, retention::LogKind},
};

use crate::filters::Filters;

/// How many queries one request makes at most. Filters that match little could else read years.
pub(crate) const MAX_QUERIES: usize = 10;

/// How many records a query reads where filters may leave out most of them.
pub(crate) const CHUNK: usize = 200;

const DAY_SECONDS: i64 = 86_400;

/// What one request has found.
pub(crate) struct Found {
    /// The records, newest first.
    pub(crate) records: Vec<StoredRecord>,
    /// Before which record the search goes on; `None` where nothing is left.
    pub(crate) rest: Option<AuditId>,
}

/// The oldest moment whose records are shown, whether a sweep has been there or not. Before the
/// organization there was nothing to record.
fn oldest_shown(organization: &Organization, now: Timestamp) -> Timestamp {
    organization.retention.cut_off(LogKind::AuditLogs, now).max(organization.created_at())
}

/// Finds up to `limit` records, the newest of those before `after`.
pub(crate) async fn find<L>(
    caller: &Caller<L>,
    filters: &Filters,
    after: Option<AuditId>,
    limit: usize,
) -> Result<Found, Error> {
    let (organization, call) = (&caller.organization, &caller.call);
    let (id, store) = (organization.id, &call.store);
    let oldest = oldest_shown(organization, call.now);
    let first = AuditId::first_of(filters.from.map_or(oldest, |from| from.max(oldest)));
    // Another instance's clock may have begun a new day already.
    let entered = Timestamp::of_day(&organization.last_audit_day).unwrap_or(call.now);
    let end = entered.max(call.now).start_of_day().plus_seconds(DAY_SECONDS);
    let end = AuditId::first_of(filters.to.map_or(end, |to| to.min(end)));
    let mut before = after.map_or(end, |after| after.min(end));

    let mut records = Vec::new();
    let (mut days, mut listed) = (VecDeque::new(), false);
    // Of a day after the one that was entered last, only the index knows whether it is there.
    let newest = day_before(before);
    if newest <= entered {
        days.push_back(newest);
    }
    let mut queries = MAX_QUERIES;
    while first < before {
        let Some(day) = days.front().copied() else {
            if listed {
                break;
            }
            // The index is of use only with a query left for a day of it.
            if records.len() == limit || queries < 2 {
                return Ok(Found { records, rest: Some(before) });
            }
            queries -= 1;
            days =
                store.audit_days(id, first.created_at(), day_before(before), queries).await?.into();
            listed = days.len() < queries;
            continue;
        };
        if records.len() == limit || queries == 0 {
            return Ok(Found { records, rest: Some(before) });
        }
        queries -= 1;
        // One more than is missing tells whether there is more.
        let wanted = if filters.choose() { CHUNK } else { limit - records.len() + 1 };
        let read = store.audit_records(id, day, first..before, wanted).await?;
        for entry in read.entries {
            let admitted = entry.record.filter(|record| filters.admit(record));
            if admitted.is_some() && records.len() == limit {
                return Ok(Found { records, rest: Some(before) });
            }
            records.extend(admitted);
            before = entry.id;
        }
        if read.is_last {
            days.pop_front();
            before = before.min(AuditId::first_of(day));
        }
    }
    Ok(Found { records, rest: None })
}

/// The day of the last record that can lie before `bound`, as its first moment.
fn day_before(bound: AuditId) -> Timestamp {
    AuditId::from_bits(bound.to_bits().saturating_sub(1)).created_at().start_of_day()
}
