//! Faults of a request body: every one of them, each with a JSON pointer (RFC 6901).

use std::{fmt::Write as _, ops::ControlFlow};

use deserr::{DeserializeError, ErrorKind, IntoValue, MergeWithError, ValueKind, ValuePointerRef};
use serde::Serialize;
use utoipa::ToSchema;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    /// What, stable and for programs.
    pub code: &'static str,
    /// What, for people. It never repeats the value, which may be a secret.
    pub detail: String,
}

/// All faults of a request; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One fault at `location`.
    #[must_use]
    pub fn at(location: ValuePointerRef, code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(pointer(location), code, detail)
    }

    /// One fault at a pointer that is known already.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self(vec![Fault { pointer: pointer.into(), code, detail: detail.into() }])
    }

    /// The faults, ordered by pointer.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Fault> {
        self.0.sort();
        self.0
    }

    /// These faults and the other's.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Collects the faults of checks that do not depend on each other.
///
/// # Errors
/// All faults of those that failed.
pub fn all<const N: usize>(checks: [Result<(), Faults>; N]) -> Result<(), Faults> {
    let faults = checks.into_iter().filter_map(Result::err).reduce(Faults::and);
    faults.map_or(Ok(()), Err)
}

impl MergeWithError<Self> for Faults {
    fn merge(self_: Option<Self>, other: Self, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        ControlFlow::Continue(match self_ {
            Some(faults) => faults.and(other),
            None => other,
        })
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        self_: Option<Self>,
        error: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let fault = match error {
            ErrorKind::MissingField { field } => {
                Self::at(location.push_key(field), "required", "This field is required.")
            }
            ErrorKind::UnknownKey { key, .. } => {
                Self::at(location.push_key(key), "unknown_field", "There is no such field here.")
            }
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                let code =
                    if actual.kind() == ValueKind::Null { "not_nullable" } else { "invalid_type" };
                Self::at(location, code, format!("Expected {}.", kinds(accepted)))
            }
            ErrorKind::UnknownValue { accepted, .. } => Self::at(
                location,
                "unknown_value",
                format!("Expected one of: {}.", accepted.join(", ")),
            ),
            ErrorKind::BadSequenceLen { expected, .. } => {
                Self::at(location, "invalid_length", format!("Expected {expected} elements."))
            }
            ErrorKind::Unexpected { msg } => Self::at(location, "invalid_value", msg),
        };
        Self::merge(self_, fault, location)
    }
}

fn kinds(accepted: &[ValueKind]) -> String {
    let mut names: Vec<_> = accepted
        .iter()
        .map(|kind| match kind {
            ValueKind::Null => "null",
            ValueKind::Boolean => "a boolean",
            ValueKind::Integer | ValueKind::NegativeInteger => "an integer",
            ValueKind::Float => "a number",
            ValueKind::String => "a string",
            ValueKind::Sequence => "an array",
            ValueKind::Map => "an object",
        })
        .collect();
    names.dedup();
    names.join(" or ")
}

fn pointer(location: ValuePointerRef) -> String {
    let mut text = String::new();
    push_pointer(&mut text, &location);
    text
}

fn push_pointer(text: &mut String, location: &ValuePointerRef) {
    match location {
        ValuePointerRef::Origin => {}
        ValuePointerRef::Key { key, prev } => {
            push_pointer(text, prev);
            text.push('/');
            text.push_str(&escape(key));
        }
        ValuePointerRef::Index { index, prev } => {
            push_pointer(text, prev);
            // Writing to a string cannot fail.
            let _ = write!(text, "/{index}");
        }
    }
}

/// A name as a part of a JSON pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
