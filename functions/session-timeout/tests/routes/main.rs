//! The session timeout, through the real router.

mod get;
mod sessions;
mod update;
