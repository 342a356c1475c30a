//! Starts the function.

use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = shared::bootstrap::prepare()?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        let app = app.clone();
        async move {
            // Boxed: the futures, one inside another, are deeper than the compiler likes to look.
            let intake =
                notification_intake::handle(&app, &event.context.request_id, event.payload);
            Ok::<_, lambda_runtime::Error>(Box::pin(intake).await?)
        }
    }))
    .await
}
