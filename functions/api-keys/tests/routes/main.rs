//! API keys, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod create;
mod create_refusals;
mod delete;
mod get;
mod idempotency;
mod list;
mod regenerate;
mod step_up;
