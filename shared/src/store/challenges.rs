//! Writes to challenges: sign-ins that wait for their second factor.

use super::{
    Store, expression::Expression, key::Key, second_factor::Used, sessions::Rehash,
    transaction::Lost,
};
use crate::{
    error::Error,
    ids::ChallengeId,
    model::{audit::AuditRecord, challenge::Challenge, organization::Organization},
    random::Random,
};

/// A sign-in whose password has been found right.
#[derive(Debug)]
pub struct FirstStep<'a> {
    /// The organization, as read.
    pub organization: &'a Organization,
    /// The challenge's id.
    pub id: ChallengeId,
    /// The challenge.
    pub challenge: &'a Challenge,
    /// What it was proved by.
    pub proof: Used<'a>,
    /// The password's new hash, where the stored one has parameters of old.
    pub rehash: Option<Rehash<'a>>,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

impl Store {
    /// Begins a challenge, on the condition that the budgets of failures are as they were read: that
    /// there is one tells that the password was right. A hash of it with the present parameters is
    /// stored, where the one that is there has older ones.
    ///
    /// # Errors
    /// `Overtaken` where they are not, or the hash to be replaced is not.
    pub async fn begin_challenge(
        &self,
        step: FirstStep<'_>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let FirstStep { organization, id, challenge, proof, rehash, audit } = step;
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
        item.map(|item| item.decode("challenge")).transpose()
    }
}
