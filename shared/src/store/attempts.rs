//! Writes to the budgets of failures.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store,
    encode::encode,
    expression::Expression,
    key::{EXPIRES_AT, Key},
    transaction::{Lost, Transaction},
};
use crate::{
    auth::attempts::{Attempts, Budget, KNOWN_DAYS, WINDOW_SECONDS, Which},
    clock::Timestamp,
    error::Error,
    ids::{ChallengeId, OrganizationId, UserId},
    model::{audit::AuditRecord, challenge::MAX_TRIES, organization::Organization},
    random::Random,
};

/// For how many days the record of a refusal at no account is kept.
const STRANGER_DAYS: u32 = 30;

/// A proof that was refused.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The organization, unless the account does not exist.
    pub organization: Option<&'a Organization>,
    /// In which organization.
    pub organization_id: OrganizationId,
    /// Whose.
    pub user_id: UserId,
    /// The sign-in that it was for.
    pub challenge: Option<ChallengeId>,
    /// The budgets as they were read, and whether this is charged to them: they have to be the same
    /// still in either case. `None` where they are spent.
    pub charge: Option<(&'a Attempts, bool)>,
}

impl Store {
    /// Writes that a proof was refused: its audit record, and what it is charged to.
    ///
    /// The record for an account that does not exist has no tenant whose sweep would delete it, so
    /// it ends by itself; but for that a stranger's sign-in writes the same whether the account
    /// exists or not.
    ///
    /// # Errors
    /// `Overtaken` where the budgets are not as they were read; `Condition` where the challenge has
    /// ended.
    pub async fn refuse(
        &self,
        failure: Failure<'_>,
        audit: &AuditRecord,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let Failure { organization, organization_id, user_id, challenge, charge } = failure;
        let mut transaction = self.transaction();
        if let (Some(id), Some((_, true))) = (challenge, charge) {
            let expression =
                Expression::default().increment(&["tries"])?.when_below(&["tries"], &MAX_TRIES)?;
            transaction = transaction.update(Key::challenge(id), expression)?;
        }
        let transaction = if let Some(organization) = organization {
            transaction.audit(organization, audit)?
        } else {
            let mut item = encode(Key::audit(audit.organization_id, now, audit.id), audit)?;
            let ends = now.plus_days(STRANGER_DAYS).as_second();
            item.insert(EXPIRES_AT.to_owned(), AttributeValue::N(ends.to_string()));
            transaction.put_encoded(item, Expression::default())?
        };
        let transaction = match charge {
            Some((attempts, true)) => {
                transaction.charge(organization_id, user_id, attempts, now)?
            }
            Some((attempts, false)) => {
                transaction.admit(organization_id, user_id, attempts, now)?
            }
            None => transaction,
        };
        transaction.commit(random).await
    }
}

impl Transaction<'_> {
    /// Charges a failure, on the condition that the budgets are as they were read.
    fn charge(
        mut self,
        organization: OrganizationId,
        user: UserId,
        attempts: &Attempts,
        now: Timestamp,
    ) -> Result<Self, Error> {
        for which in attempts.charged(now) {
            let budget = attempts.budget(*which);
            let ends = now.plus_seconds(WINDOW_SECONDS);
            let ends = budget.map_or(ends, |budget| ends.max(budget.expires_at));
            let expression = unchanged(budget)?
                .set(&["failures"], &Budget::with_failure(budget, now))?
                .set(&[EXPIRES_AT], &ends.as_second())?;
            let Some(key) = key(organization, user, attempts, *which) else { continue };
            self = self.guard_update(key, expression)?;
        }
        Ok(self)
    }

    /// Requires the budgets to be as they were read.
    pub(super) fn admit(
        mut self,
        organization: OrganizationId,
        user: UserId,
        attempts: &Attempts,
        now: Timestamp,
    ) -> Result<Self, Error> {
        for which in attempts.charged(now) {
            let Some(key) = key(organization, user, attempts, *which) else { continue };
            self = self.guard(key, unchanged(attempts.budget(*which))?)?;
        }
        Ok(self)
    }

    /// The same for a sign-in that has succeeded: the account will know the address.
    pub(super) fn admit_and_remember(
        mut self,
        organization: OrganizationId,
        user: UserId,
        attempts: &Attempts,
        now: Timestamp,
    ) -> Result<Self, Error> {
        if !attempts.is_known(now) {
            self = self.admit(organization, user, attempts, now)?;
        }
        let Some(key) = key(organization, user, attempts, Which::Known) else { return Ok(self) };
        let known = attempts.known.as_ref();
        let mut expression =
            unchanged(known)?.set(&[EXPIRES_AT], &now.plus_days(KNOWN_DAYS).as_second())?;
        if known.is_none() {
            expression = expression.set(&["failures"], &Vec::<i64>::new())?;
        }
        self.guard_update(key, expression)
    }
}

fn key(
    organization: OrganizationId,
    user: UserId,
    attempts: &Attempts,
    which: Which,
) -> Option<Key> {
    let origin = attempts.origin.as_ref();
    match which {
        Which::Account => Some(Key::account_failures(organization, user)),
        Which::Known => origin.map(|origin| Key::known_failures(organization, user, origin)),
        Which::Address => origin.map(Key::address_failures),
    }
}

/// The condition that a budget is as it was read.
fn unchanged(budget: Option<&Budget>) -> Result<Expression, Error> {
    match budget {
        Some(budget) => Expression::default().when_equal(&["failures"], &budget.failures),
        None => Ok(Expression::default().when_absent(&["failures"])),
    }
}
