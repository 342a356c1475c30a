//! A user's API keys.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod regenerate;

shared::routes!(list, create, get, delete, regenerate);
