//! Refusals of what is invoked directly, with no HTTP around it.

use std::fmt::{self, Write as _};

use lambda_http::lambda_runtime::Diagnostic;

use crate::{error::Error, http::fault::Faults};

/// The refusal of an invocation: a function error whose type is the code, and whose message is the detail
/// with all faults. The runtime logs its `Debug`, which is the code alone.
pub struct Refused(pub Error);

impl Refused {
    /// Refuses an invocation. What was no fault of its caller is told in the log.
    #[must_use]
    pub fn new(error: Error, request_id: &str) -> Self {
        if let Error::Internal { cause } | Error::Unavailable { cause } = &error {
            tracing::error!(id = request_id, %cause, "failed");
        }
        Self(error)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0.code())
    }
}

impl From<Refused> for Diagnostic {
    fn from(Refused(error): Refused) -> Self {
        let faults = error.faults().cloned().map(Faults::into_sorted).unwrap_or_default();
        let mut message = error.detail().into_owned();
        for fault in faults {
            // Writing to a string cannot fail.
            let _ = write!(message, " {}: {} ({})", fault.pointer, fault.detail, fault.code);
        }
        Self { error_type: error.code().to_owned(), error_message: message }
    }
}
