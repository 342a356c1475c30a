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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_its_code_and_all_its_faults_and_logs_the_code_alone() {
        let limits = Faults::new("/limits", "invalid_type", "Expected an object.");
        let faults = Faults::new("/name", "missing_field", "Required.").and(limits);
        let refused = Refused::new(Error::from(faults), "req");
        assert_eq!(format!("{refused:?}"), "refused: validation_failed");
        let told = Diagnostic::from(refused);
        assert_eq!(told.error_type, "validation_failed");
        let faults =
            " /limits: Expected an object. (invalid_type) /name: Required. (missing_field)";
        assert!(told.error_message.ends_with(faults), "{}", told.error_message);
    }

    #[test]
    fn what_failed_within_is_not_told() {
        let failed = Refused::new(Error::internal("the item of Ada does not decode"), "req");
        let told = Diagnostic::from(failed);
        assert_eq!(told.error_type, "internal_error");
        assert!(!told.error_message.contains("Ada"), "{}", told.error_message);
    }
}
