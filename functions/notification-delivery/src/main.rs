//! Starts the function.

use lambda_runtime::{LambdaEvent, service_fn};
use notification_delivery::{courier::Courier, handle, http::HttpClient, senders::Senders};
use shared::{bootstrap, clock::Timestamp};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = bootstrap::prepare()?;
    let settings = app.settings.outbound.clone();
    let senders = Senders {
        http: HttpClient::new(&settings)?,
        deployment: bootstrap::secret(&app, "NOTIFICATION_SECRET_ID")?,
        keyring: app.keyring.clone(),
        settings,
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        let request_id = event.context.request_id.as_str().into();
        let courier = Courier { app: app.clone(), senders: senders.clone(), request_id };
        async move {
            let deadline = event.context.deadline.try_into().unwrap_or(i64::MAX);
            let deadline = Timestamp::from_millisecond(deadline);
            // Boxed: the futures, one inside another, are deeper than the compiler likes to look.
            let answer = Box::pin(handle(&courier, deadline, event.payload)).await?;
            Ok::<_, lambda_runtime::Error>(answer)
        }
    }))
    .await
}
