//! Reads. All that decides access is one strongly consistent call.

use serde::{Deserialize, Serialize};

use super::{
    ReplayKey, ReplayRecord, Store, allowlist::evaluations, item::Item, key::Key, organizations,
    preferences::preferences,
};
use crate::{
    auth::attempts::{Attempts, Budget, Origin},
    error::Error,
    ids::{OrganizationId, UserId},
    model::{
        allowlist::Evaluations,
        organization::Organization,
        preferences::{PreferenceKey, Preferences},
        second_factor::SecondFactor,
        user::User,
    },
};

/// Whose request it is: the two items that decide access.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The tenant.
    pub organization: Organization,
    /// The user.
    pub user: User,
}

/// What a request wants to read along with its [`Principal`], at no further call.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one item that is read along, or not")]
pub struct Wanted<'a> {
    /// The user's password hash.
    pub password: bool,
    /// The user's second factor.
    pub factor: bool,
    /// The budgets of failures.
    pub attempts: bool,
    /// From where the request comes, for the budgets.
    pub origin: Option<Origin>,
    /// The record of an idempotency key.
    pub replay: Option<&'a ReplayKey>,
    /// The user's preferences.
    pub preferences: WantedPreferences<'a>,
    /// What the allowlist has come to.
    pub evaluations: bool,
}

/// What a request wants to read of a user's preferences.
#[derive(Debug, Clone, Copy, Default)]
pub enum WantedPreferences<'a> {
    /// Nothing.
    #[default]
    None,
    /// Their index.
    Index,
    /// Their index, and the value of this one, where that is large.
    One(&'a PreferenceKey),
}

impl<'a> WantedPreferences<'a> {
    const fn index(self) -> bool {
        !matches!(self, Self::None)
    }

    const fn one(self) -> Option<&'a PreferenceKey> {
        match self {
            Self::One(key) => Some(key),
            Self::None | Self::Index => None,
        }
    }
}

/// What a proof of who somebody is is checked against, as far as it was wanted.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The user's password hash, as a PHC string.
    pub password_hash: Option<String>,
    /// The user's second factor.
    pub factor: Option<SecondFactor>,
    /// The budgets of failures.
    pub attempts: Attempts,
}

/// What was read.
#[derive(Debug)]
pub struct PrincipalRead {
    /// The organization and the user, where both are there.
    pub principal: Option<Principal>,
    /// What a proof is checked against.
    pub evidence: Evidence,
    /// What was answered to the idempotency key before.
    pub replay: Option<ReplayRecord>,
    /// The user's preferences.
    pub preferences: Preferences,
    /// What the allowlist has come to.
    pub evaluations: Evaluations,
}

/// Where an e-mail address leads.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) organization_id: OrganizationId,
    pub(super) user_id: UserId,
}

/// A password's item.
#[derive(Serialize, Deserialize)]
pub(super) struct Password {
    pub(super) hash: String,
}

impl Store {
    /// Reads everything that decides whether a user's request is let in, in one strongly
    /// consistent call.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where an item does not decode.
    pub async fn read_principal(
        &self,
        organization: OrganizationId,
        user: UserId,
        wanted: &Wanted<'_>,
    ) -> Result<PrincipalRead, Error> {
        let origin = wanted.origin.as_ref().filter(|_| wanted.attempts);
        let preference = wanted.preferences.one();
        let keys = [
            Some(Key::organization(organization)),
            Some(Key::user(organization, user)),
            wanted.password.then(|| Key::password(organization, user)),
            wanted.factor.then(|| Key::second_factor(organization, user)),
            wanted.attempts.then(|| Key::account_failures(organization, user)),
            origin.map(|origin| Key::known_failures(organization, user, origin)),
            origin.map(Key::address_failures),
            wanted.replay.map(|replay| replay.key(organization, user)),
            wanted.preferences.index().then(|| Key::preferences(organization, user)),
            preference.map(|key| Key::large_value(organization, user, key)),
            wanted.evaluations.then(|| Key::evaluations(organization)),
        ];
        let [org, user, password, factor, account, known, address, replay, index, value, noted] =
            self.batch_get(keys).await?;
        let principal = match (org, user) {
            (Some(org), Some(user)) => Some(Principal {
                organization: organizations::decode(&org)?,
                user: user.decode("user")?,
            }),
            _ => None,
        };
        let password = password.map(|item| item.decode::<Password>("password")).transpose()?;
        // The password of a disabled user proves nothing, and is tried like that of nobody.
        let disabled = principal.as_ref().is_some_and(|principal| principal.user.disabled);
        let password = password.filter(|_| !disabled);
        Ok(PrincipalRead {
            principal,
            evidence: Evidence {
                password_hash: password.map(|password| password.hash),
                factor: factor.map(|item| item.decode("second factor")).transpose()?,
                attempts: Attempts {
                    origin: wanted.origin.clone(),
                    account: budget(account)?,
                    known: budget(known)?,
                    address: budget(address)?,
                },
            },
            replay: replay.map(|item| item.decode("replay")).transpose()?,
            preferences: preferences(index, preference.cloned().zip(value))?,
            evaluations: evaluations(noted)?,
        })
    }

    /// Finds whose an e-mail address is.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where an item does not decode.
    pub async fn find_email(
        &self,
        address: &str,
    ) -> Result<Option<(OrganizationId, UserId)>, Error> {
        let item = self.get(Key::email(address)).await?;
        let address = item.map(|item| item.decode::<Address>("e-mail")).transpose()?;
        Ok(address.map(|address| (address.organization_id, address.user_id)))
    }
}

fn budget(item: Option<Item>) -> Result<Option<Budget>, Error> {
    item.map(|item| item.decode("budget of failures")).transpose()
}
