//! `POST /api/login/mfa`

use deserr::Deserr;
use shared::{
    auth::{
        code::Code,
        proof::{Given, Prover},
    },
    call::Call,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        fault::Faults,
        field::Existing,
        problem::Refusals,
    },
    ids::{ChallengeId, ChallengeKind},
    store::{Lost, Wanted},
};
use utoipa::ToSchema;

use crate::begin::{self, SignedIn};

/// The second half of a sign-in.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = LoginMfa)]
pub struct Request {
    /// What `POST /api/login` has answered.
    #[schema(value_type = ChallengeId)]
    challenge_id: Existing<ChallengeKind>,
    /// A code from the authenticator app, or a backup code.
    code: Code,
}

/// Completes a sign-in with the second factor. A code works once, and so does a challenge.
///
/// # Errors
/// 401 `invalid_code`; 404 for a challenge that was answered, has ended, or has seen five wrong codes;
/// 429 after ten failures in 15 minutes, of the account or from the address; with a right code 403
/// `ip_not_allowed` and `sso_required`.
#[utoipa::path(
    post,
    path = "/api/login/mfa",
    operation_id = "login_mfa",
    tag = "Sessions",
    request_body = Request,
    extensions(("x-codes" = json!(["invalid_code", "not_found", "ip_not_allowed", "sso_required", "too_many_attempts"]))),
    responses((status = 200, body = Envelope<SignedIn>), Refusals),
)]
pub async fn handler(
    call: Call,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<SignedIn>, Error> {
    let id = request.challenge_id.0;
    let challenge = call.store.read_challenge(id).await?.filter(|it| it.is_open(call.now));
    let challenge = challenge.ok_or(Error::NotFound)?;
    let (organization_id, user_id) = (challenge.organization_id, challenge.user_id);
    let wanted =
        Wanted { factor: true, attempts: true, origin: call.origin(), ..Wanted::default() };
    let read = call.store.read_principal(organization_id, user_id, &wanted).await?;
    // The version tells of a password or second factor that was changed meanwhile.
    let principal = read.principal.filter(|principal| {
        let user = &principal.user;
        !user.disabled && user.credentials_version == challenge.credentials_version
    });
    let principal = principal.ok_or(Error::NotFound)?;
    let organization = Some(&principal.organization);
    let subject = begin::claimed(organization, organization_id, user_id, Some(id));
    let mut prover = Prover::new(&call, subject, wanted, read.evidence);
    loop {
        let proof = prover.check(Given::code(&request.code)).await?;
        let answered = match begin::admit(&call, &principal.organization, &principal.user) {
            Err(refusal) => Err(prover.refuse_proven(&proof, refusal).await),
            Ok(()) => begin::session(&call, &principal, &proof, Some(id), None, false).await,
        };
        match answered {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // The challenge was answered, or the user changed, while this was under way.
            Err(lost) => return Err(lost.or(Error::NotFound)),
            Ok(signed_in) => return Ok(Data::untagged(signed_in)),
        }
    }
}
