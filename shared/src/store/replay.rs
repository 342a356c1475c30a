//! Records of idempotency keys: what was answered, so that a retry gets the same. The answer is
//! stored encrypted, because it can hold a secret that is shown once.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Store,
    decode::{Item, decode, encode},
    expression::Expression,
    key::{EXPIRES_AT, Key},
};
use crate::{
    auth::token::TokenHash,
    clock::{Timestamp, epoch},
    error::Error,
    ids::{OrganizationId, UserId},
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
    /// The digest of the method, the path and the body of the request.
    pub fingerprint: Digest32,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer, encrypted.
    pub sealed_body: String,
    /// When the record ends, whether TTL has removed it by then or not.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

/// A SHA-256 digest as a binary attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest32(pub [u8; 32]);

crate::binary::serde_as_binary!(Digest32, 32);

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
    pub fn new(fingerprint: [u8; 32], status: u16, sealed_body: String, now: Timestamp) -> Self {
        let expires_at = now.plus_seconds(REPLAY_HOURS * 3600);
        Self { fingerprint: Digest32(fingerprint), status, sealed_body, expires_at }
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
        item.map(|item| decode("replay", item)).transpose()
    }
}

/// A record's item, and the condition that no live record stands in its place.
pub(super) fn item(
    key: Key,
    record: &ReplayRecord,
    now: Timestamp,
) -> Result<(Item, Expression), Error> {
    let condition =
        Expression::default().when_absent_or_below(&[EXPIRES_AT], &(now.as_second() + 1))?;
    Ok((encode(key, record)?, condition))
}
