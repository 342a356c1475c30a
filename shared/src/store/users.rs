//! Writes to users.

use std::collections::BTreeMap;

use super::{
    Store,
    expression::Expression,
    key::{Key, PARTITION},
    read::{Address, Password},
    second_factor::Used,
    transaction::{Lost, Transaction},
};
use crate::{
    auth::permissions::Role,
    error::Error,
    ids::SessionId,
    model::{
        audit::AuditRecord,
        organization::Organization,
        preferences::Index,
        user::{Session, User},
    },
    random::Random,
};

/// A changed profile.
#[derive(Debug)]
pub struct ProfileUpdate<'a> {
    /// The user with the new profile, and the version that was read.
    pub user: &'a User,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

/// A changed password.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    /// The hash of the new one.
    pub hash: &'a str,
    /// The session that stays.
    pub keep: SessionId,
    /// What it was proved by.
    pub proof: Used<'a>,
}

impl Store {
    /// Adds a user, on the condition that the e-mail address is free.
    ///
    /// # Errors
    /// `Condition(0)` where the address is taken.
    pub async fn create_user(
        &self,
        organization: &Organization,
        user: &User,
        password_hash: &str,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        add_user(self.transaction(), user, password_hash)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Writes a changed profile, on the condition that it is still of the version that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn update_profile(
        &self,
        organization: &Organization,
        update: ProfileUpdate<'_>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let user = update.user;
        let expression = Expression::default()
            .set(&["display_name"], &user.display_name)?
            .set(&["timezone"], &user.timezone)?
            .set(&["locale"], &user.locale)?
            .set(&["avatar_url"], &user.avatar_url)?
            .set(&["updated_at"], &user.updated_at.as_second())?
            .set(&["version"], &(user.version + 1))?
            .when_equal(&["version"], &user.version)?;
        self.transaction()
            .update(Key::user(user.organization_id, user.id), expression)?
            .audit(organization, update.audit)?
            .commit(random)
            .await
    }

    /// Replaces the password, and ends every session but the one that it was proved in. The
    /// condition is that no other change of the password came between: a sign-in with the old one
    /// that is under way fails on its own condition.
    ///
    /// # Errors
    /// `Condition(0)` where the password was changed since it was read; `Overtaken` where the budgets
    /// of failures are not as they were.
    pub async fn change_password(
        &self,
        organization: &Organization,
        user: &User,
        change: PasswordChange<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let PasswordChange { hash, keep, proof } = change;
        let key = Key::user(user.organization_id, user.id);
        let proved_at = (!user.mfa_enabled).then_some(proof.now);
        let kept = user
            .sessions
            .get(&keep)
            .map(|kept| Session { proved_at: proved_at.or(kept.proved_at), ..kept.clone() });
        let sessions: BTreeMap<_, _> = kept.map(|kept| (keep.short(), kept)).into_iter().collect();
        let expression = Expression::default()
            .set(&["sessions"], &sessions)?
            .increment(&["credentials_version"])?
            .when_equal(&["credentials_version"], &user.credentials_version)?
            .when_present(&["sessions", &keep.short()]);
        let password = Expression::default().set(&["hash"], &hash)?;
        self.transaction()
            .update(key, expression)?
            .update(Key::password(user.organization_id, user.id), password)?
            .audit(organization, audit)?
            .used(organization.id, user.id, proof)?
            .commit(random)
            .await
    }

    /// Replaces a user's roles, on the condition that they are still those that were read.
    ///
    /// # Errors
    /// `Condition(0)` where they are not.
    pub async fn change_roles(
        &self,
        organization: &Organization,
        user: &User,
        roles: &[Role],
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression =
            Expression::default().set(&["roles"], &roles)?.when_equal(&["roles"], &user.roles)?;
        self.transaction()
            .update(Key::user(user.organization_id, user.id), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Disables a user, which ends their sessions and suspends their keys, or enables them again.
    ///
    /// # Errors
    /// `Condition(0)` where the user is gone.
    pub async fn set_disabled(
        &self,
        organization: &Organization,
        user: &User,
        disabled: bool,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let none = BTreeMap::<String, String>::new();
        let expression = Expression::default()
            .set(&["disabled"], &disabled)?
            .set(&["sessions"], &none)?
            .increment(&["credentials_version"])?
            .when_present(&[PARTITION]);
        self.transaction()
            .update(Key::user(user.organization_id, user.id), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }
}

/// Adds a user, their address, their password and the index of their preferences to a write. Four
/// parts.
pub(super) fn add_user<'a>(
    transaction: Transaction<'a>,
    user: &User,
    password_hash: &str,
) -> Result<Transaction<'a>, Error> {
    let (organization_id, user_id) = (user.organization_id, user.id);
    let address = Address { organization_id, user_id };
    let password = Password { hash: password_hash.to_owned() };
    transaction
        .put(Key::email(&user.email), &address, Expression::new_item())?
        .put(Key::user(organization_id, user_id), user, Expression::new_item())?
        .put(Key::password(organization_id, user_id), &password, Expression::new_item())?
        .put(Key::preferences(organization_id, user_id), &Index::default(), Expression::new_item())
}
