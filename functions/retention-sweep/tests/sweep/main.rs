//! What the sweep deletes and leaves, in tests that share their logs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod holds;
mod logs;
mod metric;
mod policy;
mod properties;
mod records;
