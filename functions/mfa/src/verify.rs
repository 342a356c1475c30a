//! `POST /api/user/mfa/verify`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        code::{BackupCode, TotpCode},
        permissions::level::SessionWithCodeAndReplay,
        proof::Given,
        second_factor::new_backup_codes,
    },
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        field::Existing,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{EnrollmentId, EnrollmentKind},
    model::audit::{Action, Changes},
    store::{Activation, Lost},
};
use utoipa::ToSchema;

/// The first code of a second factor.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = VerifyMfa)]
pub struct Request {
    /// What `POST /api/user/mfa/enable` has answered.
    #[schema(value_type = EnrollmentId)]
    enrollment_id: Existing<EnrollmentKind>,
    /// A code from the authenticator app.
    code: TotpCode,
}

/// A second factor is on.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnabledMfa {
    /// Always `true`.
    enabled: bool,
    /// Ten codes that each work once in the place of one from the app. They are shown this once.
    backup_codes: Vec<String>,
}

/// Turns the second factor on that is being set up. The code that does it is used up: a sign-in needs
/// the next one.
///
/// # Errors
/// 403 `incorrect_code`; 404 for an enrollment that has ended, or was never begun; 422
/// `idempotency_key_reused`; 429 after too many wrong codes; 503 where the deployment's secret is out of
/// reach; those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/user/mfa/verify",
    operation_id = "verify_mfa",
    tag = "MFA",
    security(("bearer" = [])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["not_found"]))),
    responses((status = 200, body = Envelope<EnabledMfa>), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithCodeAndReplay>,
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let first = match Attempt::of(&caller, "/api/user/mfa/verify", &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, user, id) = (&caller.call, &caller.user, request.enrollment_id.0);
    let mut prover = caller.prover(Action::MfaRefused);
    loop {
        let proof = match prover.check(Given::enrollment(id, &request.code)).await {
            Ok(proof) => proof,
            Err(refusal) => return first.refused(call, refusal).await,
        };
        let factor = prover.evidence().factor.as_ref();
        let enrollment = factor.and_then(|factor| factor.open_enrollment(id, call.now));
        let (Some(enrollment), Some(step)) = (enrollment, proof.step) else {
            return Err(Error::NotFound);
        };
        let (codes, backup_codes) = new_backup_codes(call, user.id).await?;
        let shown = codes.iter().map(BackupCode::reveal).collect();
        let data = EnabledMfa { enabled: true, backup_codes: shown };
        let answer = Fixed::json(StatusCode::OK, &Envelope { data })?;
        let replay = first.record(call, &answer)?;
        let activation = Activation { enrollment, step, backup_codes: &backup_codes, replay };
        let changes = Changes::default().with("mfa_enabled", false, true);
        let audit = caller.audit(Action::MfaEnabled, user.id, changes);
        let (organization, random) = (&caller.organization, &*call.random);
        let (store, proof) = (&call.store, proof.used(call.now));
        let written = store.enable_mfa(organization, user, activation, proof, &audit, random).await;
        match first.conclude(call, written, answer).await {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // Another request has completed it.
            Err(lost) => return Err(lost.or(Error::NotFound)),
            Ok(answer) => return Ok(answer),
        }
    }
}
