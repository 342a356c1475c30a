//! Who is calling, and what they may do.

pub mod allowlist;
pub mod caller;
#[cfg(feature = "passwords")]
pub mod password;
pub mod permissions;
pub mod token;
