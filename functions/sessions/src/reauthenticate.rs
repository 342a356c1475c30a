//! `POST /api/session/reauthenticate`

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
#[schema(as = Reauthenticate)]
pub struct Request {
    /// The user's password.
    password: Password,
    /// A code from the authenticator app, or a backup code: required while MFA is on.
    #[deserr(default)]
    #[schema(value_type = Option<Code>)]
    code: Option<Code>,
}

/// Proves again, in a session, that it is its user who uses it. For the next ten minutes the session
/// may do what needs a recent proof: make and regenerate API keys, and set up a second factor.
///
/// # Errors
/// 403 `incorrect_password` and `incorrect_code`; 409 `mfa_not_enabled` for a code where MFA is off; 429
/// after too many wrong ones; those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/session/reauthenticate",
    operation_id = "reauthenticate",
    tag = "Sessions",
    security(("bearer" = [])),
    request_body = Request,
    extensions(("x-codes" = json!(["mfa_not_enabled"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithProof>,
    Body { value: request, .. }: Body<Request>,
) -> Result<NoContent, Error> {
    let (call, session) = (&caller.call, caller.session_id()?);
    let given = Given::password(&request.password);
    let given = match (caller.user.mfa_enabled, &request.code) {
        (true, Some(code)) => given.and_code(code),
        (false, None) => given,
        (true, None) => {
            let detail = "This field is required while MFA is on.";
            return Err(Faults::new("/code", "required", detail).into());
        }
        (false, Some(_)) => return Err(not_enabled()),
    };
    let mut prover = caller.prover(Action::ReauthenticationRefused);
    loop {
        let proof = prover.check(given).await?;
        let mut changes = Changes::default();
        if let Some(spend) = &proof.spend {
            changes.push("second_factor", None::<String>, spend.method());
        }
        let audit = caller.audit(Action::SessionReauthenticated, session, changes);
        let (organization, user, random) = (&caller.organization, &caller.user, &*call.random);
        let proof = proof.used(call.now);
        match call.store.reprove_session(organization, user, session, proof, &audit, random).await {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // The session was ended, or the password changed, while this was under way.
            Err(lost) => return Err(lost.or(Error::InvalidCredential)),
            Ok(()) => return Ok(NoContent),
        }
    }
}
