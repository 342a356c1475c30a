//! The second factor, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod disable;
mod enable;
mod get;
mod idempotency;
mod keys;
mod replace_backup_codes;
mod verify;
mod verify_refusals;
