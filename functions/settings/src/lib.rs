//! The organization's settings.

pub mod get;
pub mod get_all;
pub mod update;

shared::routes!(get, update, get_all);
