//! The events of a function in `template.yaml` that no HTTP request brings: schedules, and the
//! table's stream.

use serde_json::{Value, json};

use crate::{error::Error, pattern::Pattern, schedule::Expression};

/// A `ScheduleV2` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When.
    pub expression: Expression,
    /// What the function is handed.
    pub input: Value,
}

/// A `DynamoDB` event: the table's stream. Its batching window, its parallelization and the age that
/// a record may have only change when a record comes, and are not looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// The event's name in the function.
    pub name: String,
    /// How many records an invocation has at most.
    pub batch_size: usize,
    /// Whether a stream that is read for the first time is read from its beginning.
    pub from_beginning: bool,
    /// A record is handed over if one of them matches; without any, every record is.
    pub filters: Vec<Pattern>,
    /// Whether the function's answer may name records that failed.
    pub reports_failures: bool,
    /// Whether a batch is halved when the function fails at it.
    pub bisects: bool,
    /// How often a batch is tried again; without a bound until it succeeds.
    pub retries: Option<u32>,
}

/// Reads a `ScheduleV2` event, of which nothing is said in the template where it is not enabled.
///
/// # Errors
/// [`Error::Template`] where the expression or the input is not understood.
pub fn schedule(event: &Value) -> Result<Option<Schedule>, Error> {
    let properties = &event["Properties"];
    if properties["State"] == "DISABLED" {
        return Ok(None);
    }
    let expression = properties["ScheduleExpression"].as_str().unwrap_or_default();
    let time_zone = properties["ScheduleExpressionTimezone"].as_str().unwrap_or("UTC");
    if time_zone != "UTC" {
        return Err(Error::Template(format!("{expression}: schedules are kept in UTC only")));
    }
    let input = properties["Input"].as_str().unwrap_or("{}");
    let input = serde_json::from_str(input)
        .map_err(|error| Error::Template(format!("the Input of {expression}: {error}")))?;
    Ok(Some(Schedule { expression: Expression::parse(expression)?, input }))
}

/// Reads a `DynamoDB` event. `stream` is the table's stream as the template refers to it.
///
/// # Errors
/// [`Error::Template`] where it is another stream, or a filter is not understood.
pub fn stream(name: &str, event: &Value, stream: &str) -> Result<Stream, Error> {
    let properties = &event["Properties"];
    if properties["Stream"] != json!({"!GetAtt": stream}) {
        return Err(Error::Template(format!("{name}: expected the Stream !GetAtt {stream}")));
    }
    let filters = properties["FilterCriteria"]["Filters"].as_array();
    let filters = filters.into_iter().flatten().map(|filter| {
        let pattern = filter["Pattern"].as_str().unwrap_or_default();
        let in_event = |error| Error::Template(format!("the filter of {name}: {error}"));
        Pattern::parse(pattern).map_err(in_event)
    });
    let types = properties["FunctionResponseTypes"].as_array();
    let batch_size = properties["BatchSize"].as_u64().unwrap_or(100);
    Ok(Stream {
        name: name.to_owned(),
        batch_size: usize::try_from(batch_size).unwrap_or(usize::MAX).clamp(1, 10_000),
        from_beginning: properties["StartingPosition"] != "LATEST",
        filters: filters.collect::<Result<_, _>>()?,
        reports_failures: types
            .is_some_and(|types| types.iter().any(|one| one == "ReportBatchItemFailures")),
        bisects: properties["BisectBatchOnFunctionError"] == true,
        // Left out, and as -1, it is without a bound.
        retries: properties["MaximumRetryAttempts"].as_u64().and_then(|n| u32::try_from(n).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "Table.StreamArn";

    #[test]
    fn a_schedule_has_its_expression_and_input() {
        let event =
            json!({"Properties": {"ScheduleExpression": "rate(5 minutes)", "Input": "{\"a\": 1}"}});
        let schedule = schedule(&event).unwrap().unwrap();
        assert_eq!(schedule.expression, Expression::parse("rate(5 minutes)").unwrap());
        assert_eq!(schedule.input, json!({"a": 1}));
    }

    #[test]
    fn a_schedule_that_is_off_is_none() {
        let event = json!({"Properties": {"ScheduleExpression": "?", "State": "DISABLED"}});
        assert_eq!(schedule(&event).unwrap(), None);
    }

    #[test]
    fn a_schedule_in_another_time_zone_and_a_broken_input_are_refused() {
        for properties in [
            json!({"ScheduleExpression": "rate(1 hour)", "ScheduleExpressionTimezone": "Europe/Rome"}),
            json!({"ScheduleExpression": "rate(1 hour)", "Input": "{"}),
        ] {
            let event = json!({"Properties": properties});
            assert!(matches!(schedule(&event), Err(Error::Template(_))), "{event}");
        }
    }

    #[test]
    fn a_stream_has_all_that_decides_what_is_handed_over() {
        let event = json!({"Properties": {
            "Stream": {"!GetAtt": STREAM}, "BatchSize": 10, "StartingPosition": "LATEST",
            "FilterCriteria": {"Filters": [{"Pattern": "{\"eventName\": [\"INSERT\"]}"}]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3,
        }});
        let expected = Stream {
            name: "Changes".to_owned(),
            batch_size: 10,
            from_beginning: false,
            filters: vec![Pattern::parse("{\"eventName\": [\"INSERT\"]}").unwrap()],
            reports_failures: true,
            bisects: true,
            retries: Some(3),
        };
        assert_eq!(stream("Changes", &event, STREAM).unwrap(), expected);
    }

    #[test]
    fn what_a_stream_leaves_out_is_as_in_lambda() {
        let event = json!({"Properties": {
            "Stream": {"!GetAtt": STREAM}, "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": -1,
        }});
        let stream = stream("Changes", &event, STREAM).unwrap();
        assert_eq!((stream.batch_size, stream.retries), (100, None));
        assert!(stream.from_beginning && !stream.bisects && !stream.reports_failures);
    }

    #[test]
    fn another_stream_is_refused() {
        let event =
            json!({"Properties": {"Stream": "arn:aws:dynamodb:eu-west-1:1:table/x/stream/y"}});
        assert!(matches!(stream("Changes", &event, STREAM), Err(Error::Template(_))));
    }
}
