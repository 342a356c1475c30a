//! The one error. It carries everything an answer says of a refusal; the cause of a fault of ours
//! is logged once, at the boundary, and never put into a body.

use std::borrow::Cow;

use axum::http::StatusCode;

use crate::http::fault::Faults;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON.
    #[error("malformed JSON")]
    MalformedJson,
    /// The query string has faults.
    #[error("malformed query")]
    MalformedQuery(Faults),
    /// The cursor was not made here, or for another list or caller.
    #[error("invalid cursor")]
    InvalidCursor,
    /// The `Idempotency-Key` header is not 1 to 255 visible ASCII characters.
    #[error("invalid idempotency key")]
    InvalidIdempotencyKey,
    /// The `If-Match` header is not a list of entity tags.
    #[error("invalid If-Match")]
    InvalidIfMatch,
    /// There is no credential in the request.
    #[error("missing credential")]
    MissingCredential,
    /// The credential is unknown, revoked or malformed, or its user is disabled.
    #[error("invalid credential")]
    InvalidCredential,
    /// The API key's time is over.
    #[error("API key expired")]
    ApiKeyExpired,
    /// The session was idle for longer than the organization's policy allows.
    #[error("session idle")]
    SessionIdle,
    /// The session is older than the organization's policy allows.
    #[error("session over its absolute timeout")]
    SessionAbsolute,
    /// The e-mail address or the password is wrong; which, is not told.
    #[error("wrong e-mail address or password")]
    WrongEmailOrPassword,
    /// The code that was to complete a sign-in is wrong, or has been used before.
    #[error("wrong code at sign-in")]
    WrongCode,
    /// The password that was given as proof is wrong.
    #[error("incorrect password")]
    IncorrectPassword,
    /// The code that was given as proof is wrong, or has been used before.
    #[error("incorrect code")]
    IncorrectCode,
    /// The session's last proof is too old for this.
    #[error("reauthentication required")]
    ReauthenticationRequired,
    /// The caller's address is not on the organization's allowlist.
    #[error("address not allowed")]
    IpNotAllowed,
    /// Only a signed-in session may do this.
    #[error("session required")]
    SessionRequired,
    /// The roles do not grant this.
    #[error("role required")]
    RoleRequired(Cow<'static, str>),
    /// The API key's scopes do not contain this one.
    #[error("insufficient scope")]
    InsufficientScope(Cow<'static, str>),
    /// The organization signs in by single sign-on alone.
    #[error("single sign-on required")]
    SsoRequired,
    /// The organization's plan does not have this.
    #[error("feature not available")]
    FeatureNotAvailable(Cow<'static, str>),
    /// There is no such thing, or it is another tenant's.
    #[error("not found")]
    NotFound,
    /// The path has other methods.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The request contradicts the present state.
    #[error("conflict: {code}")]
    Conflict {
        /// The stable code.
        code: &'static str,
        /// The sentence for people.
        detail: Cow<'static, str>,
    },
    /// The resource is not in the state that `If-Match` names.
    #[error("precondition failed")]
    PreconditionFailed,
    /// The body is over its limit.
    #[error("body too large")]
    BodyTooLarge,
    /// The body is not declared as JSON.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// The body is JSON, and has faults.
    #[error("validation failed")]
    Validation(Faults),
    /// The idempotency key was used with another request.
    #[error("idempotency key reused")]
    IdempotencyKeyReused,
    /// Too many passwords and codes were wrong: of this account, or from this address.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds until one more may be tried.
        retry_after: u32,
    },
    /// The credential has made more requests than its organization's plan allows.
    #[error("rate limited")]
    RateLimited {
        /// Seconds until one more may be made.
        retry_after: u32,
    },
    /// Something that this depends on is out of reach or out of capacity.
    #[error("unavailable: {cause}")]
    Unavailable {
        /// For the log.
        cause: String,
    },
    /// A fault of ours.
    #[error("internal: {cause}")]
    Internal {
        /// For the log.
        cause: String,
    },
}

/// The public part of an [`Error`].
pub(crate) struct Public {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: Cow<'static, str>,
}

impl Error {
    /// A fault of ours.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::Internal { cause: cause.into() }
    }

    /// Something out of reach.
    #[must_use]
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable { cause: cause.into() }
    }

    /// A conflict with the present state.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.public().code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.public().status
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        self.public().detail
    }

    /// The faults, where the error is about the request's content.
    #[must_use]
    pub fn faults(&self) -> Option<&Faults> {
        match self {
            Self::MalformedQuery(faults) | Self::Validation(faults) => Some(faults),
            _ => None,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one table, a row an error")]
    pub(crate) fn public(&self) -> Public {
        let of = |status, code, title, detail| Public { status, code, title, detail };
        let text =
            |status, code, title, detail: &'static str| of(status, code, title, detail.into());
        let unauthenticated =
            |code, detail| text(StatusCode::UNAUTHORIZED, code, "Authentication required", detail);
        let forbidden = |code, detail| of(StatusCode::FORBIDDEN, code, "Forbidden", detail);
        match self {
            Self::MalformedJson => text(
                StatusCode::BAD_REQUEST,
                "malformed_json",
                "Malformed JSON",
                "The body is not valid JSON in UTF-8.",
            ),
            Self::MalformedQuery(_) => text(
                StatusCode::BAD_REQUEST,
                "malformed_query",
                "Malformed query",
                "The query string has the faults listed.",
            ),
            Self::InvalidCursor => text(
                StatusCode::BAD_REQUEST,
                "invalid_cursor",
                "Invalid cursor",
                "The cursor was not given out for this list. Begin without one.",
            ),
            Self::InvalidIdempotencyKey => text(
                StatusCode::BAD_REQUEST,
                "invalid_idempotency_key",
                "Invalid idempotency key",
                "Idempotency-Key must have 1 to 255 visible ASCII characters.",
            ),
            Self::InvalidIfMatch => text(
                StatusCode::BAD_REQUEST,
                "invalid_if_match",
                "Invalid If-Match",
                "If-Match must be * or a list of entity tags.",
            ),
            Self::MissingCredential => unauthenticated(
                "missing_credential",
                "Send an API key or a session token as `Authorization: Bearer …`.",
            ),
            Self::InvalidCredential => {
                unauthenticated("invalid_credential", "The credential is not valid.")
            }
            Self::ApiKeyExpired => unauthenticated("api_key_expired", "The API key has expired."),
            Self::SessionIdle => unauthenticated(
                "session_idle",
                "The session ended because it was idle for too long. Sign in again.",
            ),
            Self::SessionAbsolute => unauthenticated(
                "session_absolute",
                "The session reached its maximum age. Sign in again.",
            ),
            Self::WrongEmailOrPassword => {
                unauthenticated("invalid_login", "The e-mail address or the password is wrong.")
            }
            Self::WrongCode => unauthenticated(
                "invalid_code",
                "The code is wrong, or was used before. Wait for the next one.",
            ),
            Self::IncorrectPassword => {
                forbidden("incorrect_password", "The current password is wrong.".into())
            }
            Self::IncorrectCode => forbidden(
                "incorrect_code",
                "The code is wrong, or was used before. Wait for the next one.".into(),
            ),
            Self::ReauthenticationRequired => forbidden(
                "reauthentication_required",
                "Prove that it is you with `POST /api/session/reauthenticate`, then try again."
                    .into(),
            ),
            Self::IpNotAllowed => forbidden(
                "ip_not_allowed",
                "The organization does not allow requests from your address.".into(),
            ),
            Self::SessionRequired => forbidden(
                "session_required",
                "An API key cannot do this. Sign in and use the session's token.".into(),
            ),
            Self::RoleRequired(detail) => forbidden("role_required", detail.clone()),
            Self::InsufficientScope(detail) => forbidden("insufficient_scope", detail.clone()),
            Self::SsoRequired => {
                forbidden("sso_required", "The organization requires single sign-on.".into())
            }
            Self::FeatureNotAvailable(detail) => forbidden("feature_not_available", detail.clone()),
            Self::NotFound => {
                text(StatusCode::NOT_FOUND, "not_found", "Not found", "There is no such resource.")
            }
            Self::MethodNotAllowed => text(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "The path has other methods; see `Allow`.",
            ),
            Self::Conflict { code, detail } => {
                of(StatusCode::CONFLICT, code, "Conflict", detail.clone())
            }
            Self::PreconditionFailed => text(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "Precondition failed",
                "The resource has changed since the entity tag was given out. Read it again.",
            ),
            Self::BodyTooLarge => text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "Body too large",
                "A body may have up to 65,536 bytes.",
            ),
            Self::UnsupportedMediaType => text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
                "Send the body as `Content-Type: application/json`.",
            ),
            Self::Validation(_) => text(
                StatusCode::UNPROCESSABLE_ENTITY,
                "validation_failed",
                "Validation failed",
                "The body has the faults listed.",
            ),
            Self::IdempotencyKeyReused => text(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "Idempotency key reused",
                "This Idempotency-Key was used with another request.",
            ),
            Self::TooManyAttempts { .. } => text(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many attempts",
                "Too many attempts have failed. Try again after the time in `Retry-After`.",
            ),
            Self::RateLimited { .. } => text(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Rate limited",
                "This credential makes too many requests. Try again after the time in `Retry-After`.",
            ),
            Self::Unavailable { .. } => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Unavailable",
                "The service cannot do this right now. Try again after the time in `Retry-After`.",
            ),
            Self::Internal { .. } => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Internal error",
                "The service failed. Nothing was changed.",
            ),
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Validation(faults)
    }
}
