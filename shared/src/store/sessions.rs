//! Writes to sessions.

use super::{
    Store,
    expression::Expression,
    key::Key,
    second_factor::Used,
    transaction::{Lost, Transaction},
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{ChallengeId, OrganizationId, SessionId, UserId},
    model::{
        audit::AuditRecord,
        challenge::MAX_TRIES,
        organization::Organization,
        packed::{FACTS, LAST_USE},
        user::{MAX_SESSIONS, Session, User},
    },
    random::Random,
};

/// A password's hash with parameters of old, and the one with the present ones.
#[derive(Debug, Clone, Copy)]
pub struct Rehash<'a> {
    /// The stored one.
    pub before: &'a str,
    /// The new one.
    pub after: &'a str,
}

/// A sign-in that has been found right.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// The organization, as read.
    pub organization: &'a Organization,
    /// The user, as read.
    pub user: &'a User,
    /// The new session's id.
    pub id: SessionId,
    /// The new session.
    pub session: &'a Session,
    /// The sessions that end by its beginning.
    pub surplus: &'a Surplus,
    /// What it was proved by.
    pub proof: Used<'a>,
    /// The challenge that it answers.
    pub challenge: Option<ChallengeId>,
    /// The password's new hash, where the stored one has parameters of old.
    pub rehash: Option<Rehash<'a>>,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

/// The sessions to remove when another begins.
#[derive(Debug, Default)]
pub struct Surplus {
    /// Those that have ended by the policy.
    over: Vec<SessionId>,
    /// Those that could still be used, and were idle longest: there would be too many.
    pub evicted: Vec<SessionId>,
}

impl Surplus {
    /// Those of a user, as read.
    #[must_use]
    pub fn of(user: &User, organization: &Organization, now: Timestamp) -> Self {
        let (mut live, mut over) = (Vec::new(), Vec::new());
        for (id, session) in &user.sessions {
            match session.check(*id, organization.session_policy, now) {
                Ok(()) => live.push((session.last_active_at, *id)),
                Err(_) => over.push(*id),
            }
        }
        live.sort_unstable();
        let many = (live.len() + 1).saturating_sub(MAX_SESSIONS);
        Self { over, evicted: live.into_iter().take(many).map(|(_, id)| id).collect() }
    }
}

impl Store {
    /// Begins a session, and removes those that have ended by themselves. The condition is that
    /// neither the password nor the user's standing has changed since they were read.
    ///
    /// # Errors
    /// `Condition(0)` where one has; another `Condition` where the challenge has ended; `Overtaken`
    /// where the code or the budgets of failures are not as they were read.
    pub async fn begin_session(
        &self,
        sign_in: SignIn<'_>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let SignIn { organization, user, id, session, surplus, proof, challenge, rehash, audit } =
            sign_in;
        let (key, text) = (Key::user(user.organization_id, user.id), id.short());
        let mut expression = Expression::default()
            .set(&["sessions", &text], session)?
            .when_equal(&["credentials_version"], &user.credentials_version)?
            .when_equal(&["disabled"], &false)?;
        for ended in surplus.over.iter().chain(&surplus.evicted) {
            expression = expression.remove(&["sessions", &ended.short()]);
        }
        let mut transaction = self.transaction().update(key, expression)?.rehash(
            user.organization_id,
            user.id,
            rehash,
        )?;
        if let Some(id) = challenge {
            let open = Expression::default().when_below(&["tries"], &MAX_TRIES)?;
            transaction = transaction.delete(Key::challenge(id), open)?;
        }
        transaction
            .audit(organization, audit)?
            .used_to_sign_in(user.organization_id, user.id, proof)?
            .commit(random)
            .await
    }

    /// Notes that the user has proved again who they are, on the condition that the session has not
    /// been ended.
    ///
    /// # Errors
    /// `Condition(0)` where it has; `Overtaken` where the code or the budgets of failures are not as
    /// they were read.
    pub async fn reprove_session(
        &self,
        organization: &Organization,
        user: &User,
        session: SessionId,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let Some(before) = user.sessions.get(&session) else { return Err(Lost::Condition(0)) };
        let after = Session { proved_at: Some(proof.now), ..before.clone() };
        let path = session.short();
        let expression = Expression::default()
            .set(&["sessions", &path, FACTS], &after.facts())?
            .when_present(&["sessions", &path])
            .when_equal(&["credentials_version"], &user.credentials_version)?;
        self.transaction()
            .update(Key::user(organization.id, user.id), expression)?
            .audit(organization, audit)?
            .used(organization.id, user.id, proof)?
            .commit(random)
            .await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// `Condition(0)` where it has been ended before.
    pub async fn end_session(
        &self,
        organization: &Organization,
        user: UserId,
        session: SessionId,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let path = session.short();
        let expression =
            Expression::default().remove(&["sessions", &path]).when_present(&["sessions", &path]);
        self.transaction()
            .update(Key::user(organization.id, user), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Ends every session but one. A sign-in that is under way is not stopped.
    ///
    /// # Errors
    /// `Condition(0)` where the one has itself been ended.
    pub async fn end_other_sessions(
        &self,
        organization: &Organization,
        user: &User,
        keep: SessionId,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let kept: std::collections::BTreeMap<_, _> =
            user.sessions.get(&keep).map(|kept| (keep.short(), kept)).into_iter().collect();
        let expression = Expression::default()
            .set(&["sessions"], &kept)?
            .when_present(&["sessions", &keep.short()]);
        self.transaction()
            .update(Key::user(organization.id, user.id), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Notes that a session was used. The condition lets one of several instances do it, and
    /// never brings back a session that has been ended.
    ///
    /// # Errors
    /// Those of the table; a condition that did not hold is not one.
    pub async fn touch_session(
        &self,
        organization: OrganizationId,
        user: UserId,
        session: SessionId,
        last_active_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let path = session.short();
        let path = ["sessions", path.as_str(), LAST_USE];
        let expression = Expression::default()
            .set(&path, &now.as_second())?
            .when_equal(&path, &last_active_at.as_second())?;
        self.touch(Key::user(organization, user), expression).await.map(drop)
    }
}

impl Transaction<'_> {
    /// Replaces a password's hash by one with the present parameters, on the condition that it is
    /// still the one that was read: an old password must not come back.
    pub(super) fn rehash(
        self,
        organization: OrganizationId,
        user: UserId,
        rehash: Option<Rehash<'_>>,
    ) -> Result<Self, Error> {
        let Some(Rehash { before, after }) = rehash else { return Ok(self) };
        let expression =
            Expression::default().set(&["hash"], &after)?.when_equal(&["hash"], &before)?;
        self.guard_update(Key::password(organization, user), expression)
    }
}
