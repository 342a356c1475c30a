//! What the whole-system tests share: the compiled functions, two instances of each, under
//! cargo-lambda's runtime API, over HTTP, on an engine and a Secrets Manager of their own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test that cannot go on fails where it stands"
)]

mod client;
mod stack;

pub use self::{
    client::{Answer, Client, at_once},
    stack::{Person, System},
};
