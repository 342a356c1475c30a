//! Failures of the table. All that is not a lost condition is one thing to a caller: try again
//! later. The log has the cause.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::error::Error;

/// What a failed call is to the caller. Requests that the table refuses as malformed are a fault
/// of ours; all else (throttled, timed out, out of reach, in recovery) passes.
pub(super) fn failure<E, R>(call: &'static str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let code = error.code().unwrap_or("none");
    let cause = match error {
        // The context of a service error can quote the request; its code says enough.
        SdkError::ServiceError(_) => format!("{call}: {code}"),
        SdkError::TimeoutError(_) => format!("{call}: timed out"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => format!("{call}: timed out"),
        SdkError::DispatchFailure(failure) if failure.is_io() => format!("{call}: out of reach"),
        other => format!("{call}: {}", DisplayErrorContext(other)),
    };
    match code {
        "ValidationException"
        | "AccessDeniedException"
        | "ResourceNotFoundException"
        | "UnrecognizedClientException"
        | "ItemCollectionSizeLimitExceededException" => Error::internal(cause),
        _ => Error::unavailable(cause),
    }
}
