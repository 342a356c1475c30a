//! The organization, through the real router.

mod caller;
mod rate_limits;
mod reads;
