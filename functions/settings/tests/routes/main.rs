//! The settings, through the real router.

mod reads;
mod update;
