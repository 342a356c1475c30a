//! Writes to users.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store,
    decode::encode,
    expression::Expression,
    key::{Key, PARTITION},
    read::{Address, Password},
    transaction::{Lost, Transaction},
};
use crate::{
    auth::permissions::Role,
    error::Error,
    ids::SessionId,
    model::{audit::AuditRecord, organization::Organization, preferences::Index, user::User},
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

    /// Replaces the password, and ends every session but one. The condition is that no other
    /// change of the password came between: a sign-in with the old one that is under way fails on
    /// its own condition.
    ///
    /// # Errors
    /// `Condition(0)` where the password was changed since it was read.
    pub async fn change_password(
        &self,
        organization: &Organization,
        user: &User,
        password_hash: &str,
        keep: SessionId,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let key = Key::user(user.organization_id, user.id);
        let kept = user.sessions.get_key_value(&keep).into_iter();
        let sessions: std::collections::BTreeMap<_, _> = kept.collect();
        let expression = Expression::default()
            .set(&["sessions"], &sessions)?
            .increment(&["credentials_version"])?
            .when_equal(&["credentials_version"], &user.credentials_version)?
            .when_present(&["sessions", &keep.to_string()]);
        let password = Expression::default().set(&["hash"], &password_hash)?;
        self.transaction()
            .update(key, expression)?
            .update(Key::password(user.organization_id, user.id), password)?
            .audit(organization, audit)?
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
        let none = std::collections::BTreeMap::<String, String>::new();
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

    /// Writes an audit record of something that was refused, and so changed nothing.
    ///
    /// # Errors
    /// 503 where the table cannot.
    pub async fn record(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        self.transaction().audit(organization, audit)?.commit(random).await
    }

    /// Writes an audit record for an account that does not exist, so that a stranger's sign-in
    /// costs the same calls whether it does or not. It has no tenant whose sweep would delete it,
    /// so it ends by itself.
    ///
    /// # Errors
    /// 503 where the table cannot.
    pub async fn record_stranger(
        &self,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let key = Key::audit(audit.organization_id, audit.occurred_at, audit.id);
        let mut item = encode(key, audit)?;
        let ends = audit.occurred_at.plus_days(30).as_second();
        item.insert(super::key::EXPIRES_AT.to_owned(), AttributeValue::N(ends.to_string()));
        self.transaction().put_encoded(item, Expression::default())?.commit(random).await
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
