//! The SDK's way to the network: HTTP/1.1 over rustls, and no more. The services that are called
//! do not speak HTTP/2; the SDK's own client brings it all the same, and a tenth of a binary with it.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector as SmithyConnector, HttpConnectorFuture, SharedHttpClient,
        SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{StartError, variable};

/// The roots that AWS's own endpoints chain to (<https://www.amazontrust.com/repository/>). Reading
/// five certificates instead of a system's hundred and fifty shortens a cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client with a pool of connections of its own.
pub(super) fn client() -> Result<SharedHttpClient, StartError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tls()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let connector = Connector(Client::builder(TokioExecutor::new()).build(tls));
    let connector = SharedHttpConnector::new(connector);
    Ok(http_client_fn(move |_, _| connector.clone()))
}

#[derive(Debug)]
struct Connector(Client<HttpsConnector<HttpConnector>, SdkBody>);

impl SmithyConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let response = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // Every call can be repeated, a transaction by its token: whatever broke the connection,
            // the SDK may try again.
            let response = response.await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn tls() -> Result<ClientConfig, StartError> {
    let failed = |error: rustls::Error| StartError::Tls(error.to_string());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    Ok(config.with_root_certificates(roots()?).with_no_client_auth())
}

fn roots() -> Result<RootCertStore, StartError> {
    const NAME: &str = "TRUST_STORE";
    let mut roots = RootCertStore::empty();
    match variable(NAME).as_deref() {
        None | Some("amazon") => {
            for certificate in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
                let certificate =
                    certificate.map_err(|error| StartError::Tls(error.to_string()))?;
                roots.add(certificate).map_err(|error| StartError::Tls(error.to_string()))?;
            }
        }
        Some("system") => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(_) => return Err(StartError::Invalid(NAME, "amazon or system")),
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_amazon_s_five() {
        assert_eq!(roots().unwrap().len(), 5);
    }

    #[test]
    fn tls_has_what_the_configuration_needs() {
        assert!(tls().is_ok() && client().is_ok());
    }
}
