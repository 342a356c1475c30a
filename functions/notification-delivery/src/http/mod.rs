//! HTTP to addresses that callers have named: guarded, bounded in time and size, and without redirects.

mod connect;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use shared::{
    error::Error,
    outbound::guard::{self, Refusal},
    settings::Outbound,
};

use self::connect::{ConnectError, Guarded};
pub use self::connect::{Connecting, Network, Resolving, System};

/// How many bytes of an answer's body are read: senders look at what little of it says whether the
/// message was taken.
pub const MAX_BODY: usize = 20_000;

/// How much of an answer lies in memory at once, in bytes; its head has to fit in.
const BUFFER: usize = 16_384;

const USER_AGENT: &str = "planasonix-notifications/1";

type Body = Full<Bytes>;

/// A client of whatever receives notifications.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<Guarded>, Body>,
    allow_insecure: bool,
    timeout: Duration,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of its body: at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It must not be asked for.
    #[error("The address is refused. {0}")]
    Refused(Refusal),
    /// It took too long.
    #[error("The receiver did not answer in time.")]
    TimedOut,
    /// There is no connection.
    #[error("The receiver is out of reach.")]
    OutOfReach,
    /// The connection has ended, or what came was not HTTP.
    #[error("The receiver broke off.")]
    BrokenOff,
}

impl HttpClient {
    /// A client that goes to the real network.
    ///
    /// # Errors
    /// 500 where TLS cannot be set up.
    pub fn new(settings: &Outbound) -> Result<Self, Error> {
        Self::over(Arc::new(System), settings)
    }

    /// A client of a network.
    ///
    /// # Errors
    /// 500 where TLS cannot be set up.
    pub fn over(network: Arc<dyn Network>, settings: &Outbound) -> Result<Self, Error> {
        let allow_insecure = settings.allow_insecure;
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal(format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector =
            if allow_insecure { connector.https_or_http() } else { connector.https_only() };
        let connector =
            connector.enable_http1().wrap_connector(Guarded { network, allow_insecure });
        let client = Client::builder(TokioExecutor::new())
            // A connection that Lambda has frozen is dead when it is used again, and each new one is
            // checked anew.
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        let timeout = Duration::from_millis(settings.timeout_milliseconds);
        Ok(Self { client, allow_insecure, timeout })
    }

    /// Posts a body to an address, and tells the answer, whatever it is. A redirect is an answer like
    /// others: what it leads to was never checked.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Result<Answer, NoAnswer> {
        let url = guard::check_url(url, self.allow_insecure).map_err(NoAnswer::Refused)?;
        let malformed = NoAnswer::Refused(Refusal::NotAUrl);
        let uri: Uri = url.as_str().parse().map_err(|_| malformed)?;
        let mut request = Request::post(uri)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| malformed)?;
            value.set_sensitive(true);
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request.body(Body::from(body)).map_err(|_| malformed)?;
        let exchange = self.exchange(request);
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or(Err(NoAnswer::TimedOut))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Answer, NoAnswer> {
        let response = self.client.request(request).await.map_err(|error| reason(&error))?;
        let (head, mut rest) = response.into_parts();
        let mut body = Vec::new();
        while body.len() < MAX_BODY
            && let Some(frame) = rest.frame().await
        {
            // Its head has said all that decides; a body that breaks off changes nothing.
            let Ok(frame) = frame else { break };
            if let Some(data) = frame.data_ref() {
                let left = MAX_BODY - body.len();
                body.extend_from_slice(data.get(..left).unwrap_or(data));
            }
        }
        let retry_after = retry_after(&head.headers);
        Ok(Answer { status: head.status.as_u16(), retry_after, body })
    }
}

fn retry_after(headers: &HeaderMap) -> Option<String> {
    headers.get(header::RETRY_AFTER)?.to_str().ok().map(ToOwned::to_owned)
}

fn reason(error: &legacy::Error) -> NoAnswer {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(ConnectError::Refused(refusal)) = error.downcast_ref() {
            return NoAnswer::Refused(*refusal);
        }
        cause = error.source();
    }
    if error.is_connect() { NoAnswer::OutOfReach } else { NoAnswer::BrokenOff }
}
