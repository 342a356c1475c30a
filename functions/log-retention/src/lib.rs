//! How long the organization's logs are kept.

pub mod get;
pub mod update;

shared::routes!(get, update);
