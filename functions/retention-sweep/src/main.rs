//! Starts the function.

use std::io::Write as _;

use lambda_runtime::{LambdaEvent, service_fn};
use retention_sweep::{Invocation, handle, metric};
use shared::{clock::Timestamp, error::Error, refused::Refused};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = shared::bootstrap::prepare()?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        let app = app.clone();
        async move {
            let context = event.context;
            let deadline = context.deadline.try_into().unwrap_or(i64::MAX);
            let invocation = Invocation {
                request_id: &context.request_id,
                deadline: Timestamp::from_millisecond(deadline),
            };
            let refused = |error| Refused::new(error, &context.request_id);
            let swept = Box::pin(handle(&app, invocation, event.payload)).await;
            let summary = swept.map_err(refused)?;
            if let Some(line) =
                metric::line(&summary, &context.env_config.function_name, &*app.clock)
            {
                // CloudWatch takes a metric only from a line of its own form, which the log's is not.
                let written = writeln!(std::io::stdout(), "{line}");
                written.map_err(|error| refused(Error::internal(error.to_string())))?;
            }
            Ok::<_, Refused>(summary)
        }
    }))
    .await
}
