//! Delivers notifications. The table's stream brings it new deliveries, and the audit records that are
//! events; a schedule has it try again what is due. There is no route.

mod answer_early;
pub mod courier;
pub mod deployment;
mod fan_out;
mod health;
pub mod http;
pub mod lanes;
mod message;
mod quiet_hours;
pub mod retries;
pub mod schedule;
pub mod senders;
pub mod stream;

use serde::Deserialize;
use serde_json::Value;
use shared::{clock::Timestamp, error::Error, http::fault::Faults};

pub use crate::answer_early::run;
use crate::{courier::Courier, lanes::Lanes};

/// What the schedule, or somebody by hand, sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheduled {
    /// Who sends it.
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

/// What an invocation answers, and what lasts longer than that.
#[must_use = "what lasts longer has to be waited for"]
pub struct Handled {
    /// The answer.
    pub answer: Value,
    /// The attempts that are under way; nothing is handed back of them.
    pub rest: Option<Lanes>,
}

/// Does what an event calls for.
///
/// # Errors
/// 422 for an event that is none of this function's; 503 where the table cannot answer at all.
pub async fn handle(
    courier: &Courier,
    deadline: Timestamp,
    event: Value,
) -> Result<Handled, Error> {
    if let Some(records) = event["Records"].as_array() {
        let (failures, rest) = courier.stream(deadline, records).await;
        return Ok(Handled { answer: json(failures)?, rest });
    }
    // Serde takes an array for a struct, too.
    let scheduled = event.is_object() && serde_json::from_value::<Scheduled>(event).is_ok();
    if scheduled {
        let summary = courier.schedule(deadline).await?;
        return Ok(Handled { answer: json(summary)?, rest: None });
    }
    let detail = "Expected records of the table's stream, or an empty object from a schedule.";
    Err(Faults::new("", "invalid_value", detail).into())
}

fn json(answer: impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| Error::internal(error.to_string()))
}
