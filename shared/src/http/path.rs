//! Identifiers and keys in paths.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use super::{
    contract::{Contract, Part},
    kind::Kind as ProblemKind,
};
use crate::{
    error::Error,
    ids::{Id, Kind},
    model::preferences::PreferenceKey,
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

impl<K: Kind> Part for PathId<K> {
    fn tell(contract: &mut Contract) {
        contract.refuses([ProblemKind::NotFound]);
    }
}

/// The `{key}` of a path, where it is one. What other text means is for the route to say: nothing is
/// found there, but who wants to put something there is told the fault.
#[derive(Debug, Clone)]
pub struct PathKey(pub Option<PreferenceKey>);

impl PathKey {
    pub(crate) async fn find<S: Send + Sync>(parts: &mut Parts, state: &S) -> Self {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Self(path.ok().and_then(|Path(text)| text.try_into().ok()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::find(parts, state).await)
    }
}

/// Whether there has to be something under the key is for the route to say.
impl Part for PathKey {
    fn tell(_: &mut Contract) {}
}
