//! The organization: the tenant, its entitlements and its policies.

use std::{collections::BTreeMap, fmt};

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::allowlist::Allowlist,
    clock::{Timestamp, epoch},
    http::{etag::ETag, fault::Faults},
    ids::OrganizationId,
    model::retention::{Hold, LogKind, Retention},
    random::{self, Random},
};

/// The organization's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// Who it is.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Its name in addresses; unique.
    pub slug: String,
    /// The plan it pays for.
    pub plan: String,
    /// How often it pays.
    pub billing_period: BillingPeriod,
    /// When it pays next, as `yyyy-mm-dd`.
    pub renewal_date: String,
    /// Where its data lies.
    pub data_residency: String,
    /// The IANA time zone of whoever has not chosen one.
    pub default_timezone: String,
    /// What is switched on or off for it, by name.
    pub feature_flags: BTreeMap<String, bool>,
    /// What its plan lets it use.
    pub features: Vec<String>,
    /// How much its plan lets it use.
    pub limits: BTreeMap<String, u64>,
    /// Whether only administrators may sign in with a password.
    pub require_sso: bool,
    /// How long its sessions live.
    pub session_policy: SessionPolicy,
    /// How long its logs are kept.
    #[serde(default)]
    pub retention: Retention,
    /// What keeps its logs longer, in the order in which it was placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// The addresses from which requests are let in. It is decoded apart from the rest, so that an
    /// unreadable one shuts everybody out instead of failing the request.
    #[serde(skip, default)]
    pub allowlist: Allowlist,
    /// Seals the cursors that are given out for its lists.
    pub cursor_key: CursorKey,
    /// The last day on which an audit record was written, as `yyyy-mm-dd`: the first one of a day
    /// also enters the day into the index.
    pub last_audit_day: String,
    /// Counts the changes.
    pub version: u64,
    /// When it last changed.
    #[serde(with = "epoch")]
    pub updated_at: Timestamp,
}

/// How often an organization pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum BillingPeriod {
    /// Every month.
    Monthly,
    /// Every year.
    Annual,
}

/// How long sessions live. It is read with every request, so a change holds at once.
///
/// A shorter policy ends sessions by itself. A longer one must not bring back those that had ended
/// under the one before: whoever finds a laptop that was left yesterday would be let in again.
/// Which sessions those are needs no history. At the moment of a change they are the ones that
/// were last active, or began, so long before it as the policy until then allows: all up to one
/// moment, the floor. Each change keeps the later of its own floor and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicy {
    /// Minutes without a request after which a session ends, 5 to 1,440.
    pub idle_timeout_minutes: u32,
    /// Minutes after which a session ends whatever happens, 15 to 43,200.
    pub absolute_timeout_minutes: u32,
    /// Whether a request counts as activity. While none does, none is noted either, and the idle
    /// time runs from what was noted last: from the sign-in, or from the last use before requests
    /// ceased to count. Where they begin to count again, that is from the next request on.
    pub extend_on_activity: bool,
    /// A session last active in this second, or before it, has ended as idle, whatever the minutes
    /// are now. Missing until the first change.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub idle_floor: Option<Timestamp>,
    /// A session that began in this second, or before it, has reached its full age, whatever the
    /// minutes are now. Missing until the first change.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub absolute_floor: Option<Timestamp>,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            idle_timeout_minutes: 60,
            absolute_timeout_minutes: 1440,
            extend_on_activity: true,
            idle_floor: None,
            absolute_floor: None,
        }
    }
}

impl SessionPolicy {
    /// This policy, taking the place of `before` in the second of `now`: what has ended by then
    /// stays ended, and what ends in this very second, too.
    #[must_use]
    pub fn in_place_of(self, before: Self, now: Timestamp) -> Self {
        let now = now.whole_second();
        let idle = now.minus_minutes(before.idle_timeout_minutes);
        let absolute = now.minus_minutes(before.absolute_timeout_minutes);
        Self {
            idle_floor: before.idle_floor.max(Some(idle)),
            absolute_floor: before.absolute_floor.max(Some(absolute)),
            ..self
        }
    }
}

impl Organization {
    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.id.created_at()
    }

    /// Whether some case holds the logs of a kind.
    #[must_use]
    pub fn holds(&self, kind: LogKind) -> bool {
        self.holds.iter().any(|hold| hold.kind == kind)
    }

    /// The entity tag of everything that is read from this item.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }
}

/// 256 random bits with which an organization's cursors are sealed. `Debug` prints nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// A new key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey([REDACTED])")
    }
}

crate::binary::serde_as_binary!(CursorKey, 32);
