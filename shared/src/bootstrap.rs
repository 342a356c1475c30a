//! The start of every function: the log, the clients and the runtime, once. Nothing else reads the
//! environment.

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::{self, MakeWriter},
    util::SubscriberInitExt as _,
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    call::{App, Background},
    clock::SystemClock,
    error::Error,
    http::observe::observed,
    random::SystemRandom,
    store::Store,
};

/// The roots that AWS's own endpoints chain to (<https://www.amazontrust.com/repository/>). Reading
/// five certificates instead of a system's hundred and fifty is half of a cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// What can go wrong in a start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable of the environment is missing.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable of the environment makes no sense.
    #[error("the environment variable {0} must be {1}")]
    Invalid(&'static str, &'static str),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(String),
    /// A part of the function refused its settings.
    #[error(transparent)]
    Part(#[from] Error),
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn variable(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &'static str) -> Result<String, StartError> {
    variable(name).ok_or(StartError::Missing(name))
}

/// Starts an HTTP function with its routes, and serves until the process ends.
///
/// # Errors
/// A [`StartError`], or one of the runtime.
pub async fn serve(routes: fn() -> OpenApiRouter) -> Result<(), lambda_http::Error> {
    start_log();
    let service = observed(routes().into(), app().await?);
    lambda_http::run(service).await
}

/// Starts a function that is invoked directly.
///
/// # Errors
/// A [`StartError`].
pub async fn prepare() -> Result<App, StartError> {
    start_log();
    app().await
}

fn start_log() {
    let level = variable("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
    // A second subscriber cannot be set, and need not be.
    let _ = log_to(std::io::stdout, &level).try_init();
}

/// JSON lines without a time: Lambda's log stream has its own.
pub fn log_to<W>(writer: W, level: &str) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The runtime warns of settings that are none of ours.
    let filter = EnvFilter::try_new(format!("{level},lambda_runtime=error"))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    fmt::Subscriber::builder()
        .json()
        .flatten_event(true)
        .without_time()
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

async fn app() -> Result<App, StartError> {
    let config = sdk_config().await?;
    let clock = Arc::new(SystemClock);
    Ok(App {
        store: Store::new(aws_sdk_dynamodb::Client::new(&config), &required("TABLE_NAME")?),
        #[cfg(feature = "passwords")]
        passwords: crate::auth::password::Hasher::new(memory()?)?,
        #[cfg(feature = "secrets")]
        keyring: crate::secrets::Keyring::new(
            aws_sdk_secretsmanager::Client::new(&config),
            &required("SECRET_ID")?,
            clock.clone(),
        ),
        clock,
        random: Arc::new(SystemRandom),
        background: Background::default(),
    })
}

/// The function's memory, in MiB.
#[cfg(feature = "passwords")]
fn memory() -> Result<usize, StartError> {
    const NAME: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
    required(NAME)?.parse().map_err(|_| StartError::Invalid(NAME, "a number of MiB"))
}

/// The SDK's settings: Lambda's own credentials and region, and no other source of them, so that
/// nothing is probed in a cold start.
async fn sdk_config() -> Result<SdkConfig, StartError> {
    let trust = match variable("TRUST_STORE").as_deref() {
        None | Some("amazon") => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Some("system") => TrustStore::empty().with_native_roots(true),
        Some(_) => return Err(StartError::Invalid("TRUST_STORE", "amazon or system")),
    };
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| StartError::Tls(error.to_string()))?;
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    // A caller behind API Gateway waits 30 seconds at most; a throttled or slow table is told to
    // it well before.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(200));
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await)
}
