//! Log retention, through the real router.

mod get;
mod update;
