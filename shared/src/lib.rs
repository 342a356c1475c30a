//! What the functions share: who is calling, the table, and how requests and answers are shaped.

pub mod auth;
mod binary;
pub mod bootstrap;
pub mod call;
pub mod clock;
pub mod error;
pub mod http;
pub mod ids;
pub mod model;
#[cfg(feature = "outbound")]
pub mod outbound;
pub mod random;
pub mod refused;
#[cfg(feature = "sealing")]
mod sealed;
#[cfg(feature = "secrets")]
pub mod secrets;
pub mod settings;
pub mod store;
