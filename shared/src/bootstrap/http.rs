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
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

use super::{StartError, variable};

/// The roots that AWS's own endpoints chain to (<https://www.amazontrust.com/repository/>). Reading
/// five certificates instead of a system's hundred and fifty, and in DER instead of PEM, shortens a
/// cold start.
const AMAZON_ROOTS: [&[u8]; 5] = [
    include_bytes!("amazon-roots/amazon-root-ca-1.der"),
    include_bytes!("amazon-roots/amazon-root-ca-2.der"),
    include_bytes!("amazon-roots/amazon-root-ca-3.der"),
    include_bytes!("amazon-roots/amazon-root-ca-4.der"),
    include_bytes!("amazon-roots/starfield-services-root-certificate-authority-g2.der"),
];

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client with a pool of connections of its own.
pub(super) fn connector() -> Result<SharedHttpConnector, StartError> {
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
    Ok(SharedHttpConnector::new(connector))
}

/// The SDK's form of it.
pub(super) fn client(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
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
            for certificate in AMAZON_ROOTS.map(CertificateDer::from_slice) {
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
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_built_in_roots_are_amazon_s_five() {
        assert_eq!(roots().unwrap().len(), 5);
        // As <https://www.amazontrust.com/repository/> names them.
        let published = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let fingerprint = |root: &[u8]| {
            let digest: [u8; 32] = Sha256::digest(root).into();
            digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        };
        assert_eq!(AMAZON_ROOTS.map(fingerprint), published);
    }

    #[test]
    fn tls_has_what_the_configuration_needs() {
        assert!(tls().is_ok() && connector().is_ok());
    }
}
