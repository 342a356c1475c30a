//! Query strings, read with all their faults.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use utoipa::IntoParams;

use super::fault::{Faults, escape};
use crate::error::Error;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many entries a page has.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    pub limit: usize,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 50, cursor: None }
    }
}

/// Whether to do what would shut out the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Forced {
    /// Do it though it shuts out the caller's own address.
    #[param(default = false, required = false)]
    pub force: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Forced {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let (mut forced, mut given) = (Self::default(), 0);
        let mut faults: Vec<Faults> = Vec::new();
        for (name, value) in pairs(parts)? {
            if name != "force" {
                let pointer = format!("/{}", escape(&name));
                let detail = "There is no such parameter here.";
                faults.push(Faults::new(pointer, "unknown_parameter", detail));
                continue;
            }
            given += 1;
            match value.as_str() {
                "true" => forced.force = true,
                "false" => {}
                _ => faults.push(Faults::new("/force", "invalid_value", "Must be true or false.")),
            }
        }
        if given > 1 {
            faults.push(Faults::new("/force", "repeated", "Give this parameter once."));
        }
        let faults = faults.into_iter().reduce(Faults::and);
        faults.map_or(Ok(forced), |faults| Err(Error::MalformedQuery(faults)))
    }
}

fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Error> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    pairs.map(|Query(pairs)| pairs).map_err(|_| {
        let detail = "The query string is not valid UTF-8 in percent-encoding.";
        Error::MalformedQuery(Faults::new("", "malformed", detail))
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let pairs = pairs(parts)?;
        let mut paging = Self::default();
        let mut faults: Option<Faults> = None;
        let mut fault = |name: &str, code, detail| {
            let fault = Faults::new(format!("/{}", escape(name)), code, detail);
            faults = Some(match faults.take() {
                Some(faults) => faults.and(fault),
                None => fault,
            });
        };
        let (mut limits, mut cursors) = (0, 0);
        for (name, value) in pairs {
            match name.as_str() {
                "limit" => {
                    limits += 1;
                    match value.parse() {
                        Ok(limit) if (1..=100).contains(&limit) => paging.limit = limit,
                        _ => fault("limit", "out_of_range", "Must be an integer from 1 to 100."),
                    }
                }
                "cursor" => {
                    cursors += 1;
                    paging.cursor = Some(value);
                }
                other => fault(other, "unknown_parameter", "There is no such parameter here."),
            }
        }
        if limits > 1 {
            fault("limit", "repeated", "Give this parameter once.");
        }
        if cursors > 1 {
            fault("cursor", "repeated", "Give this parameter once.");
        }
        faults.map_or(Ok(paging), |faults| Err(Error::MalformedQuery(faults)))
    }
}
