//! The SDK's settings. They come from Lambda's own environment and nowhere else: the SDK's usual
//! search for credentials, regions and profiles would triple the binary and slow every cold start.

use std::{sync::OnceLock, time::Duration};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, IdentityCache, Region, SharedAsyncSleep, SharedCredentialsProvider,
        StalledStreamProtectionConfig,
    },
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

use super::{StartError, required, variable};
use crate::store::Direct;

/// The settings that all services share, the connections among them: made once.
pub(super) fn config() -> Result<SdkConfig, StartError> {
    Ok(shared()?.sdk.clone())
}

/// What all services share.
struct Shared {
    sdk: SdkConfig,
    connector: SharedHttpConnector,
    credentials: Credentials,
    region: String,
}

fn shared() -> Result<&'static Shared, StartError> {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    if let Some(shared) = SHARED.get() {
        return Ok(shared);
    }
    let shared = read()?;
    Ok(SHARED.get_or_init(|| shared))
}

fn read() -> Result<Shared, StartError> {
    let region = required("AWS_REGION")?;
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    // A caller behind API Gateway waits 30 seconds at most; a throttled or slow table is told to
    // it well before.
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(200));
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
        // The credentials are at hand: what would be kept is what is asked for.
        .identity_cache(IdentityCache::no_cache())
        .region(Region::new(region.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(timeouts)
        // An attempt's end comes before any stall would be noticed (20 s by default).
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(retries);
    let connector = super::http::connector()?;
    let sdk = config.http_client(super::http::client(connector.clone())).build();
    Ok(Shared { sdk, connector, credentials, region })
}

/// The settings for one service. `endpoint` is the SDK's own name of the variable that moves the
/// service elsewhere, as the local stack does.
pub(super) fn of_service(config: &SdkConfig, endpoint: &'static str) -> SdkConfig {
    let mut config = config.to_builder();
    config.set_endpoint_url(variable(endpoint));
    config.build()
}

/// The table's own name of that variable.
const TABLE_ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// The table's client.
pub(super) fn dynamodb(config: &SdkConfig) -> Client {
    Client::new(&of_service(config, TABLE_ENDPOINT))
}

/// The way to the table that reads try first.
pub(super) fn direct() -> Result<Option<Direct>, StartError> {
    let Shared { connector, credentials, region, .. } = shared()?;
    let endpoint = variable(TABLE_ENDPOINT);
    Ok(Direct::new(connector.clone(), credentials.clone(), region, endpoint))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
        result::ConnectorError,
    };

    use super::*;

    #[tokio::test]
    async fn a_call_goes_to_the_region_and_is_signed_for_it() {
        #[derive(Debug)]
        struct Seen(Arc<Mutex<Vec<String>>>);
        impl HttpConnector for Seen {
            fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
                let authorization = request.headers().get("authorization").unwrap();
                self.0.lock().unwrap().extend([request.uri().to_owned(), authorization.to_owned()]);
                HttpConnectorFuture::ready(Err(ConnectorError::user("seen".into())))
            }
        }
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connector = SharedHttpConnector::new(Seen(Arc::clone(&seen)));
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .region(Region::from_static("eu-west-1"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        assert!(dynamodb(&config).list_tables().send().await.is_err());
        let seen = seen.lock().unwrap();
        assert_eq!(seen[0], "https://dynamodb.eu-west-1.amazonaws.com/");
        assert!(seen[1].contains("/eu-west-1/dynamodb/aws4_request"), "{}", seen[1]);
    }
}
