//! Fills the local stack's table with logs, so that there is something to sweep.

pub mod plan;
pub mod seed;
