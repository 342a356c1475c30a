//! `POST /api/login`

use deserr::Deserr;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::{
    auth::{
        password::{Password, Verdict},
        permissions::Role,
        token::{PlainToken, TokenKind},
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
    ids::{OrganizationId, SessionId, UserId},
    model::{
        audit::{Action, Actor, Changes},
        user::Session,
    },
    store::{Principal, SignIn, Wanted},
};
use utoipa::ToSchema;

use crate::list::ShownSession;

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

/// A session has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// The session's token, shown this once.
    access_token: String,
    /// How to send it: `Authorization: Bearer …`.
    token_type: &'static str,
    /// Seconds until the session ends whatever happens.
    expires_in: i64,
    /// The session.
    session: ShownSession,
    /// Who has signed in.
    user: SignedInUser,
}

/// Who has signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedInUser {
    /// Who it is.
    id: UserId,
    /// The address to sign in with.
    email: String,
    /// What people call them.
    display_name: String,
    /// Whose user it is.
    organization_id: OrganizationId,
    /// What they may do.
    roles: Vec<Role>,
}

/// Signs in with an e-mail address and a password. The answer to a wrong one, and the work that it
/// takes, are the same whether the address is known or not.
///
/// # Errors
/// 401 `invalid_login`; with the right password 403 `ip_not_allowed` and `sso_required`; 503 where
/// there is no memory left to hash another password.
#[utoipa::path(
    post,
    path = "/api/login",
    operation_id = "login",
    tag = "Sessions",
    request_body = Request,
    responses((status = 200, body = Envelope<SignedIn>), Refusals),
)]
pub async fn handler(
    call: Call,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<SignedIn>, Error> {
    let email = request.email.0.to_lowercase();
    let (organization, user) = match call.store.find_email(&email).await? {
        Some(owner) => owner,
        None => decoy(&email),
    };
    let wanted = Wanted { password: true, ..Wanted::default() };
    let read = call.store.read_principal(organization, user, &wanted).await?;
    let stored = read.password_hash.as_deref();
    let verdict = call.passwords.verify(&request.password, stored).await?;
    let Some(principal) = read.principal else {
        return refuse_stranger(&call, organization, user).await;
    };
    if let Err(refusal) = admit(&call, &principal, &verdict) {
        return refuse(&call, &principal, refusal).await;
    }
    let rehashed = match verdict {
        Verdict::RightButOutdated => {
            Some(call.passwords.hash(&request.password, &*call.random).await?)
        }
        Verdict::Right | Verdict::Wrong => None,
    };
    begin(&call, principal, rehashed.as_deref()).await.map(Data::untagged)
}

/// Whether a user whose password has been tried may sign in. Nothing but a wrong password is told
/// to somebody who does not know it.
fn admit(call: &Call, principal: &Principal, verdict: &Verdict) -> Result<(), Error> {
    let Principal { organization, user } = principal;
    if *verdict == Verdict::Wrong || user.disabled {
        return Err(Error::WrongEmailOrPassword);
    }
    if !organization.allowlist.allows(call.address) {
        return Err(Error::IpNotAllowed);
    }
    if organization.require_sso && !user.is(Role::Admin) {
        return Err(Error::SsoRequired);
    }
    Ok(())
}

async fn begin(
    call: &Call,
    principal: Principal,
    rehashed: Option<&str>,
) -> Result<SignedIn, Error> {
    let Principal { organization, user } = principal;
    let token = PlainToken::generate(TokenKind::Session, organization.id, user.id, &*call.random);
    let id = SessionId::generate(call.now, &*call.random);
    let session = Session {
        hash: token.hash(),
        last_active_at: call.now,
        ip_address: call.address.map(|address| address.to_string()),
        user_agent: call.user_agent.as_deref().map(ToOwned::to_owned),
    };
    let actor = Actor::Session { user_id: user.id, session_id: id };
    let audit = call.audit(organization.id, actor, Action::SessionCreated, id, Changes::default());
    let sign_in = SignIn {
        organization: &organization,
        user: &user,
        id,
        session: &session,
        rehashed,
        audit: &audit,
        now: call.now,
    };
    // A condition that is lost means that the password was changed, or the user disabled, while
    // this sign-in was under way: what was right is wrong now.
    let begun = call.store.begin_session(sign_in, &*call.random).await;
    begun.map_err(|lost| lost.or(Error::WrongEmailOrPassword))?;
    let policy = organization.session_policy;
    Ok(SignedIn {
        access_token: token.reveal().to_owned(),
        token_type: "Bearer",
        expires_in: i64::from(policy.absolute_timeout_minutes) * 60,
        session: ShownSession::new(id, &session, policy, true),
        user: SignedInUser {
            id: user.id,
            email: user.email,
            display_name: user.display_name,
            organization_id: organization.id,
            roles: user.roles,
        },
    })
}

/// Records a refusal in the organization's audit log, and answers with it.
async fn refuse<T>(call: &Call, principal: &Principal, refusal: Error) -> Result<T, Error> {
    let Principal { organization, user } = principal;
    let actor = Actor::Claimed { user_id: user.id };
    let mut audit =
        call.audit(organization.id, actor, Action::SessionRefused, user.id, Changes::default());
    audit.reason = Some(refusal.code());
    match call.store.record(organization, &audit, &*call.random).await {
        Ok(()) => Err(refusal),
        Err(lost) => Err(lost.or(refusal)),
    }
}

/// Does for an unknown address what [`refuse`] does for a known one.
async fn refuse_stranger<T>(
    call: &Call,
    organization: OrganizationId,
    user: UserId,
) -> Result<T, Error> {
    let (refusal, actor) = (Error::WrongEmailOrPassword, Actor::Claimed { user_id: user });
    let mut audit =
        call.audit(organization, actor, Action::SessionRefused, user, Changes::default());
    audit.reason = Some(refusal.code());
    match call.store.record_stranger(&audit, &*call.random).await {
        Ok(()) => Err(refusal),
        Err(lost) => Err(lost.or(refusal)),
    }
}

/// The ids of an account that does not exist. They are derived from the address, so that the reads
/// and writes that an unknown address costs are spread over the table as those of known ones are.
fn decoy(email: &str) -> (OrganizationId, UserId) {
    let digest: [u8; 32] = Sha256::digest(email).into();
    let (high, low) = digest.split_at(16);
    let bits = |bytes: &[u8]| bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (OrganizationId::from_bits(bits(high)), UserId::from_bits(bits(low)))
}
