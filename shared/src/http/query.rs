//! Query strings, read with all their faults.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use utoipa::IntoParams;

use super::{
    contract::{Contract, Part},
    fault::{Faults, escape},
    kind::Kind,
};
use crate::error::Error;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many entries a page has.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    pub limit: usize,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 50, cursor: None }
    }
}

impl Paging {
    /// Takes the page's parameters out of a query.
    pub fn take(parameters: &mut Parameters) -> Self {
        let (code, expected) = ("out_of_range", "Must be an integer from 1 to 100.");
        let limit = parameters.read("limit", code, expected, |text| {
            text.parse().ok().filter(|limit| (1..=100).contains(limit))
        });
        Self { limit: limit.unwrap_or(Self::default().limit), cursor: parameters.take("cursor") }
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
        let mut parameters = Parameters::of(parts)?;
        let (code, expected) = ("invalid_value", "Must be true or false.");
        let force = parameters.read("force", code, expected, |text| text.parse().ok());
        parameters.finish()?;
        Ok(Self { force: force.unwrap_or_default() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let mut parameters = Parameters::of(parts)?;
        let paging = Self::take(&mut parameters);
        parameters.finish()?;
        Ok(paging)
    }
}

impl Part for Forced {
    fn tell(contract: &mut Contract) {
        contract.refuses([Kind::MalformedQuery, Kind::WouldLockOutCaller]);
    }
}

impl Part for Paging {
    fn tell(contract: &mut Contract) {
        contract.refuses([Kind::MalformedQuery, Kind::InvalidCursor]);
    }
}

/// A query string, while its parameters are taken out of it.
#[derive(Debug)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    faults: Option<Faults>,
}

impl Parameters {
    /// The parameters of a request.
    ///
    /// # Errors
    /// 400 where the query string is not UTF-8 in percent-encoding.
    pub fn of(parts: &Parts) -> Result<Self, Error> {
        let Ok(Query(pairs)) = Query::try_from_uri(&parts.uri) else {
            let detail = "The query string is not valid UTF-8 in percent-encoding.";
            return Err(Error::MalformedQuery(Faults::new("", "malformed", detail)));
        };
        Ok(Self { pairs, faults: None })
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.read(name, "invalid_value", "", |text| Some(text.to_owned()))
    }

    /// Takes a parameter out and reads it. Text that cannot be read is a fault with `code`, and so
    /// is a parameter that is given twice.
    pub fn read<T>(
        &mut self,
        name: &str,
        code: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (values, pairs) =
            std::mem::take(&mut self.pairs).into_iter().partition::<Vec<_>, _>(|it| it.0 == name);
        self.pairs = pairs;
        if values.len() > 1 {
            self.fault(name, "repeated", "Give this parameter once.");
        }
        let mut last = None;
        for (_, text) in values {
            last = read(&text);
            if last.is_none() {
                self.fault(name, code, expected);
            }
        }
        last
    }

    /// Notes a fault of a parameter.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: &str) {
        let fault = Faults::new(format!("/{}", escape(name)), code, detail);
        self.faults = Some(match self.faults.take() {
            Some(faults) => faults.and(fault),
            None => fault,
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with all faults; what nobody has taken out is one.
    pub fn finish(mut self) -> Result<(), Error> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.fault(&name, "unknown_parameter", "There is no such parameter here.");
        }
        self.faults.map_or(Ok(()), |faults| Err(Error::MalformedQuery(faults)))
    }
}
