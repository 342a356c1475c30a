//! Who is calling, and what they may do.

pub mod admission;
pub mod allowlist;
pub mod attempts;
pub mod caller;
#[cfg(feature = "second-factor")]
pub mod code;
mod networks;
#[cfg(feature = "passwords")]
pub mod password;
pub mod permissions;
#[cfg(feature = "passwords")]
pub mod proof;
pub mod rate;
#[cfg(feature = "second-factor")]
pub mod second_factor;
pub mod token;
