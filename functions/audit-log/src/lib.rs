//! The organization's audit log.

pub mod filters;
pub mod list;
mod walk;

shared::routes!(list);
