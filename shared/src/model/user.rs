//! The user: profile, roles, and every credential that acts for them.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{organization::SessionPolicy, packed::Stored};
use crate::{
    auth::{
        permissions::{Role, Scopes},
        token::{KeyPrefix, TokenHash},
    },
    clock::{Timestamp, epoch},
    error::Error,
    http::etag::ETag,
    ids::{ApiKeyId, OrganizationId, SessionId, UserId, by_short_id},
};

/// How many live API keys a user may have.
pub const MAX_API_KEYS: usize = 50;

/// How many sessions a user may have. A sign-in beyond it ends the one that was idle longest, so
/// that the item, and with it the cost of every request, stays bounded.
pub const MAX_SESSIONS: usize = 20;

/// The user's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The address to sign in with, in lowercase; unique.
    pub email: String,
    /// What people call them.
    pub display_name: String,
    /// An IANA time zone.
    pub timezone: String,
    /// A BCP 47 language tag.
    pub locale: String,
    /// An https address of a picture.
    pub avatar_url: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether every credential of theirs is refused.
    pub disabled: bool,
    /// Whether a sign-in takes a second factor.
    pub mfa_enabled: bool,
    /// Counts the changes of the profile.
    pub version: u64,
    /// Counts the changes after which a sign-in that is under way must not succeed: of the
    /// password, of the second factor, and of being disabled.
    pub credentials_version: u64,
    /// When the profile last changed.
    #[serde(with = "epoch")]
    pub updated_at: Timestamp,
    /// Their API keys.
    #[serde(with = "by_short_id")]
    pub api_keys: BTreeMap<ApiKeyId, ApiKey>,
    /// Their sessions.
    #[serde(with = "by_short_id")]
    pub sessions: BTreeMap<SessionId, Session>,
}

/// One API key. Its id tells when it was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct ApiKey {
    /// What its owner calls it.
    pub name: String,
    /// The hash of its secret.
    pub hash: TokenHash,
    /// How its secret begins.
    pub prefix: KeyPrefix,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When its secret was last replaced.
    pub rotated_at: Option<Timestamp>,
    /// The secret before, while it may still be used.
    pub previous: Option<PreviousSecret>,
    /// Counts the changes.
    pub version: u64,
}

/// A replaced secret in its overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The hash of the secret.
    pub hash: TokenHash,
    /// When it ends.
    pub valid_until: Timestamp,
}

/// One signed-in session. Its id tells when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Session {
    /// The hash of its token.
    pub hash: TokenHash,
    /// When it was last used, to the minute; uses that do not extend it are not noted.
    pub last_active_at: Timestamp,
    /// When its user last proved who they are, where that was after it began.
    pub proved_at: Option<Timestamp>,
    /// From where it began.
    pub ip_address: Option<IpAddr>,
    /// What the program that began it called itself, shortened.
    pub user_agent: Option<String>,
}

impl User {
    /// Whether the user has a role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The entity tag of the profile.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }

    /// The API keys that have not expired, newest first.
    pub fn live_api_keys(&self, now: Timestamp) -> impl Iterator<Item = (ApiKeyId, &ApiKey)> {
        let keys = self.api_keys.iter().rev().map(|(id, key)| (*id, key));
        keys.filter(move |(_, key)| !key.has_expired(now))
    }

    /// An API key that has not expired.
    ///
    /// # Errors
    /// 404.
    pub fn live_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<&ApiKey, Error> {
        self.api_keys.get(&id).filter(|key| !key.has_expired(now)).ok_or(Error::NotFound)
    }

    /// The sessions that have not ended by `policy`, newest first.
    pub fn live_sessions(
        &self,
        policy: SessionPolicy,
        now: Timestamp,
    ) -> impl Iterator<Item = (SessionId, &Session)> {
        let sessions = self.sessions.iter().rev().map(|(id, session)| (*id, session));
        sessions.filter(move |(id, session)| session.check(*id, policy, now).is_ok())
    }
}

impl ApiKey {
    /// Whether its time is over: it ends in the very second that was promised.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    /// Whether `hash` is of its secret, or of the one before while that may still be used.
    #[must_use]
    pub fn accepts(&self, hash: TokenHash, now: Timestamp) -> bool {
        let overlaps =
            |previous: &PreviousSecret| previous.hash == hash && now < previous.valid_until;
        self.hash == hash || self.previous.as_ref().is_some_and(overlaps)
    }

    /// Until when the secret before the last one may be used, where there is one: its key can end sooner
    /// than its overlap.
    #[must_use]
    pub fn previous_valid_until(&self) -> Option<Timestamp> {
        let until = self.previous.as_ref()?.valid_until;
        Some(self.expires_at.map_or(until, |expires_at| until.min(expires_at)))
    }

    /// The key's entity tag.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }
}

/// How long a proof is good for what needs a recent one, in seconds.
const PROOF_SECONDS: i64 = 600;

/// When a session ends. Everything that decides it is counted in whole seconds, as the table keeps
/// them, so that all who count come to the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiries {
    /// If it is not used again; never after `absolute`.
    pub idle: Timestamp,
    /// Whatever happens.
    pub absolute: Timestamp,
}

impl Expiries {
    /// Those of the session that began as `id` and was last active at that moment.
    #[must_use]
    pub fn new(id: SessionId, last_active_at: Timestamp, policy: SessionPolicy) -> Self {
        let began_at = id.created_at().whole_second();
        let absolute = began_at.plus_minutes(policy.absolute_timeout_minutes);
        let idle = last_active_at.whole_second().plus_minutes(policy.idle_timeout_minutes);
        Self { idle: idle.min(absolute), absolute }
    }
}

impl Session {
    /// Whether the user of the session that began as `id` has proved lately who they are, by the
    /// password and, where it is on, the second factor.
    #[must_use]
    pub fn is_freshly_proved(&self, id: SessionId, now: Timestamp) -> bool {
        let proved_at = self.proved_at.unwrap_or_else(|| id.created_at());
        now.seconds_since(proved_at) < PROOF_SECONDS
    }

    /// When the session that began as `id` ends.
    #[must_use]
    pub fn expiries(&self, id: SessionId, policy: SessionPolicy) -> Expiries {
        Expiries::new(id, self.last_active_at, policy)
    }

    /// Checks the session against the policy as it is now, and against what earlier ones have
    /// ended.
    ///
    /// # Errors
    /// 401 `session_absolute` or `session_idle`.
    pub fn check(&self, id: SessionId, policy: SessionPolicy, now: Timestamp) -> Result<(), Error> {
        let Expiries { idle, absolute } = self.expiries(id, policy);
        let under = |floor: Option<Timestamp>, moment: Timestamp| {
            floor.is_some_and(|floor| moment.whole_second() <= floor)
        };
        if now >= absolute || under(policy.absolute_floor, id.created_at()) {
            Err(Error::SessionAbsolute)
        } else if now >= idle || under(policy.idle_floor, self.last_active_at) {
            Err(Error::SessionIdle)
        } else {
            Ok(())
        }
    }
}
