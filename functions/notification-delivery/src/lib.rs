//! Delivers notifications. The table's stream brings it new deliveries, and the audit records that are
//! events; a schedule has it try again what is due. There is no route.

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

use crate::courier::Courier;

/// What the schedule, or somebody by hand, sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheduled {
    /// Who sends it.
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

/// Does what an event calls for.
///
/// # Errors
/// 422 for an event that is none of this function's; 503 where the table cannot answer at all.
pub async fn handle(courier: &Courier, deadline: Timestamp, event: Value) -> Result<Value, Error> {
    if let Some(records) = event["Records"].as_array() {
        return json(courier.stream(deadline, records).await);
    }
    // Serde takes an array for a struct, too.
    let scheduled = event.is_object() && serde_json::from_value::<Scheduled>(event).is_ok();
    if scheduled {
        return json(courier.schedule(deadline).await?);
    }
    let detail = "Expected records of the table's stream, or an empty object from a schedule.";
    Err(Faults::new("", "invalid_value", detail).into())
}

fn json(answer: impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| Error::internal(error.to_string()))
}
