//! The allowlist, through the real router.

mod add;
mod limit;
mod list;
mod remove;
mod status;
mod toggle;
