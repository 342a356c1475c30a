//! What a sign-in comes to, in one step or in two.

use serde::Serialize;
use shared::{
    auth::{
        admission,
        allowlist::Means,
        permissions::Role,
        proof::{Proof, Subject},
        token::{PlainToken, TokenKind},
    },
    call::Call,
    error::Error,
    http::user_agent::shortened,
    ids::{ChallengeId, OrganizationId, SessionId, UserId},
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        user::{Session, User},
    },
    store::{Lost, Principal, Rehash, SignIn, Surplus},
};
use utoipa::ToSchema;

use crate::list::ShownSession;

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
    /// There, and `true`, where the password is shorter than one has to be without a second factor:
    /// it was chosen while one was on. `POST /api/user/password` is to be asked for next, or a second
    /// factor to be set up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    password_change_required: bool,
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

impl SignedInUser {
    fn new(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
            organization_id: user.organization_id,
            roles: user.roles.clone(),
        }
    }
}

/// Somebody who signs in, and has not proved yet who they are.
pub(crate) fn claimed(
    organization: Option<&Organization>,
    organization_id: OrganizationId,
    user_id: UserId,
    challenge: Option<ChallengeId>,
) -> Subject<'_> {
    Subject {
        organization_id,
        organization,
        user_id,
        actor: Actor::Claimed { user_id },
        refused: Action::SessionRefused,
        wrong_password: || Error::WrongEmailOrPassword,
        wrong_code: || Error::WrongCode,
        challenge,
    }
}

/// Whether a user who has proved who they are may sign in from here.
pub(crate) fn admit(call: &Call, organization: &Organization, user: &User) -> Result<(), Error> {
    let admission = admission::admit(call, organization, Means::Ui)?;
    if organization.require_sso && !user.is(Role::Admin) {
        return Err(Error::SsoRequired);
    }
    admission.note(call, None);
    Ok(())
}

/// Begins a session.
pub(crate) async fn session(
    call: &Call,
    principal: &Principal,
    proof: &Proof,
    challenge: Option<ChallengeId>,
    rehash: Option<Rehash<'_>>,
    password_change_required: bool,
) -> Result<SignedIn, Lost> {
    let Principal { organization, user } = principal;
    let token = PlainToken::generate(TokenKind::Session, organization.id, user.id, &*call.random);
    let id = SessionId::generate(call.now, &*call.random);
    let session = Session {
        hash: token.hash(),
        last_active_at: call.now,
        proved_at: None,
        ip_address: call.address,
        user_agent: call.user_agent.as_deref().map(shortened).filter(|agent| !agent.is_empty()),
    };
    let actor = Actor::Session { user_id: user.id, session_id: id };
    let mut changes = Changes::default();
    if let Some(spend) = &proof.spend {
        changes.push("second_factor", None::<String>, spend.method());
    }
    if password_change_required {
        changes.push("password_change_required", None::<bool>, true);
    }
    let surplus = Surplus::of(user, organization, call.now);
    if !surplus.evicted.is_empty() {
        changes.push("sessions", &surplus.evicted, Vec::<String>::new());
    }
    let audit = call.audit(organization.id, actor, Action::SessionCreated, id, changes);
    let sign_in = SignIn {
        organization,
        user,
        id,
        session: &session,
        surplus: &surplus,
        proof: proof.used(call.now),
        challenge,
        rehash,
        audit: &audit,
    };
    call.store.begin_session(sign_in, &*call.random).await?;
    let policy = organization.session_policy;
    Ok(SignedIn {
        access_token: token.reveal().to_owned(),
        token_type: "Bearer",
        expires_in: i64::from(policy.absolute_timeout_minutes) * 60,
        session: ShownSession::new(id, &session, policy, true),
        user: SignedInUser::new(user),
        password_change_required,
    })
}
