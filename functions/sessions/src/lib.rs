//! Signing in and out, and the sessions that come of it.

pub mod begin;
pub mod end;
pub mod end_others;
pub mod list;
pub mod login;
pub mod login_mfa;
pub mod logout;
pub mod reauthenticate;

shared::routes!(login, login_mfa, reauthenticate, logout, list, end_others, end);
