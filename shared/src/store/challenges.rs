//! Writes to challenges: sign-ins that wait for their second factor.

use super::{
    Store, decode::decode, expression::Expression, key::Key, second_factor::Used, transaction::Lost,
};
use crate::{
    error::Error,
    ids::ChallengeId,
    model::{audit::AuditRecord, challenge::Challenge, organization::Organization},
    random::Random,
};

impl Store {
    /// Begins a challenge, on the condition that the budgets of failures are as they were read: that
    /// there is one tells that the password was right.
    ///
    /// # Errors
    /// `Overtaken` where they are not.
    pub async fn begin_challenge(
        &self,
        organization: &Organization,
        id: ChallengeId,
        challenge: &Challenge,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        self.transaction()
            .put(Key::challenge(id), challenge, Expression::new_item())?
            .audit(organization, audit)?
            .used(organization.id, challenge.user_id, proof)?
            .commit(random)
            .await
    }

    /// Reads a challenge.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the item does not decode.
    pub async fn read_challenge(&self, id: ChallengeId) -> Result<Option<Challenge>, Error> {
        let item = self.get(Key::challenge(id)).await?;
        item.map(|item| decode("challenge", item)).transpose()
    }
}
