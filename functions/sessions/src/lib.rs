//! Signing in and out, and the sessions that come of it.

pub mod end;
pub mod end_others;
pub mod list;
pub mod login;
pub mod logout;

shared::routes!(login, logout, list, end_others, end);
