//! Who is calling, and what they may do.

pub mod allowlist;
pub mod attempts;
pub mod caller;
#[cfg(feature = "second-factor")]
pub mod code;
#[cfg(feature = "passwords")]
pub mod password;
pub mod permissions;
#[cfg(feature = "passwords")]
pub mod proof;
#[cfg(feature = "second-factor")]
pub mod second_factor;
pub mod token;
