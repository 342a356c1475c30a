//! The second factor: a time-based code from an authenticator app, and backup codes.

pub mod disable;
pub mod enable;
pub mod get;
pub mod replace_backup_codes;
pub mod verify;

shared::routes!(get, enable, verify, disable, replace_backup_codes);
