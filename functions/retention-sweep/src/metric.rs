//! The metric by which an alarm knows that the sweep lags behind, in CloudWatch's embedded format.

use serde_json::{Value, json};
use shared::clock::Clock;

use crate::summary::Summary;

/// The metrics' namespace.
const NAMESPACE: &str = "SettingsApi/Retention";

/// The line of log that is the metric; none for a sweep that did not work.
#[must_use]
pub fn line(summary: &Summary, function: &str, clock: &dyn Clock) -> Option<Value> {
    let lag = summary.lag_seconds?;
    Some(json!({
        "_aws": {
            "Timestamp": clock.now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": [{"Name": "LagSeconds", "Unit": "Seconds"}],
            }],
        },
        "FunctionName": function,
        "LagSeconds": lag,
    }))
}
