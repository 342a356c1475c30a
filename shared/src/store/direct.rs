//! The read that every request makes, without the SDK's machinery around it. Of what a request computes,
//! the SDK's plugins, interceptors and layers of settings for one call are about a third; the call itself
//! is a body, a signature and an answer.
//!
//! One attempt is made this way. Whatever else than an answer comes of it, the SDK makes the call anew,
//! with all that it knows of retries, time-outs and errors, and for some seconds all calls. So a call is
//! never lost for having been tried here, and a table in trouble is not asked twice as often.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpConnector as _, SharedHttpConnector},
        identity::Identity,
        orchestrator::HttpRequest,
    },
};
use aws_smithy_types::body::SdkBody;
use axum::{
    body::Bytes,
    http::{Request, Uri, header},
};
use http_body_util::BodyExt as _;
use serde::{Serialize, de::DeserializeOwned};

/// How long the attempt may take: many times what the table takes, and little of what a caller waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// For how many seconds the SDK makes all calls after one that failed here.
const REST: u64 = 10;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET: &str = "x-amz-target";

/// The beginnings of the names of regions whose services are at `amazonaws.com` (the SDK's partition
/// `aws`).
const AREAS: [&str; 9] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"];

/// The way to the table.
#[derive(Clone)]
pub struct Direct(Arc<Way>);

struct Way {
    connector: SharedHttpConnector,
    identity: Identity,
    region: String,
    table: Uri,
    time: SharedTimeSource,
    /// Until when the SDK makes all calls, in seconds since 1970.
    rests_until: AtomicU64,
}

impl Direct {
    /// The way to the table of a region; `endpoint` moves it elsewhere. `None` for a region of another
    /// partition than AWS' own, which the SDK knows its way to.
    #[must_use]
    pub fn new(
        connector: SharedHttpConnector,
        credentials: Credentials,
        region: &str,
        endpoint: Option<String>,
    ) -> Option<Self> {
        let usual = || address(region);
        let table = endpoint.or_else(usual)?.parse().ok()?;
        let (identity, region) = (Identity::from(credentials), region.to_owned());
        let (time, rests_until) = (SharedTimeSource::default(), AtomicU64::default());
        Some(Self(Arc::new(Way { connector, identity, region, table, time, rests_until })))
    }

    /// Makes one attempt of a call that only reads; `None` where the SDK has to make it.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        target: &'static str,
        asked: &impl Serialize,
    ) -> Option<T> {
        let way = &*self.0;
        if way.second() < way.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        let body = serde_json::to_vec(asked).ok()?;
        let attempt = tokio::time::timeout(PATIENCE, way.attempt(target, body)).await;
        let answer = attempt.unwrap_or_else(|_| Err("timed out".into())).and_then(|answer| {
            // Serde's message could quote an item, so it goes nowhere.
            serde_json::from_slice(&answer).map_err(|_| "the answer does not decode".into())
        });
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        way.rests_until.store(way.second() + REST, Ordering::Relaxed);
        tracing::warn!(%error, "the SDK takes over reading");
        None
    }
}

impl Way {
    /// The present second since 1970.
    fn second(&self) -> u64 {
        self.time.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    async fn attempt(&self, target: &'static str, body: Vec<u8>) -> Result<Bytes, BoxError> {
        let response = self.connector.call(self.signed(target, body)?).await?;
        if response.status().is_success() {
            Ok(response.into_body().collect().await?.to_bytes())
        } else {
            Err(format!("status {}", response.status()).into())
        }
    }

    /// Signs a call (AWS Signature Version 4).
    fn signed(&self, target: &'static str, body: Vec<u8>) -> Result<HttpRequest, BoxError> {
        let parameters = SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("dynamodb")
            .time(self.time.now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [(header::CONTENT_TYPE.as_str(), CONTENT_TYPE), (TARGET, target)];
        let url = self.table.to_string();
        let signable =
            SignableRequest::new("POST", &*url, headers.into_iter(), SignableBody::Bytes(&body))?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        let request = Request::post(self.table.clone())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(TARGET, target);
        let mut request = request.body(SdkBody::from(body))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request.try_into()?)
    }
}

/// Where the table of a region is.
fn address(region: &str) -> Option<String> {
    let area = region.split('-').next().unwrap_or_default();
    // Those of governments and of others whose names begin alike have an area of their own.
    let plain = AREAS.contains(&area) && region.split('-').count() == 3 && !region.contains("iso");
    plain.then(|| format!("https://dynamodb.{region}.amazonaws.com/"))
}

/// Without the credentials.
impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Direct").field(&self.0.table).finish()
    }
}

#[cfg(test)]
mod tests;
