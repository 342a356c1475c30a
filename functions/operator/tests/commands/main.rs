//! The commands, as the function that is invoked directly answers them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod administration;
mod holds;
mod reset_mfa;
