//! The second factor: a time-based code from an authenticator app, and backup codes.

pub mod disable;
pub mod enable;
pub mod get;
pub mod replace_backup_codes;
pub mod verify;

shared::routes!(get, enable, verify, disable, replace_backup_codes);

/// The refusal of what needs a second factor that is on.
fn not_enabled() -> shared::error::Error {
    shared::error::Error::conflict("mfa_not_enabled", "MFA is off.")
}
