//! The audit log, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod common;
mod filters;
mod list;
mod walk;
