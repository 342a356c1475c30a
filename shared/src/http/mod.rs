//! What crosses the wire: bodies, queries, problems, pages and the headers of every answer.

pub mod answer;
pub mod body;
pub mod contract;
pub mod count;
pub mod cursor;
#[cfg(feature = "email-addresses")]
pub mod email_address;
pub mod etag;
pub mod fault;
pub mod field;
pub mod idempotency;
pub mod kind;
pub mod observe;
pub mod path;
pub mod problem;
pub mod query;
#[cfg(feature = "sealing")]
pub mod replay;
pub mod routes;
#[cfg(feature = "time-zones")]
pub mod time_zone;
pub mod user_agent;
