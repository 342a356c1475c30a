//! The signed-in user's preferences.

pub mod delete;
pub mod get;
pub mod list;
pub mod set;

shared::routes!(list, get, set, delete);
