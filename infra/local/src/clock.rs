//! The machine's clock.

use jiff::Timestamp;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "schedules go by it, and what comes in is dated by it"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
