//! The profile and the password, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod change_password;
mod get;
mod update;
