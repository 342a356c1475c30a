//! Starts the function.

use notification_delivery::{courier::Courier, http::HttpClient, senders::Senders};
use shared::bootstrap;

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
    notification_delivery::run(move |request_id| Courier {
        app: app.clone(),
        senders: senders.clone(),
        request_id,
    })
    .await
}
