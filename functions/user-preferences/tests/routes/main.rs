//! Preferences, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod delete;
mod get;
mod list;
mod set;
mod set_conflicts;
