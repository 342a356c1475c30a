//! Writes to challenges: sign-ins that wait for their second factor.

use super::{
    Store, decode::decode, expression::Expression, key::Key, second_factor::Used, sessions::Rehash,
    transaction::Lost,
};
use crate::{
    error::Error,
    ids::ChallengeId,
    model::{audit::AuditRecord, challenge::Challenge, organization::Organization},
    random::Random,
};

/// A challenge that begins.
#[derive(Debug)]
pub struct NewChallenge<'a> {
    /// Its id.
    pub id: ChallengeId,
    /// Whose it is, and until when.
    pub challenge: &'a Challenge,
}

impl Store {
    /// Begins a challenge, on the condition that the budgets of failures are as they were read: that
    /// there is one tells that the password was right. A hash of it with the present parameters is
    /// stored, where the one that is there has older ones.
    ///
    /// # Errors
    /// `Overtaken` where they are not; `Condition` where the password was changed.
    pub async fn begin_challenge(
        &self,
        organization: &Organization,
        new: NewChallenge<'_>,
        rehash: Option<Rehash<'_>>,
        proof: Used<'_>,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let NewChallenge { id, challenge } = new;
        self.transaction()
            .put(Key::challenge(id), challenge, Expression::new_item())?
            .rehash(organization.id, challenge.user_id, rehash)?
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
