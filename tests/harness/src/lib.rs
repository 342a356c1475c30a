//! What tests share: a world with two organizations on an engine of its own, a clock that is
//! turned by hand, chance that repeats itself, faults on demand, and clients named by who they are.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test that cannot go on fails where it stands"
)]

mod allowlist;
mod answer;
mod at_once;
mod calls;
mod chance;
mod client;
mod contract;
mod credentials;
mod engine;
mod factor;
mod faults;
mod items;
mod log;
mod notifications;
mod people;
mod time;
mod world;

pub use self::{
    answer::Answer,
    at_once::at_once,
    calls::Access,
    chance::TestRandom,
    client::{Client, Request},
    factor::{SEED, code_of},
    faults::Fault,
    log::Log,
    people::{PASSWORD, Person},
    time::TestClock,
    world::World,
};
