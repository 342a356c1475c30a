//! Writes to second factors.

use std::collections::BTreeMap;

use super::{
    ReplayKey, ReplayRecord, Store,
    api_keys::with_replay,
    expression::Expression,
    key::{Key, PARTITION},
    transaction::{Lost, Transaction},
};
use crate::{
    auth::attempts::Attempts,
    clock::Timestamp,
    error::Error,
    ids::{OrganizationId, UserId},
    model::{
        audit::AuditRecord,
        organization::Organization,
        second_factor::{Enrollment, SecondFactor, Spend},
        user::User,
    },
    random::Random,
};

/// A proof to be used up along with a write.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// The budgets, as they were read.
    pub attempts: &'a Attempts,
    /// What its code uses up.
    pub spend: Option<&'a Spend>,
    /// When.
    pub now: Timestamp,
}

/// A second factor that is turned on.
#[derive(Debug)]
pub struct Activation<'a> {
    /// What was being set up.
    pub enrollment: &'a Enrollment,
    /// The time step of the code that it was completed with: it is used up.
    pub step: u64,
    /// Keyed hashes of the backup codes.
    pub backup_codes: &'a BTreeMap<String, bool>,
    /// What a retry finds.
    pub replay: Option<(ReplayKey, ReplayRecord)>,
}

impl Store {
    /// Begins the setting up of a second factor, in place of one that was begun before, on the
    /// condition that none is on.
    ///
    /// # Errors
    /// `Condition(0)` where one is on; another `Condition` where the idempotency key has been used.
    pub async fn begin_enrollment(
        &self,
        organization: &Organization,
        user: &User,
        enrollment: &Enrollment,
        replay: Option<(ReplayKey, ReplayRecord)>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let factor =
            SecondFactor { enrollment: Some(enrollment.clone()), ..SecondFactor::default() };
        let off = Expression::default().when_absent(&["sealed_seed"]);
        let transaction = self
            .transaction()
            .put(Key::second_factor(organization.id, user.id), &factor, off)?
            .audit(organization, audit)?;
        with_replay(transaction, organization.id, user.id, replay, audit.occurred_at)?
            .commit(random)
            .await
    }

    /// Turns a second factor on. A sign-in without it that is under way fails on its own condition.
    ///
    /// # Errors
    /// `Condition` where the idempotency key has been used, or the user or the enrollment is not as it
    /// was read; `Overtaken` where the budgets of failures are not.
    pub async fn enable_mfa(
        &self,
        organization: &Organization,
        user: &User,
        activation: Activation<'_>,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let Activation { enrollment, step, backup_codes, replay } = activation;
        let factor = Expression::default()
            .set(&["sealed_seed"], &enrollment.sealed_seed)?
            .set(&["last_step"], &step)?
            .set(&["backup_codes"], backup_codes)?
            .remove(&["enrollment"])
            .when_equal(&["enrollment", "id"], &enrollment.id)?;
        with_replay(self.transaction(), organization.id, user.id, replay, proof.now)?
            .update(Key::user(organization.id, user.id), switch(user, true)?)?
            .update(Key::second_factor(organization.id, user.id), factor)?
            .audit(organization, audit)?
            .admit(organization.id, user.id, proof.attempts, proof.now)?
            .commit(random)
            .await
    }

    /// Turns a second factor off.
    ///
    /// # Errors
    /// `Condition` where the user is not as it was read; `Overtaken` where the code or the budgets of
    /// failures are not.
    pub async fn disable_mfa(
        &self,
        organization: &Organization,
        user: &User,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let key = Key::second_factor(organization.id, user.id);
        self.transaction()
            .update(Key::user(organization.id, user.id), switch(user, false)?)?
            .audit(organization, audit)?
            .guard_delete(key, proof.spend.map_or(Ok(Expression::default()), unspent)?)?
            .admit(organization.id, user.id, proof.attempts, proof.now)?
            .commit(random)
            .await
    }

    /// Replaces the backup codes.
    ///
    /// # Errors
    /// `Condition` where the idempotency key has been used; `Overtaken` where the code or the budgets of
    /// failures are not as they were read.
    #[expect(clippy::too_many_arguments, reason = "each is one part of the transaction")]
    pub async fn replace_backup_codes(
        &self,
        organization: &Organization,
        user: &User,
        backup_codes: &BTreeMap<String, bool>,
        replay: Option<(ReplayKey, ReplayRecord)>,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let spend = proof.spend.map_or(Ok(Expression::default()), |spend| match spend {
            Spend::Step { .. } => spent(spend),
            // The new codes take the place of all.
            Spend::BackupCode { .. } => unspent(spend),
        })?;
        let expression = spend.set(&["backup_codes"], backup_codes)?.when_present(&["sealed_seed"]);
        // First: a retry has lost to its own first request, before it has lost the code to it.
        with_replay(self.transaction(), organization.id, user.id, replay, proof.now)?
            .audit(organization, audit)?
            .guard_update(Key::second_factor(organization.id, user.id), expression)?
            .admit(organization.id, user.id, proof.attempts, proof.now)?
            .commit(random)
            .await
    }

    /// Takes a user's second factor away, whatever state it is in, and ends their sessions.
    ///
    /// # Errors
    /// `Condition(0)` where the user is gone.
    pub async fn reset_mfa(
        &self,
        organization: &Organization,
        user: &User,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let none = BTreeMap::<String, String>::new();
        let expression = Expression::default()
            .set(&["mfa_enabled"], &false)?
            .set(&["sessions"], &none)?
            .increment(&["credentials_version"])?
            .when_present(&[PARTITION]);
        self.transaction()
            .update(Key::user(organization.id, user.id), expression)?
            .delete(Key::second_factor(organization.id, user.id), Expression::default())?
            .audit(organization, audit)?
            .commit(random)
            .await
    }
}

impl Transaction<'_> {
    /// Uses a proof up, on the condition that it is still right.
    pub(super) fn used(
        self,
        organization: OrganizationId,
        user: UserId,
        proof: Used<'_>,
    ) -> Result<Self, Error> {
        let transaction = self.spent(organization, user, proof.spend)?;
        transaction.admit(organization, user, proof.attempts, proof.now)
    }

    /// The same for a sign-in, after which the account knows the address.
    pub(super) fn used_to_sign_in(
        self,
        organization: OrganizationId,
        user: UserId,
        proof: Used<'_>,
    ) -> Result<Self, Error> {
        let transaction = self.spent(organization, user, proof.spend)?;
        transaction.admit_and_remember(organization, user, proof.attempts, proof.now)
    }

    fn spent(
        self,
        organization: OrganizationId,
        user: UserId,
        spend: Option<&Spend>,
    ) -> Result<Self, Error> {
        let Some(spend) = spend else { return Ok(self) };
        self.guard_update(Key::second_factor(organization, user), spent(spend)?)
    }
}

/// Turns the user's second factor on or off, on the condition that their credentials are those that
/// were read. A sign-in that is under way fails on its own condition.
fn switch(user: &User, on: bool) -> Result<Expression, Error> {
    Expression::default()
        .set(&["mfa_enabled"], &on)?
        .increment(&["credentials_version"])?
        .when_equal(&["mfa_enabled"], &!on)?
        .when_equal(&["credentials_version"], &user.credentials_version)
}

/// The condition that a code is still good.
fn unspent(spend: &Spend) -> Result<Expression, Error> {
    let expression = Expression::default();
    match spend {
        Spend::Step { step, sealed_seed, .. } => {
            expression.when_below(&["last_step"], step)?.when_equal(&["sealed_seed"], sealed_seed)
        }
        Spend::BackupCode { hash } => Ok(expression.when_present(&["backup_codes", hash])),
    }
}

/// Uses a code up, on the condition that it is still good.
fn spent(spend: &Spend) -> Result<Expression, Error> {
    let expression = unspent(spend)?;
    match spend {
        Spend::Step { step, resealed, .. } => {
            let expression = expression.set(&["last_step"], step)?;
            match resealed {
                Some(seed) => expression.set(&["sealed_seed"], seed),
                None => Ok(expression),
            }
        }
        Spend::BackupCode { hash } => Ok(expression.remove(&["backup_codes", hash])),
    }
}
