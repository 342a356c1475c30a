//! The allowlist, through the real router.

mod add;
mod list;
mod remove;
mod status;
mod toggle;
