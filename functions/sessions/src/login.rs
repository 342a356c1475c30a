//! `POST /api/login`

use deserr::Deserr;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::{
    auth::{
        password::Password,
        proof::{Given, Proof, Prover},
    },
    call::Call,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        fault::Faults,
        field::Text,
        problem::Refusals,
    },
    ids::{ChallengeId, OrganizationId, UserId},
    model::{
        audit::{Action, Actor, Changes},
        challenge::{CHALLENGE_SECONDS, Challenge},
    },
    store::{FirstStep, Lost, Principal, Rehash, Wanted},
};
use utoipa::ToSchema;

use crate::begin::{self, SignedIn};

/// An e-mail address as it is typed in: it only has to be found, not to be valid.
pub type Email = Text<1, 254>;

/// Who wants in.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = Login)]
pub struct Request {
    /// The user's address, in any case.
    email: Email,
    /// The user's password.
    password: Password,
}

/// A session has begun, or waits for the second factor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum LoginAnswer {
    /// A session has begun.
    SignedIn(Box<SignedIn>),
    /// The second factor is asked for.
    MfaRequired(PendingSignIn),
}

/// The password was right, and the second factor is asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingSignIn {
    /// Always `true`.
    mfa_required: bool,
    /// What `POST /api/login/mfa` is to be told along with the code. It is good for one sign-in and
    /// five codes.
    challenge_id: ChallengeId,
    /// The second factors that will do. A backup code does, too.
    methods: [&'static str; 1],
    /// Seconds until the challenge ends.
    expires_in: i64,
}

/// Signs in with an e-mail address and a password. The answer to a wrong one, and the work that it
/// takes, are the same whether the address is known or not.
///
/// With a password that is shorter than the 15 characters which one has to have without a second
/// factor, because the operator has taken that away, the answer has `password_change_required`.
///
/// # Errors
/// 401 `invalid_login`; 429 after ten failures in 15 minutes, of the account or from the address; with
/// the right password 403 `ip_not_allowed` and `sso_required`; 503 where there is no memory left to
/// hash another password.
#[utoipa::path(
    post,
    path = "/api/login",
    operation_id = "login",
    tag = "Sessions",
    request_body = Request,
    extensions(("x-codes" = json!(["invalid_login", "ip_not_allowed", "sso_required", "too_many_attempts"]))),
    responses((status = 200, body = Envelope<LoginAnswer>), Refusals),
)]
pub async fn handler(
    call: Call,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<LoginAnswer>, Error> {
    let email = request.email.0.to_lowercase();
    let (organization_id, user_id) = match call.store.find_email(&email).await? {
        Some(owner) => owner,
        None => decoy(&email),
    };
    let wanted =
        Wanted { password: true, attempts: true, origin: call.origin(), ..Wanted::default() };
    let read = call.store.read_principal(organization_id, user_id, &wanted).await?;
    let organization = read.principal.as_ref().map(|principal| &principal.organization);
    let subject = begin::claimed(organization, organization_id, user_id, None);
    let mut prover = Prover::new(&call, subject, wanted, read.evidence);
    let given = Given::password(&request.password);
    let mut rehashed = None;
    loop {
        let proof = prover.check(given).await?;
        let principal = read.principal.as_ref().ok_or(Error::WrongEmailOrPassword)?;
        if proof.outdated_hash.is_some() && rehashed.is_none() {
            rehashed = Some(call.passwords.hash(&request.password, &*call.random).await?);
        }
        let rehash = match (&proof.outdated_hash, &rehashed) {
            (Some(before), Some(after)) => Some(Rehash { before, after }),
            _ => None,
        };
        let answered = match begin::admit(&call, &principal.organization, &principal.user) {
            Err(refusal) => Err(prover.refuse_proven(&proof, refusal).await),
            Ok(()) if principal.user.mfa_enabled => {
                challenge(&call, principal, &proof, rehash).await
            }
            Ok(()) => {
                // The operator has taken a second factor away that the password counted on.
                let short = !request.password.is_long_enough(false);
                let begun = begin::session(&call, principal, &proof, None, rehash, short).await;
                begun.map(|signed_in| LoginAnswer::SignedIn(Box::new(signed_in)))
            }
        };
        match answered {
            Err(Lost::Overtaken) => prover.read_again().await?,
            // The password was changed, or the user disabled, while this sign-in was under way: what
            // was right is wrong now.
            Err(lost) => return Err(lost.or(Error::WrongEmailOrPassword)),
            Ok(answer) => return Ok(Data::untagged(answer)),
        }
    }
}

async fn challenge(
    call: &Call,
    principal: &Principal,
    proof: &Proof,
    rehash: Option<Rehash<'_>>,
) -> Result<LoginAnswer, Lost> {
    let Principal { organization, user } = principal;
    let id = ChallengeId::generate(call.now, &*call.random);
    let challenge = Challenge {
        organization_id: organization.id,
        user_id: user.id,
        credentials_version: user.credentials_version,
        tries: 0,
        expires_at: call.now.plus_seconds(CHALLENGE_SECONDS),
    };
    let actor = Actor::Claimed { user_id: user.id };
    let changes = Changes::default();
    let audit = call.audit(organization.id, actor, Action::SessionChallenged, user.id, changes);
    let (challenge, proof, audit) = (&challenge, proof.used(call.now), &audit);
    let step = FirstStep { organization, id, challenge, proof, rehash, audit };
    call.store.begin_challenge(step, &*call.random).await?;
    Ok(LoginAnswer::MfaRequired(PendingSignIn {
        mfa_required: true,
        challenge_id: id,
        methods: ["totp"],
        expires_in: CHALLENGE_SECONDS,
    }))
}

/// The ids of an account that does not exist. They are derived from the address, so that the reads
/// and writes that an unknown address costs are spread over the table as those of known ones are.
fn decoy(email: &str) -> (OrganizationId, UserId) {
    let digest: [u8; 32] = Sha256::digest(email).into();
    let (high, low) = digest.split_at(16);
    let bits = |bytes: &[u8]| bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (OrganizationId::from_bits(bits(high)), UserId::from_bits(bits(low)))
}
