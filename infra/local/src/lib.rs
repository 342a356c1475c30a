//! The local stack: production's shape on one machine. The table is an embedded DynamoDB engine,
//! made from `template.yaml`'s own resource; Secrets Manager is moto's; every function runs under
//! `cargo lambda watch`. The functions cannot tell.

pub mod demo;
pub mod engine;
pub mod error;
pub mod place;
pub mod process;
pub mod secret;
pub mod stack;
pub mod template;
pub mod watch;
