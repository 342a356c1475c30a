//! The SDK's settings. They come from Lambda's own environment and nowhere else: the SDK's usual
//! search for credentials, regions and profiles would triple the binary and slow every cold start.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedAsyncSleep, SharedCredentialsProvider,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

use super::{StartError, required, variable};

/// The settings that all services share, the connections among them.
pub(super) fn config() -> Result<SdkConfig, StartError> {
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
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(required("AWS_REGION")?))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(timeouts)
        .retry_config(retries);
    Ok(config.http_client(super::http::client()?).build())
}

/// The settings for one service. `endpoint` is the SDK's own name of the variable that moves the
/// service elsewhere, as the local stack does.
pub(super) fn of_service(config: &SdkConfig, endpoint: &'static str) -> SdkConfig {
    let mut config = config.to_builder();
    config.set_endpoint_url(variable(endpoint));
    config.build()
}
