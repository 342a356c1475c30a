//! Identifiers in paths.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::{
    error::Error,
    ids::{Id, Kind},
};

/// The `{id}` of a path. Text that is no such id names nothing, so it is 404 like any other
/// thing that does not exist, and not a 400 that would tell the two apart.
#[derive(Debug, Clone, Copy)]
pub struct PathId<K: Kind>(pub Id<K>);

impl<K: Kind, S: Send + Sync> FromRequestParts<S> for PathId<K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| Error::NotFound)?;
        text.parse().map(Self).map_err(|_| Error::NotFound)
    }
}
