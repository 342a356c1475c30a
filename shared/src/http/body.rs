//! JSON bodies: bounded, declared, and read with all their faults.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use deserr::Deserr;
use sha2::{Digest, Sha256};

use super::{
    contract::{Contract, Part},
    fault::Faults,
    kind::Kind,
};
use crate::error::Error;

/// The longest body, in bytes.
pub const MAX_BODY_BYTES: usize = 65_536;

/// SHA-256 of a body's bytes, by which an idempotent retry is recognized.
pub type BodyDigest = [u8; 32];

/// A JSON body that has been found without fault.
#[derive(Debug)]
pub struct Body<T> {
    /// What the body says.
    pub value: T,
    /// The digest of its bytes.
    pub digest: BodyDigest,
}

/// Like [`Body`], for a route that can do without one: no bytes mean `T::default()`.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Body<T>);

impl<T: Deserr<Faults>, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let (bytes, is_json) = read(request).await?;
        parse(&bytes, is_json)
    }
}

impl<T: Deserr<Faults> + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let (bytes, is_json) = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self(Body { value: T::default(), digest: Sha256::digest([]).into() }));
        }
        parse(&bytes, is_json).map(Self)
    }
}

impl<T> Part for Body<T> {
    fn tell(contract: &mut Contract) {
        contract.refuses([
            Kind::MalformedJson,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
            Kind::ValidationFailed,
        ]);
    }
}

impl<T> Part for OptionalBody<T> {
    fn tell(contract: &mut Contract) {
        Body::<T>::tell(contract);
    }
}

async fn read(request: Request) -> Result<(axum::body::Bytes, bool), Error> {
    let is_json = is_json(request.headers());
    let body = request.into_body();
    let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Error::BodyTooLarge)?;
    Ok((bytes, is_json))
}

fn parse<T: Deserr<Faults>>(bytes: &[u8], is_json: bool) -> Result<Body<T>, Error> {
    if !is_json {
        return Err(Error::UnsupportedMediaType);
    }
    let json: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| Error::MalformedJson)?;
    let value = deserr::deserialize(json).map_err(Error::Validation)?;
    Ok(Body { value, digest: Sha256::digest(bytes).into() })
}

/// Whether the body is declared as `application/json` or a `+json` type, in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let parameters = parameters.to_ascii_lowercase();
    let mut parameters = parameters.split(';').filter_map(|it| it.trim().strip_prefix("charset="));
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    json && parameters.all(|charset| charset.trim_matches('"') == "utf-8")
}
