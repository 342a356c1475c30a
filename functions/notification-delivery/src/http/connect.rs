//! Connections to public addresses. What a name resolves to is checked, and the connection goes to the
//! very addresses that were.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use shared::outbound::guard::{self, Refusal};
use tokio::net::TcpStream;
use tower::Service;

/// How long one address of several is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The answer of the DNS.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// A connection that comes about.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// The network: a test has one of its own.
pub trait Network: Send + Sync {
    /// What a name resolves to.
    fn resolve(&self, name: &str) -> Resolving;

    /// Connects to an address.
    fn connect(&self, address: SocketAddr) -> Connecting;
}

/// The system's network.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Network for System {
    fn resolve(&self, name: &str) -> Resolving {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> Connecting {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }
}

/// Connects to what the guard lets pass.
#[derive(Clone)]
pub(super) struct Guarded {
    pub(super) network: Arc<dyn Network>,
    pub(super) allow_insecure: bool,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The guard refuses the addresses.
    #[error(transparent)]
    Refused(Refusal),
    /// The network has failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let guarded = self.clone();
        Box::pin(async move { guarded.connect(&uri).await.map(TokioIo::new) })
    }
}

impl Guarded {
    async fn connect(&self, uri: &Uri) -> Result<TcpStream, ConnectError> {
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(default);
        let host = uri.host().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => self.network.resolve(host).await.unwrap_or_default(),
        };
        guard::check_answer(&addresses, self.allow_insecure).map_err(ConnectError::Refused)?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            let connecting = self.network.connect(SocketAddr::new(address, port));
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last.into())
    }
}
