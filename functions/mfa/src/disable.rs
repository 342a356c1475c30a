//! `POST /api/user/mfa/disable`

use deserr::Deserr;
use shared::{
    auth::{
        caller::Caller, code::Code, password::Password, permissions::level::SessionWithProof,
        proof::Given, second_factor::not_enabled,
    },
    error::Error,
    http::{answer::NoContent, body::Body, fault::Faults, problem::Refusals},
    model::audit::{Action, Changes},
    store::Lost,
};
use utoipa::ToSchema;

/// The proof.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = DisableMfa)]
pub struct Request {
    /// The user's password.
    password: Password,
    /// A code from the authenticator app, or a backup code.
    code: Code,
}

/// Turns the second factor off; its backup codes are dead.
///
/// # Errors
/// 403 `incorrect_password` and `incorrect_code`; 409 `mfa_not_enabled`, and `password_too_short` where the
/// password is of a length that only the second factor makes up for; 429 after too many wrong ones; 503
/// where the deployment's secret is out of reach; those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/user/mfa/disable",
    operation_id = "disable_mfa",
    tag = "MFA",
    security(("bearer" = [])),
    request_body = Request,
    extensions(("x-codes" = json!(["mfa_not_enabled", "password_too_short", "edit_conflict"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithProof>,
    Body { value: request, .. }: Body<Request>,
) -> Result<NoContent, Error> {
    let Request { password, code } = &request;
    let (call, user) = (&caller.call, &caller.user);
    if !user.mfa_enabled {
        return Err(not_enabled());
    }
    let mut prover = caller.prover(Action::MfaRefused);
    loop {
        let proof = prover.check(Given::password(password).and_code(code)).await?;
        let disabled = if password.is_long_enough(false) {
            let changes = Changes::default().with("mfa_enabled", true, false);
            let audit = caller.audit(Action::MfaDisabled, user.id, changes);
            let (organization, random) = (&caller.organization, &*call.random);
            call.store.disable_mfa(organization, user, proof.used(call.now), &audit, random).await
        } else {
            let detail = "Without MFA a password needs 15 characters. Change it first.";
            let refusal = Error::conflict("password_too_short", detail);
            Err(prover.refuse_proven(&proof, refusal).await)
        };
        match disabled {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // Another request has turned it off, or changed the password.
            Err(lost) => {
                return Err(lost.or(Error::conflict(
                    "edit_conflict",
                    "Your sign-in was changed meanwhile. Try again.",
                )));
            }
            Ok(()) => return Ok(NoContent),
        }
    }
}
