//! The SDK's settings. They come from Lambda's own environment and nowhere else: the SDK's usual
//! search for credentials, regions and profiles would triple the binary and slow every cold start.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Region, SharedAsyncSleep, SharedCredentialsProvider,
        endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint},
    },
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

/// The table's client.
pub(super) fn dynamodb(config: &SdkConfig) -> Client {
    let config = of_service(config, "AWS_ENDPOINT_URL_DYNAMODB");
    let config = aws_sdk_dynamodb::config::Builder::from(&config).endpoint_resolver(Regional);
    Client::from_conf(config.build())
}

/// The region's public endpoint, or the one that the environment names. The SDK's own rules read a
/// table of all partitions in every cold start, a fifth of it, for choices that are not offered here.
#[derive(Debug)]
struct Regional;

impl ResolveEndpoint for Regional {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let url = match (params.endpoint(), params.region()) {
            (Some(endpoint), _) => endpoint.to_owned(),
            (None, Some(region)) => regional(region),
            (None, None) => return EndpointFuture::ready(Err("no region is set".into())),
        };
        EndpointFuture::ready(Ok(Endpoint::builder().url(url).build()))
    }
}

fn regional(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://dynamodb.{region}.{suffix}")
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
    async fn the_endpoint_is_the_region_s_unless_another_is_named() {
        let url = async |params: Params| {
            Regional.resolve_endpoint(&params).await.unwrap().url().to_owned()
        };
        let of = |region: &str| Params::builder().region(region).build().unwrap();
        assert_eq!(url(of("eu-central-1")).await, "https://dynamodb.eu-central-1.amazonaws.com");
        assert_eq!(url(of("cn-north-1")).await, "https://dynamodb.cn-north-1.amazonaws.com.cn");
        let local = Params::builder().region("us-east-1").endpoint("http://127.0.0.1:1");
        assert_eq!(url(local.build().unwrap()).await, "http://127.0.0.1:1");
        assert!(Regional.resolve_endpoint(&Params::builder().build().unwrap()).await.is_err());
    }

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
