//! The caller: the only way to a tenant's data.
//!
//! The bearer token's shape and checksum are checked without a read. Then one strongly consistent
//! read of the organization and the user decides everything else, in this order: 401 credential,
//! 403 address, 429 rate, 403 role or scope. Nothing that decides access is kept between requests.

use std::{fmt, marker::PhantomData};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{
    admission,
    allowlist::Means,
    permissions::{Level, Needs, Role, Scope, Scopes},
    rate,
    token::{PresentedToken, TokenKind},
};
use crate::{
    call::Call,
    clock::Timestamp,
    error::Error,
    http::{
        contract::{Contract, Part},
        idempotency::IdempotencyKey,
        path::PathKey,
    },
    ids::{ApiKeyId, SessionId},
    model::{
        allowlist::Evaluations,
        audit::{Action, Actor, AuditRecord, Changes},
        organization::{Organization, SessionPolicy},
        preferences::Preferences,
        user::{Expiries, User},
    },
    store::{Evidence, Principal, ReplayRecord, Wanted, WantedPreferences},
};

/// The legacy spelling of an API key's header.
const LEGACY_HEADER: &str = "x-planasonix-api-key";

/// How old a noted use has to be before another is noted, in seconds.
const TOUCH_SECONDS: i64 = 60;

/// An authenticated, admitted and authorized caller. `L` is what the route asked for.
pub struct Caller<L> {
    /// The request's clock, randomness and table.
    pub call: Call,
    /// The tenant, as it is now.
    pub organization: Organization,
    /// The user, as they are now.
    pub user: User,
    /// What the request was made with.
    pub credential: Credential,
    /// What a proof is checked against, as far as `L` asked for it.
    pub evidence: Evidence,
    /// The request's idempotency key, where `L` asked for it.
    pub idempotency_key: Option<IdempotencyKey>,
    /// What was answered to it before.
    pub replay: Option<ReplayRecord>,
    last_use: Option<Timestamp>,
    /// The user's preferences, where `L` asked for them.
    pub preferences: Preferences,
    /// What the allowlist has come to, where `L` asked for it.
    pub evaluations: Evaluations,
    level: PhantomData<L>,
}

/// What a request was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A signed-in session.
    Session(SessionId),
    /// An API key and what it may be used for.
    ApiKey(ApiKeyId, Scopes),
}

impl Credential {
    pub(crate) const fn to_bits(self) -> u128 {
        match self {
            Self::Session(id) => id.to_bits(),
            Self::ApiKey(id, _) => id.to_bits(),
        }
    }
}

/// The credential's id.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => id.fmt(f),
            Self::ApiKey(id, _) => id.fmt(f),
        }
    }
}

impl<L> Caller<L> {
    /// An audit record of something that this caller did.
    #[must_use]
    pub fn audit(
        &self,
        action: Action,
        target: impl Into<String>,
        changes: Changes,
    ) -> AuditRecord {
        self.call.audit(self.organization.id, self.actor(), action, target, changes)
    }

    /// A prover for what this caller gives as proof in their session.
    #[cfg(feature = "passwords")]
    #[must_use]
    pub fn prover(&self, refused: Action) -> super::proof::Prover<'_>
    where
        L: Level,
    {
        let subject = super::proof::Subject {
            organization_id: self.organization.id,
            organization: Some(&self.organization),
            user_id: self.user.id,
            actor: self.actor(),
            refused,
            wrong_password: || Error::IncorrectPassword,
            wrong_code: || Error::IncorrectCode,
            challenge: None,
        };
        super::proof::Prover::new(
            &self.call,
            subject,
            wanted::<L>(&self.call),
            self.evidence.clone(),
        )
    }

    fn actor(&self) -> Actor {
        let user_id = self.user.id;
        match self.credential {
            Credential::Session(session_id) => Actor::Session { user_id, session_id },
            Credential::ApiKey(api_key_id, _) => Actor::ApiKey { user_id, api_key_id },
        }
    }

    /// The session that the request was made in.
    ///
    /// # Errors
    /// 403 `session_required` for an API key.
    pub fn session_id(&self) -> Result<SessionId, Error> {
        match self.credential {
            Credential::Session(id) => Ok(id),
            Credential::ApiKey(..) => Err(Error::SessionRequired),
        }
    }

    /// Checks that the user of a session has proved lately who they are: for a change that needs it
    /// only with some values. An API key is its own proof, and passes.
    ///
    /// # Errors
    /// 403 `reauthentication_required`.
    pub fn ensure_fresh(&self) -> Result<(), Error> {
        ensure_fresh(&self.user, self.credential, self.call.now)
    }

    /// Lets the answer tell when the session ends under a policy that this request has set.
    pub fn session_lives_by(&self, policy: SessionPolicy) {
        tell_expiries(&self.call, self.credential, self.last_use, policy);
    }

    /// Lets the answer tell nothing of the session: this request has ended it.
    pub fn session_is_over(&self) {
        self.call.tell_expiries(None);
    }
}

impl<L: Level, S: Send + Sync> FromRequestParts<S> for Caller<L> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let call = Call::of(&parts.extensions)?;
        let token = present(&parts.headers)?;
        let idempotency_key =
            if L::WITH_REPLAY { IdempotencyKey::of(&parts.headers, &token)? } else { None };
        let replay = idempotency_key.as_ref().map(IdempotencyKey::record);
        let PathKey(key) =
            if L::WITH_PREFERENCES { PathKey::find(parts, state).await } else { PathKey(None) };
        let preferences = match &key {
            Some(key) => WantedPreferences::One(key),
            None if L::WITH_PREFERENCES => WantedPreferences::Index,
            None => WantedPreferences::None,
        };
        let wanted = Wanted { replay, preferences, ..wanted::<L>(&call) };
        let read = call.store.read_principal(token.organization_id, token.user_id, &wanted).await?;
        let principal = read.principal.ok_or(Error::InvalidCredential)?;
        let (credential, last_use) = authenticate(&principal, &token, call.now)?;
        call.identify(principal.organization.id, credential);
        let policy = principal.organization.session_policy;
        // For the refusals that follow: their use of the session is not noted.
        tell_expiries(&call, credential, last_use, policy);
        let admission = admission::admit(&call, &principal.organization, Means::of(credential))?;
        // After the address: a stranger who has got hold of the token must not use up its requests.
        rate::count(&call, &principal.organization, credential)?;
        authorize(L::NEEDS, &principal.user, credential)?;
        if L::FRESH {
            ensure_fresh(&principal.user, credential, call.now)?;
        }
        admission.note(&call, Some(credential));
        let last_use = touch(&call, &principal, credential, last_use);
        tell_expiries(&call, credential, last_use, policy);
        Ok(Self {
            call,
            organization: principal.organization,
            user: principal.user,
            credential,
            evidence: read.evidence,
            idempotency_key,
            replay: read.replay,
            last_use,
            preferences: read.preferences,
            evaluations: read.evaluations,
            level: PhantomData,
        })
    }
}

impl<L: Level> Part for Caller<L> {
    fn tell(contract: &mut Contract) {
        contract.admits::<L>();
    }
}

/// What the route wants to be read along with the principal.
fn wanted<L: Level>(call: &Call) -> Wanted<'static> {
    Wanted {
        password: L::WITH_PASSWORD,
        factor: L::WITH_FACTOR,
        attempts: L::WITH_ATTEMPTS,
        origin: if L::WITH_ATTEMPTS { call.origin() } else { None },
        evaluations: L::WITH_EVALUATIONS,
        replay: None,
        preferences: WantedPreferences::None,
    }
}

/// Reads the credential's header.
fn present(headers: &HeaderMap) -> Result<PresentedToken, Error> {
    let mut found = None;
    for value in headers.get_all(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Error::InvalidCredential)?;
        // RFC 9110, 11.1: the scheme's case does not matter.
        let (scheme, token) = text.split_once(' ').ok_or(Error::InvalidCredential)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Error::InvalidCredential);
        }
        claim(&mut found, token.trim_matches(' '))?;
    }
    for value in headers.get_all(LEGACY_HEADER) {
        let token = value.to_str().map_err(|_| Error::InvalidCredential)?;
        // The legacy header carries API keys, and never carried sessions.
        if PresentedToken::parse(token).is_some_and(|token| token.kind == TokenKind::Session) {
            return Err(Error::InvalidCredential);
        }
        claim(&mut found, token)?;
    }
    let token = found.ok_or(Error::MissingCredential)?;
    PresentedToken::parse(token).ok_or(Error::InvalidCredential)
}

/// Two different credentials in one request are refused: which of them counts must not depend on
/// who reads the headers.
fn claim<'a>(found: &mut Option<&'a str>, token: &'a str) -> Result<(), Error> {
    match found.replace(token) {
        Some(other) if other != token => Err(Error::InvalidCredential),
        _ => Ok(()),
    }
}

/// Finds the credential that the token's hash is of, and when its use was last noted.
fn authenticate(
    principal: &Principal,
    token: &PresentedToken,
    now: Timestamp,
) -> Result<(Credential, Option<Timestamp>), Error> {
    let Principal { organization, user } = principal;
    if user.disabled || user.organization_id != organization.id {
        return Err(Error::InvalidCredential);
    }
    match token.kind {
        TokenKind::ApiKey => {
            let (id, key) = user
                .api_keys
                .iter()
                .find(|(_, key)| key.accepts(token.hash, now))
                .ok_or(Error::InvalidCredential)?;
            if key.has_expired(now) {
                return Err(Error::ApiKeyExpired);
            }
            Ok((Credential::ApiKey(*id, key.scopes), key.last_used_at))
        }
        TokenKind::Session => {
            let (id, session) = user
                .sessions
                .iter()
                .find(|(_, session)| session.hash == token.hash)
                .ok_or(Error::InvalidCredential)?;
            session.check(*id, organization.session_policy, now)?;
            Ok((Credential::Session(*id), Some(session.last_active_at)))
        }
    }
}

/// Checks what the route needs against the user's roles, and the key's scopes.
fn authorize(needs: Needs, user: &User, credential: Credential) -> Result<(), Error> {
    let scope = match (needs, credential) {
        (Needs::Session, Credential::Session(_)) => return Ok(()),
        (Needs::Session, Credential::ApiKey(..)) => return Err(Error::SessionRequired),
        (Needs::Scope(scope), _) => scope,
    };
    if let Credential::ApiKey(_, scopes) = credential
        && !scopes.effective().contains(scope)
    {
        let detail = format!("The API key's scopes do not contain `{scope}`.");
        return Err(Error::InsufficientScope(detail.into()));
    }
    if Role::scopes_of(&user.roles).contains(scope) { Ok(()) } else { Err(role_required(scope)) }
}

/// Checks that a session's last proof is a recent one.
fn ensure_fresh(user: &User, credential: Credential, now: Timestamp) -> Result<(), Error> {
    let Credential::Session(id) = credential else { return Ok(()) };
    let session = user.sessions.get(&id);
    if session.is_some_and(|session| session.is_freshly_proved(id, now)) {
        Ok(())
    } else {
        Err(Error::ReauthenticationRequired)
    }
}

/// The refusal of a user whose roles do not grant `scope`.
#[must_use]
pub fn role_required(scope: Scope) -> Error {
    Error::RoleRequired(format!("Your roles do not grant `{scope}`.").into())
}

/// Lets the answer to a session tell when it ends.
fn tell_expiries(
    call: &Call,
    credential: Credential,
    last_use: Option<Timestamp>,
    policy: SessionPolicy,
) {
    if let (Credential::Session(id), Some(last_active_at)) = (credential, last_use) {
        call.tell_expiries(Some(Expiries::new(id, last_active_at, policy)));
    }
}

/// Notes the credential's use, at most once a minute, beside the handler's own work: no answer
/// waits for it, and its failure fails nothing. Answers with the last use as it then counts; where
/// the note fails, it counts as before, and the next answer tells so.
fn touch(
    call: &Call,
    principal: &Principal,
    credential: Credential,
    last: Option<Timestamp>,
) -> Option<Timestamp> {
    let now = call.now;
    if last.is_some_and(|last| now.seconds_since(last) < TOUCH_SECONDS) {
        return last;
    }
    let extends = principal.organization.session_policy.extend_on_activity;
    if matches!(credential, Credential::Session(_)) && !extends {
        return last;
    }
    let (organization, user) = (principal.organization.id, principal.user.id);
    let store = call.background_store();
    call.background.spawn(async move {
        let result = match (credential, last) {
            (Credential::Session(id), Some(last)) => {
                store.touch_session(organization, user, id, last, now).await
            }
            (Credential::Session(_), None) => Ok(()),
            (Credential::ApiKey(id, _), last) => {
                store.touch_api_key(organization, user, id, last, now).await
            }
        };
        if let Err(error) = result {
            tracing::warn!(cause = %error, "a credential's use was not noted");
        }
    });
    Some(now)
}
