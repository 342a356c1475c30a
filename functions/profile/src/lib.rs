//! The signed-in user's profile and password.

pub mod change_password;
pub mod get;
pub mod rules;
pub mod update;

shared::routes!(get, update, change_password);
