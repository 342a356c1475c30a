//! `POST /api/user/mfa/enable`

use axum::http::StatusCode;
use deserr::Deserr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::FreshSessionWithReplay, second_factor::Seed},
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        problem::Refusals,
        replay::Attempt,
    },
    ids::EnrollmentId,
    model::{
        audit::{Action, Changes},
        second_factor::{ENROLLMENT_MINUTES, Enrollment},
    },
};
use utoipa::ToSchema;

/// Who is named as the issuer in authenticator apps.
const ISSUER: &str = "Planasonix";

/// All but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which second factor to set up.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = EnableMfa)]
pub struct Request {
    /// The kind of factor.
    method: Method,
}

/// The kind of a second factor.
#[derive(Debug, Clone, Copy, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, rename_all = lowercase)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Time-based codes (RFC 6238): SHA-1, six digits, 30 seconds.
    Totp,
}

/// A second factor that is being set up.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedEnrollment {
    /// The kind of factor.
    method: Method,
    /// The seed in base 32, to be typed into an authenticator app. It is shown this once.
    secret: String,
    /// The same for a QR code.
    otpauth_uri: String,
    /// What `POST /api/user/mfa/verify` is to be told, within ten minutes.
    enrollment_id: EnrollmentId,
}

/// Begins to set up a second factor; it is on when a first code of it has been verified. One that was
/// begun before is forgotten.
///
/// # Errors
/// 409 `mfa_already_enabled`; 422 `idempotency_key_reused`; 503 where the deployment's secret is out of
/// reach; those of every route that needs a session that was proved lately.
#[utoipa::path(
    post,
    path = "/api/user/mfa/enable",
    operation_id = "enable_mfa",
    tag = "MFA",
    security(("bearer" = [])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["mfa_already_enabled"]))),
    responses((status = 200, body = Envelope<StartedEnrollment>), Refusals),
)]
pub async fn handler(
    caller: Caller<FreshSessionWithReplay>,
    Body { value: Request { method }, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let first = match Attempt::of(&caller, "/api/user/mfa/enable", &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, user) = (&caller.call, &caller.user);
    let already = || Error::conflict("mfa_already_enabled", "MFA is on. Disable it first.");
    if user.mfa_enabled {
        return Err(already());
    }
    let seed = Seed::generate(&*call.random);
    let enrollment = Enrollment {
        id: EnrollmentId::generate(call.now, &*call.random),
        sealed_seed: seed.seal(call, user.id).await?,
        expires_at: call.now.plus_minutes(ENROLLMENT_MINUTES),
    };
    let secret = seed.reveal();
    let otpauth_uri = otpauth_uri(&user.email, &secret);
    let data = StartedEnrollment { method, secret, otpauth_uri, enrollment_id: enrollment.id };
    let answer = Fixed::json(StatusCode::OK, &Envelope { data })?;
    let record = first.record(call, &answer)?;
    let audit = caller.audit(Action::MfaEnrollmentStarted, enrollment.id, Changes::default());
    let (organization, random) = (&caller.organization, &*call.random);
    let written =
        call.store.begin_enrollment(organization, user, &enrollment, record, &audit, random).await;
    first.conclude(call, written, answer).await.map_err(|lost| lost.or(already()))
}

/// The address that authenticator apps read from a QR code. What it leaves out are the defaults: SHA-1,
/// six digits, 30 seconds.
fn otpauth_uri(email: &str, secret: &str) -> String {
    let account = utf8_percent_encode(email, RESERVED);
    format!("otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}")
}

#[cfg(test)]
mod tests {
    use super::otpauth_uri;

    #[test]
    fn the_address_is_byte_for_byte_what_apps_expect() {
        assert_eq!(
            otpauth_uri("alex.morgan@example.com", "JBSWY3DPEHPK3PXP"),
            "otpauth://totp/Planasonix:alex.morgan%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Planasonix"
        );
        let odd = otpauth_uri("\"a:b?c&d\"+é@example.com", "A");
        assert!(odd.contains(":%22a%3Ab%3Fc%26d%22%2B%C3%A9%40example.com?"), "{odd}");
    }
}
