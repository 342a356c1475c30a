//! Records of idempotency keys: what was answered, so that a retry gets the same. The answer is
//! stored encrypted, because it can hold a secret that is shown once; so is the request's digest,
//! because the request can hold a password.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Store,
    encode::{Attributes, encode},
    expression::Expression,
    key::{EXPIRES_AT, Key},
    transaction::Lost,
};
use crate::{
    auth::token::TokenHash,
    clock::{Timestamp, epoch},
    error::Error,
    ids::{OrganizationId, UserId},
    random::Random,
};

/// How long an answer is replayed, in hours.
const REPLAY_HOURS: i64 = 24;

/// The digest of an `Idempotency-Key` and of the credential that it came with. The key itself is not
/// stored: it may be anything, and it opens the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayKey(String);

/// What was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// The status of the answer.
    pub status: u16,
    /// The digest of the path and the body of the request, and after it the body of the answer,
    /// encrypted.
    pub sealed: String,
    /// When the record ends, whether TTL has removed it by then or not.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

impl ReplayKey {
    /// The digest of a header's value that came with a token of that hash.
    #[must_use]
    pub fn of(token: TokenHash, value: &str) -> Self {
        let digest = Sha256::new().chain_update(token.as_bytes()).chain_update(value).finalize();
        Self(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest))
    }

    pub(super) fn key(&self, organization: OrganizationId, user: UserId) -> Key {
        Key::replay(organization, user, &self.0)
    }

    /// What the encrypted answer is bound to: a record that is copied elsewhere does not open.
    #[must_use]
    pub fn associated_data(&self, organization: OrganizationId, user: UserId) -> Vec<u8> {
        self.key(organization, user).as_associated_data()
    }
}

impl ReplayRecord {
    /// The record of an answer that is given now.
    #[must_use]
    pub const fn new(status: u16, sealed: String, now: Timestamp) -> Self {
        Self { status, sealed, expires_at: now.plus_seconds(REPLAY_HOURS * 3600) }
    }
}

impl Store {
    /// Reads a record, for a request that lost a race for its key.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the item does not decode.
    pub async fn read_replay(
        &self,
        organization: OrganizationId,
        user: UserId,
        key: &ReplayKey,
    ) -> Result<Option<ReplayRecord>, Error> {
        let item = self.get(key.key(organization, user)).await?;
        item.map(|item| item.decode("replay")).transpose()
    }

    /// Writes a record alone, for an answer that changes nothing.
    ///
    /// # Errors
    /// `Condition(0)` where the key has been used.
    pub async fn record_replay(
        &self,
        organization: OrganizationId,
        user: UserId,
        (key, record): (&ReplayKey, &ReplayRecord),
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let (item, condition) = item(key.key(organization, user), record, now)?;
        self.transaction().put_encoded(item, condition)?.commit(random).await
    }
}

/// A record's item, and the condition that no live record stands in its place.
pub(super) fn item(
    key: Key,
    record: &ReplayRecord,
    now: Timestamp,
) -> Result<(Attributes, Expression), Error> {
    let condition =
        Expression::default().when_absent_or_below(&[EXPIRES_AT], &(now.as_second() + 1))?;
    Ok((encode(key, record)?, condition))
}
