//! The start of every function: the log, the clients and the runtime, once. Nothing else reads the
//! environment.

mod answer;
mod aws;
mod http;
mod log;

use std::sync::Arc;

use axum::Router;
use tower::util::MapResponse;

pub use self::log::log_to;
use crate::{
    auth::rate::Rates,
    call::{App, Background},
    clock::SystemClock,
    error::Error,
    http::observe::observed,
    random::SystemRandom,
    settings::{Outbound, Settings},
    store::Store,
};

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
pub async fn serve(router: fn() -> Router) -> Result<(), lambda_http::Error> {
    log::start();
    let service = observed(router(), app()?);
    lambda_http::run(MapResponse::new(service, answer::Answer)).await
}

/// Starts a function that is invoked directly.
///
/// # Errors
/// A [`StartError`].
pub fn prepare() -> Result<App, StartError> {
    log::start();
    app()
}

/// A secret of the deployment besides that of the keys; `variable` of the environment names it.
///
/// # Errors
/// A [`StartError`].
#[cfg(feature = "secrets")]
pub fn secret<T: crate::secrets::SecretValue>(
    app: &App,
    variable: &'static str,
) -> Result<crate::secrets::Secret<T>, StartError> {
    let (aws, id) = (aws::config()?, required(variable)?);
    let client = move || secrets_client(&aws);
    Ok(crate::secrets::Secret::new(client, &id, Arc::clone(&app.clock)))
}

#[cfg(feature = "secrets")]
fn secrets_client(aws: &aws_types::SdkConfig) -> aws_sdk_secretsmanager::Client {
    let aws = aws::of_service(aws, "AWS_ENDPOINT_URL_SECRETS_MANAGER");
    aws_sdk_secretsmanager::Client::new(&aws)
}

fn app() -> Result<App, StartError> {
    let aws = aws::config()?;
    #[cfg(feature = "secrets")]
    let secrets = aws.clone();
    let clock = Arc::new(SystemClock);
    Ok(App {
        store: Store::new(move || aws::dynamodb(&aws), &required("TABLE_NAME")?)
            .directly(aws::direct()?),
        #[cfg(feature = "passwords")]
        passwords: crate::auth::password::Hasher::new(memory()?)?,
        #[cfg(feature = "secrets")]
        keyring: crate::secrets::Keyring::new(
            move || secrets_client(&secrets),
            &required("SECRET_ID")?,
            clock.clone(),
        ),
        clock,
        random: Arc::new(SystemRandom),
        settings: settings()?,
        background: Background::default(),
        rates: Rates::default(),
    })
}

fn settings() -> Result<Settings, StartError> {
    const NAME: &str = "RETENTION_COOLING_OFF_HOURS";
    let mut settings = Settings::default();
    if let Some(hours) = variable(NAME) {
        let invalid = |_| StartError::Invalid(NAME, "a number of hours");
        settings.retention_cooling_off_hours = hours.parse().map_err(invalid)?;
    }
    settings.outbound = outbound()?;
    Ok(settings)
}

/// A deployment has none of these variables: the template does not set them.
fn outbound() -> Result<Outbound, StartError> {
    const INSECURE: &str = "NOTIFICATIONS_ALLOW_INSECURE";
    let mut outbound = Outbound::default();
    if let Some(allow) = variable(INSECURE) {
        let invalid = |_| StartError::Invalid(INSECURE, "true or false");
        outbound.allow_insecure = allow.parse().map_err(invalid)?;
    }
    if let Some(url) = variable("SLACK_API_URL") {
        outbound.slack_url = url.into();
    }
    if let Some(url) = variable("PAGERDUTY_EVENTS_URL") {
        outbound.pagerduty_url = url.into();
    }
    Ok(outbound)
}

/// The function's memory, in MiB.
#[cfg(feature = "passwords")]
fn memory() -> Result<usize, StartError> {
    const NAME: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
    required(NAME)?.parse().map_err(|_| StartError::Invalid(NAME, "a number of MiB"))
}
