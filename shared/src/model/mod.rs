//! The items of the table, typed. What decides access lies in two of them: the organization and
//! the user, who carries their API keys and sessions. So one read of two items lets a request
//! in, and one conditional write to one item takes a key, a session or all of them away.

pub mod allowlist;
pub mod audit;
pub mod challenge;
pub mod notifications;
pub mod organization;
pub(crate) mod packed;
pub mod preferences;
pub mod retention;
pub mod second_factor;
pub mod user;
