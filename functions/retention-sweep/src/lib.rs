//! Deletes logs that are over their organization's days. A schedule invokes it; there is no route.
//!
//! What is deleted is gone from the table, so the table itself says where a sweep that was killed, or
//! ran out of time, goes on: nothing is deleted twice but what was on its way. An overlapping sweep
//! would find the same records and do no harm, only work; the lease spares it that.

mod deletions;
pub mod metric;
pub mod organization;
pub mod pass;
mod reader;
pub mod summary;
mod tally;

use serde::Deserialize;
use serde_json::Value;
use shared::{
    call::{App, Call},
    clock::Timestamp,
    error::Error,
    http::fault::Faults,
    store::Lease,
};

use crate::{
    pass::Pass,
    summary::{Summary, Work},
};

/// The time before the deadline in which nothing more is begun, in seconds: what has begun by then
/// is done, with all its retries. Of a short time it is a fifth: a sweep by hand, on a machine that
/// gives it half a minute, is to do something, too.
const MARGIN: i64 = 30;

/// How long a sweep takes at most where no deadline is told, in minutes.
const MINUTES_WITHOUT_DEADLINE: u32 = 5;

/// What the schedule, or somebody by hand, asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Count what would be deleted, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// One invocation.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// Its id.
    pub request_id: &'a str,
    /// When Lambda ends it.
    pub deadline: Timestamp,
}

impl Invocation<'_> {
    /// When it has to be done. A deadline that has passed before it begins is none: cargo-lambda tells
    /// a constant of 1970.
    fn deadline_at(self, now: Timestamp) -> Timestamp {
        if self.deadline > now { self.deadline } else { now.plus_minutes(MINUTES_WITHOUT_DEADLINE) }
    }
}

/// Sweeps.
///
/// # Errors
/// 422 for an event that is none of this function's; 503 where the table cannot answer at all.
pub async fn handle(app: &App, invocation: Invocation<'_>, event: Value) -> Result<Summary, Error> {
    // Serde takes an array for a struct, too.
    let request = event.is_object().then(|| serde_json::from_value::<Request>(event).ok());
    let request = request.flatten().ok_or_else(|| {
        let detail = "Expected an object that may have dry_run, a boolean, and nothing else.";
        Faults::new("", "invalid_value", detail)
    })?;
    let call = Call::new(app, invocation.request_id, None, None);
    let deadline = invocation.deadline_at(call.now);
    let margin = MARGIN.min(deadline.seconds_since(call.now) / 5);
    let until = deadline.plus_seconds(-margin);
    let pass = Pass { call: &call, until, dry_run: request.dry_run };
    if request.dry_run {
        return Ok(pass.run(None).await?.0);
    }
    let holder = invocation.request_id;
    let taken = call.store.take_sweep_lease(holder, call.now, deadline).await?;
    let Some(lease) = taken else {
        tracing::info!("another sweep is at work");
        return Ok(Summary::default());
    };
    let (mut summary, next) = pass.run(lease.next).await?;
    let clean = summary.complete && summary.skipped.is_empty();
    let clean_since = if clean { Some(call.now) } else { lease.clean_since.or(Some(call.now)) };
    let behind = clean_since.map(|since| app.clock.now().seconds_since(since));
    summary.lag_seconds = if clean { Some(0) } else { behind };
    // Where the lease cannot be given back, it ends with the deadline.
    if let Err(error) = call.store.end_sweep_lease(holder, &Lease { next, clean_since }).await {
        tracing::warn!(%error, "the lease was not given back");
    }
    let Work { read, sent, batches } = summary.work;
    let (calls, units) = (call.meter().calls(), call.meter().units());
    let organizations = summary.organizations.len();
    tracing::info!(id = holder, organizations, read, sent, batches, calls, units, "swept");
    Ok(summary)
}
