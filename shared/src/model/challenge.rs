//! A sign-in whose password was right, and that waits for the second factor.

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Timestamp, epoch},
    ids::{OrganizationId, UserId},
};

/// For how long a challenge can be answered, in seconds.
pub const CHALLENGE_SECONDS: i64 = 5 * 60;

/// How many codes may be tried at one challenge.
pub const MAX_TRIES: u32 = 5;

/// The challenge's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Challenge {
    /// In which organization.
    pub organization_id: OrganizationId,
    /// Whose password was right.
    pub user_id: UserId,
    /// The user's own count when it was: a password or a second factor that is changed meanwhile
    /// ends the challenge.
    pub credentials_version: u64,
    /// How many codes were wrong.
    pub tries: u32,
    /// When it ends.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

impl Challenge {
    /// Whether a code may be tried.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.tries < MAX_TRIES
    }
}
