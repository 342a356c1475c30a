//! How long the organization's sessions live.

pub mod get;
pub mod update;

shared::routes!(get, update);
