//! The local stack: production's shape on one machine. The table is an embedded DynamoDB engine,
//! made from `template.yaml`'s own resource; Secrets Manager is moto's; every function runs under
//! `cargo lambda watch`, and is invoked by the template's schedules and the table's stream. What they
//! send arrives in an inbox. The functions cannot tell.

mod clock;
mod cron;
pub mod demo;
pub mod engine;
pub mod error;
pub mod events;
pub mod inbox;
pub mod invoke;
pub mod pattern;
pub mod place;
pub mod process;
pub mod schedule;
pub mod secret;
pub mod stack;
pub mod stream;
pub mod template;
pub mod watch;
