//! Delivery, against peers on loopback that speak the protocols.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod depot;
mod receiver;
mod smtp;

mod batches;
mod claims;
mod email;
mod events;
mod health;
mod held;
mod lanes;
mod network;
mod p99;
mod policy;
mod rotation;
mod services;
mod stream;
mod webhook;
