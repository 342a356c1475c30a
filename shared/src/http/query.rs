//! Query strings of lists, read with all their faults.

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

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
            let detail = "The query string is not valid UTF-8 in percent-encoding.";
            return Err(Error::MalformedQuery(Faults::new("", "malformed", detail)));
        };
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
