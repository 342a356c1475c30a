//! The kinds of problems: what each code stands for, why it is answered, and what to do about it.
//! The page of problems and the OpenAPI document are made of this table.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($kind:ident = $status:ident, $code:literal, $title:literal, $cause:literal, $cure:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {$(
            #[doc = concat!("`", $code, "`: ", $cause)]
            $kind,
        )*}

        impl Kind {
            /// Every kind, ordered by status.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {$(Self::$kind => $code),*}
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {$(Self::$kind => StatusCode::$status),*}
            }

            /// The title, for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {$(Self::$kind => $title),*}
            }

            /// Why a request is refused so.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self {$(Self::$kind => $cause),*}
            }

            /// What the caller can do about it.
            #[must_use]
            pub const fn cure(self) -> &'static str {
                match self {$(Self::$kind => $cure),*}
            }
        }
    };
}

impl Kind {
    /// The kind that a code names.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

kinds! {
    MalformedJson = BAD_REQUEST, "malformed_json", "Malformed JSON",
        "The body is not valid JSON in UTF-8.",
        "Send one JSON text, encoded by a library instead of by hand.";
    MalformedQuery = BAD_REQUEST, "malformed_query", "Malformed query",
        "A parameter of the query string is unknown, given twice, or out of its bounds; `errors` names each.",
        "Correct the parameters that `errors` points to. Values have to be percent-encoded: a plus is `%2B`.";
    InvalidCursor = BAD_REQUEST, "invalid_cursor", "Invalid cursor",
        "The `cursor` was not given out for this list, for these filters or to this caller.",
        "Begin the list without a cursor, and send `meta.next_cursor` on as it is.";
    InvalidIdempotencyKey = BAD_REQUEST, "invalid_idempotency_key", "Invalid idempotency key",
        "`Idempotency-Key` is empty, given twice, over 255 characters, or has other than visible ASCII characters.",
        "Send one random text, such as a UUID, once for each thing that you want to create.";
    InvalidIfMatch = BAD_REQUEST, "invalid_if_match", "Invalid If-Match",
        "`If-Match` is neither `*` nor a list of quoted entity tags.",
        "Send the `ETag` of the answer that you have read, with its quotes.";
    MissingCredential = UNAUTHORIZED, "missing_credential", "Authentication required",
        "The request has no credential.",
        "Send an API key or a session's token as `Authorization: Bearer …`.";
    InvalidCredential = UNAUTHORIZED, "invalid_credential", "Authentication required",
        "The credential is unknown, mistyped or revoked, its user is disabled, or two different ones were sent.",
        "Check that the whole token is sent, and once. If it is, make a new key or sign in again.";
    ApiKeyExpired = UNAUTHORIZED, "api_key_expired", "Authentication required",
        "The API key's `expires_at` has come.",
        "Make a new key, and replace the old one wherever it is used.";
    SessionIdle = UNAUTHORIZED, "session_idle", "Authentication required",
        "The session was not used for longer than the organization's idle timeout.",
        "Sign in again. `Session-Idle-Expires` of every answer tells beforehand when that will be.";
    SessionAbsolute = UNAUTHORIZED, "session_absolute", "Authentication required",
        "The session is older than the organization's absolute timeout.",
        "Sign in again. `Session-Expires` of every answer tells beforehand when that will be.";
    InvalidLogin = UNAUTHORIZED, "invalid_login", "Authentication required",
        "The e-mail address or the password is wrong; which of them is not told.",
        "Correct what was typed in. After ten failures in 15 minutes there is a wait.";
    InvalidCode = UNAUTHORIZED, "invalid_code", "Authentication required",
        "The code that was to complete a sign-in is wrong, or has been used before.",
        "Wait for the app's next code, or use a backup code. A challenge takes five codes.";
    IncorrectPassword = FORBIDDEN, "incorrect_password", "Forbidden",
        "The password that was given as proof is not the caller's.",
        "Ask the user again. After ten failures in 15 minutes there is a wait.";
    IncorrectCode = FORBIDDEN, "incorrect_code", "Forbidden",
        "The code that was given as proof is wrong, or has been used before.",
        "Wait for the app's next code, or use a backup code.";
    ReauthenticationRequired = FORBIDDEN, "reauthentication_required", "Forbidden",
        "The session's user has not proved in the last ten minutes who they are.",
        "Prove it with `POST /api/session/reauthenticate`, and send the request again.";
    IpNotAllowed = FORBIDDEN, "ip_not_allowed", "Forbidden",
        "The request comes from an address that is not on the organization's allowlist.",
        "Send it from an address that is listed, or have an administrator list yours.";
    SessionRequired = FORBIDDEN, "session_required", "Forbidden",
        "An API key was sent for something that only a signed-in user may do.",
        "Sign in with `POST /api/login`, and send the session's token.";
    RoleRequired = FORBIDDEN, "role_required", "Forbidden",
        "The roles of the user, or of the API key's owner, do not grant this now.",
        "Have an administrator do it, or have the operator change the roles.";
    InsufficientScope = FORBIDDEN, "insufficient_scope", "Forbidden",
        "The API key does not have the scope that the operation needs.",
        "Make a key with the scope that `detail` names.";
    SsoRequired = FORBIDDEN, "sso_required", "Forbidden",
        "The organization lets only administrators sign in with a password.",
        "Sign in by the organization's single sign-on.";
    FeatureNotAvailable = FORBIDDEN, "feature_not_available", "Forbidden",
        "The organization's plan does not have the feature that this needs.",
        "See `GET /api/organization/features`; another plan may have it.";
    NotFound = NOT_FOUND, "not_found", "Not found",
        "There is no such thing, it is not the caller's, or the id is none.",
        "Check the path and the id. What other organizations have answers exactly the same.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed",
        "The path exists, and does not have this method.",
        "Use one of the methods that the answer's `Allow` names.";
    EditConflict = CONFLICT, "edit_conflict", "Conflict",
        "Another request has changed the same thing between this one's reading and its writing.",
        "Read it again, and send the change again if it is still wanted.";
    LimitReached = CONFLICT, "limit_reached", "Conflict",
        "There are as many of these as there may be; `detail` names the bound.",
        "Delete one that is not needed any more.";
    MfaAlreadyEnabled = CONFLICT, "mfa_already_enabled", "Conflict",
        "The second factor is on, and cannot be set up anew over it.",
        "Disable it first with `POST /api/user/mfa/disable`.";
    MfaNotEnabled = CONFLICT, "mfa_not_enabled", "Conflict",
        "The second factor is off, so there is no code to prove and nothing to disable.",
        "Leave the code out, or set the second factor up with `POST /api/user/mfa/enable`.";
    PasswordTooShort = CONFLICT, "password_too_short", "Conflict",
        "The password is of a length that only a second factor makes up for, so that cannot be disabled.",
        "Change the password to one of at least 15 characters first.";
    DuplicateEntry = CONFLICT, "duplicate_entry", "Conflict",
        "The network is on the allowlist already.",
        "Use the entry that there is, or remove it first.";
    WouldLockOutCaller = CONFLICT, "would_lock_out_caller", "Conflict",
        "After the change the allowlist would refuse the address that this request comes from.",
        "Put your own address on the list first, or add `?force=true` if you mean it; a confirmation comes from an address on the list.";
    NothingToConfirm = CONFLICT, "nothing_to_confirm", "Conflict",
        "No enforcement of the allowlist waits to be confirmed, or its time is over.",
        "See `GET /api/settings/ip-whitelist/status`, and turn enforcement on again.";
    NotAWebhook = CONFLICT, "not_a_webhook", "Conflict",
        "The channel is not a webhook, and only a webhook has a signing secret.",
        "Look at the channel's `type`; what other channels have for a secret is changed with `PUT`.";
    IdempotencyKeyInFlight = CONFLICT, "idempotency_key_in_flight", "Conflict",
        "Another request with this `Idempotency-Key` is being carried out.",
        "Send the same request again in a moment: it gets that one's answer.";
    PreconditionFailed = PRECONDITION_FAILED, "precondition_failed", "Precondition failed",
        "The resource has changed since the entity tag in `If-Match` was given out, or is gone.",
        "Read it again, and decide anew with its present `ETag`.";
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body_too_large", "Body too large",
        "The body has over 65,536 bytes.",
        "Send less at once.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type",
        "The body is not declared as JSON in UTF-8.",
        "Send `Content-Type: application/json`.";
    ValidationFailed = UNPROCESSABLE_ENTITY, "validation_failed", "Validation failed",
        "The body is JSON, and fields of it are unknown, missing or out of their bounds; `errors` names every one.",
        "Correct the fields that `errors` points to by JSON pointers.";
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused",
        "This `Idempotency-Key` was used in the last 24 hours with another path or another body.",
        "Use a new key for a new request, and the same bytes for a retry.";
    EventIdReused = UNPROCESSABLE_ENTITY, "event_id_reused", "Event id reused",
        "An event with this `id` was published in the last 30 days, and said something else.",
        "Give each event an id of its own, and send a retry with the same content.";
    TooManyAttempts = TOO_MANY_REQUESTS, "too_many_attempts", "Too many attempts",
        "Ten passwords or codes of this account, or from this address, were wrong in 15 minutes.",
        "Wait for as many seconds as `Retry-After` says. No account is ever locked.";
    RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Rate limited",
        "The credential has made as many requests as its organization's limit `max_requests_per_minute` allows.",
        "Wait for as many seconds as `Retry-After` says; `RateLimit` of every answer tells beforehand how many are left.";
    Internal = INTERNAL_SERVER_ERROR, "internal_error", "Internal error",
        "The service failed. It is no fault of the request's, and nothing was changed.",
        "Report it with the `request_id`.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Unavailable",
        "Something that the service depends on is out of reach or out of capacity. Nothing is half-written.",
        "Send the request again after as many seconds as `Retry-After` says.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ordered_by_status() {
        for pair in Kind::ALL.windows(2) {
            assert!(pair[0].status() <= pair[1].status(), "{:?}", pair[1]);
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.code()), Some(*kind));
        }
    }
}
