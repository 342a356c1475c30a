//! The one error. It carries everything an answer says of a refusal; the cause of a fault of ours
//! is logged once, at the boundary, and never put into a body.

use std::borrow::Cow;

use axum::http::StatusCode;

use crate::http::{fault::Faults, kind::Kind};

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
    /// There is an event of this id that said something else.
    #[error("event id reused")]
    EventIdReused,
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
        match self {
            Self::Conflict { code, .. } => code,
            other => other.kind().map_or("conflict", Kind::code),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind().map_or(StatusCode::CONFLICT, Kind::status)
    }

    /// The faults, where the error is about the request's content.
    #[must_use]
    pub fn faults(&self) -> Option<&Faults> {
        match self {
            Self::MalformedQuery(faults) | Self::Validation(faults) => Some(faults),
            _ => None,
        }
    }

    /// The kind, but for a conflict's, which its code names.
    const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::MalformedJson => Kind::MalformedJson,
            Self::MalformedQuery(_) => Kind::MalformedQuery,
            Self::InvalidCursor => Kind::InvalidCursor,
            Self::InvalidIdempotencyKey => Kind::InvalidIdempotencyKey,
            Self::InvalidIfMatch => Kind::InvalidIfMatch,
            Self::MissingCredential => Kind::MissingCredential,
            Self::InvalidCredential => Kind::InvalidCredential,
            Self::ApiKeyExpired => Kind::ApiKeyExpired,
            Self::SessionIdle => Kind::SessionIdle,
            Self::SessionAbsolute => Kind::SessionAbsolute,
            Self::WrongEmailOrPassword => Kind::InvalidLogin,
            Self::WrongCode => Kind::InvalidCode,
            Self::IncorrectPassword => Kind::IncorrectPassword,
            Self::IncorrectCode => Kind::IncorrectCode,
            Self::ReauthenticationRequired => Kind::ReauthenticationRequired,
            Self::IpNotAllowed => Kind::IpNotAllowed,
            Self::SessionRequired => Kind::SessionRequired,
            Self::RoleRequired(_) => Kind::RoleRequired,
            Self::InsufficientScope(_) => Kind::InsufficientScope,
            Self::SsoRequired => Kind::SsoRequired,
            Self::FeatureNotAvailable(_) => Kind::FeatureNotAvailable,
            Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::Conflict { .. } => return None,
            Self::PreconditionFailed => Kind::PreconditionFailed,
            Self::BodyTooLarge => Kind::BodyTooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedMediaType,
            Self::Validation(_) => Kind::ValidationFailed,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::EventIdReused => Kind::EventIdReused,
            Self::TooManyAttempts { .. } => Kind::TooManyAttempts,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::Unavailable { .. } => Kind::Unavailable,
            Self::Internal { .. } => Kind::Internal,
        })
    }

    pub(crate) fn title(&self) -> &'static str {
        self.kind().map_or("Conflict", Kind::title)
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::RoleRequired(detail)
            | Self::InsufficientScope(detail)
            | Self::FeatureNotAvailable(detail)
            | Self::Conflict { detail, .. } => return detail.clone(),
            Self::MalformedJson => "The body is not valid JSON in UTF-8.",
            Self::MalformedQuery(_) => "The query string has the faults listed.",
            Self::InvalidCursor => "The cursor was not given out for this list. Begin without one.",
            Self::InvalidIdempotencyKey => {
                "Idempotency-Key must have 1 to 255 visible ASCII characters."
            }
            Self::InvalidIfMatch => "If-Match must be * or a list of entity tags.",
            Self::MissingCredential => {
                "Send an API key or a session token as `Authorization: Bearer …`."
            }
            Self::InvalidCredential => "The credential is not valid.",
            Self::ApiKeyExpired => "The API key has expired.",
            Self::SessionIdle => {
                "The session ended because it was idle for too long. Sign in again."
            }
            Self::SessionAbsolute => "The session reached its maximum age. Sign in again.",
            Self::WrongEmailOrPassword => "The e-mail address or the password is wrong.",
            Self::WrongCode | Self::IncorrectCode => {
                "The code is wrong, or was used before. Wait for the next one."
            }
            Self::IncorrectPassword => "The current password is wrong.",
            Self::ReauthenticationRequired => {
                "Prove that it is you with `POST /api/session/reauthenticate`, then try again."
            }
            Self::IpNotAllowed => "The organization does not allow requests from your address.",
            Self::SessionRequired => {
                "An API key cannot do this. Sign in and use the session's token."
            }
            Self::SsoRequired => "The organization requires single sign-on.",
            Self::NotFound => "There is no such resource.",
            Self::MethodNotAllowed => "The path has other methods; see `Allow`.",
            Self::PreconditionFailed => {
                "The resource has changed since the entity tag was given out. Read it again."
            }
            Self::BodyTooLarge => "A body may have up to 65,536 bytes.",
            Self::UnsupportedMediaType => "Send the body as `Content-Type: application/json`.",
            Self::Validation(_) => "The body has the faults listed.",
            Self::IdempotencyKeyReused => "This Idempotency-Key was used with another request.",
            Self::EventIdReused => {
                "There is an event of this id that said something else. Give this one another id."
            }
            Self::TooManyAttempts { .. } => {
                "Too many attempts have failed. Try again after the time in `Retry-After`."
            }
            Self::RateLimited { .. } => {
                "This credential makes too many requests. Try again after the time in `Retry-After`."
            }
            Self::Unavailable { .. } => {
                "The service cannot do this right now. Try again after the time in `Retry-After`."
            }
            Self::Internal { .. } => "The service failed. Nothing was changed.",
        }
        .into()
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Validation(faults)
    }
}
