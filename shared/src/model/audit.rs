//! Audit records: who changed what, from where. A record and its change are one transaction.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::{Timestamp, epoch},
    ids::{ApiKeyId, AuditId, OrganizationId, SessionId, UserId},
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Action {
    /// Somebody signed in.
    #[serde(rename = "session.created")]
    SessionCreated,
    /// A sign-in was refused.
    #[serde(rename = "session.refused")]
    SessionRefused,
    /// A password was right, and the sign-in waits for the second factor.
    #[serde(rename = "session.challenged")]
    SessionChallenged,
    /// Somebody proved again, in a session, that it is they.
    #[serde(rename = "session.reauthenticated")]
    SessionReauthenticated,
    /// A proof given in a session was refused.
    #[serde(rename = "session.reauthentication_refused")]
    ReauthenticationRefused,
    /// A session was ended.
    #[serde(rename = "session.ended")]
    SessionEnded,
    /// All other sessions of a user were ended.
    #[serde(rename = "session.others_ended")]
    OtherSessionsEnded,
    /// A profile was changed.
    #[serde(rename = "profile.updated")]
    ProfileUpdated,
    /// A password was changed.
    #[serde(rename = "password.changed")]
    PasswordChanged,
    /// A wrong password was given as proof for a new one.
    #[serde(rename = "password.refused")]
    PasswordRefused,
    /// The setting up of a second factor was begun.
    #[serde(rename = "mfa.enrollment_started")]
    MfaEnrollmentStarted,
    /// A second factor was turned on.
    #[serde(rename = "mfa.enabled")]
    MfaEnabled,
    /// The second factor was turned off.
    #[serde(rename = "mfa.disabled")]
    MfaDisabled,
    /// The second factor was taken away from outside the organization.
    #[serde(rename = "mfa.reset")]
    MfaReset,
    /// The backup codes were replaced.
    #[serde(rename = "mfa.backup_codes_replaced")]
    BackupCodesReplaced,
    /// A proof for a change of the second factor was refused.
    #[serde(rename = "mfa.refused")]
    MfaRefused,
    /// An API key was made.
    #[serde(rename = "api_key.created")]
    ApiKeyCreated,
    /// An API key was given a new secret.
    #[serde(rename = "api_key.regenerated")]
    ApiKeyRegenerated,
    /// An API key was deleted.
    #[serde(rename = "api_key.deleted")]
    ApiKeyDeleted,
    /// A preference was set. Its value is told as JSON text: so `null` is nothing, and the text `null`
    /// is a value.
    #[serde(rename = "preference.set")]
    PreferenceSet,
    /// A preference was deleted.
    #[serde(rename = "preference.deleted")]
    PreferenceDeleted,
    /// An organization was created.
    #[serde(rename = "organization.created")]
    OrganizationCreated,
    /// An organization's plan, features or limits were set.
    #[serde(rename = "organization.entitlements_updated")]
    EntitlementsUpdated,
    /// An organization's session policy was changed.
    #[serde(rename = "session_policy.updated")]
    SessionPolicyUpdated,
    /// An organization's settings were changed.
    #[serde(rename = "settings.updated")]
    SettingsUpdated,
    /// The audit log was read.
    #[serde(rename = "audit_log.read")]
    AuditLogRead,
    /// How long an organization's logs are kept was changed.
    #[serde(rename = "log_retention.updated")]
    LogRetentionUpdated,
    /// Logs were put under a legal hold.
    #[serde(rename = "log_hold.placed")]
    LogHoldPlaced,
    /// Logs were let out of a legal hold.
    #[serde(rename = "log_hold.released")]
    LogHoldReleased,
    /// Logs that were over their days were deleted.
    #[serde(rename = "retention.swept")]
    RetentionSwept,
    /// A user was added.
    #[serde(rename = "user.created")]
    UserCreated,
    /// A user's roles were changed.
    #[serde(rename = "user.roles_changed")]
    RolesChanged,
    /// A user was disabled.
    #[serde(rename = "user.disabled")]
    UserDisabled,
    /// A disabled user was enabled again.
    #[serde(rename = "user.enabled")]
    UserEnabled,
    /// An entry was added to the allowlist.
    #[serde(rename = "allowlist.entry_added")]
    AllowlistEntryAdded,
    /// An entry was removed from the allowlist.
    #[serde(rename = "allowlist.entry_removed")]
    AllowlistEntryRemoved,
    /// How the allowlist is enforced was changed.
    #[serde(rename = "allowlist.toggled")]
    AllowlistToggled,
    /// An enforcement was confirmed that would have turned itself off.
    #[serde(rename = "allowlist.confirmed")]
    AllowlistConfirmed,
    /// The allowlist was turned off from outside the organization.
    #[serde(rename = "allowlist.broken_glass")]
    AllowlistBrokenGlass,
    /// A notification channel was created.
    #[serde(rename = "notification_channel.created")]
    ChannelCreated,
    /// A notification channel was changed.
    #[serde(rename = "notification_channel.updated")]
    ChannelUpdated,
    /// A notification channel was deleted.
    #[serde(rename = "notification_channel.deleted")]
    ChannelDeleted,
    /// A webhook was given a new signing secret.
    #[serde(rename = "notification_channel.secret_rotated")]
    ChannelSecretRotated,
    /// A notification channel was tried.
    #[serde(rename = "notification_channel.tested")]
    ChannelTested,
    /// A notification channel was disabled, because every attempt had failed for days.
    #[serde(rename = "notification_channel.disabled")]
    ChannelDisabled,
    /// A notification channel was enabled again, because a test of it has passed.
    #[serde(rename = "notification_channel.enabled")]
    ChannelEnabled,
    /// A notification rule was created.
    #[serde(rename = "notification_rule.created")]
    RuleCreated,
    /// A notification rule was replaced.
    #[serde(rename = "notification_rule.replaced")]
    RuleReplaced,
    /// A notification rule was deleted.
    #[serde(rename = "notification_rule.deleted")]
    RuleDeleted,
    /// An event was published.
    #[serde(rename = "notification_event.published")]
    EventPublished,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A user in a session.
    #[schema(title = "SessionActor")]
    Session {
        /// The user.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
    },
    /// A program with a user's API key.
    #[schema(title = "ApiKeyActor")]
    ApiKey {
        /// The key's owner.
        user_id: UserId,
        /// The key.
        api_key_id: ApiKeyId,
    },
    /// Somebody who claims to be a user, and has not proved it.
    #[schema(title = "ClaimedActor")]
    Claimed {
        /// The user they claim to be.
        user_id: UserId,
    },
    /// The deployment's operator.
    #[schema(title = "OperatorActor")]
    Operator,
    /// The retention sweep.
    #[schema(title = "RetentionSweepActor")]
    RetentionSweep,
    /// The delivery of notifications.
    #[schema(title = "NotificationDeliveryActor")]
    NotificationDelivery,
    /// Another service of the platform, by the event bus.
    #[schema(title = "PlatformActor")]
    Platform,
}

/// A value before and after. What is secret is never put into one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FromTo {
    /// Before; `null` where there was nothing.
    pub from: serde_json::Value,
    /// After; `null` where there is nothing.
    pub to: serde_json::Value,
}

/// The changed fields by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes(BTreeMap<&'static str, FromTo>);

impl Changes {
    /// Adds a field that has changed.
    #[must_use]
    pub fn with(mut self, field: &'static str, from: impl Serialize, to: impl Serialize) -> Self {
        self.push(field, from, to);
        self
    }

    /// Adds a field that has changed.
    pub fn push(&mut self, field: &'static str, from: impl Serialize, to: impl Serialize) {
        // Ids, texts, numbers and lists of them always have a JSON form.
        let json = |value: Result<_, _>| value.unwrap_or(serde_json::Value::Null);
        let (from, to) = (serde_json::to_value(from), serde_json::to_value(to));
        self.0.insert(field, FromTo { from: json(from), to: json(to) });
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One audit record.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRecord {
    /// The record.
    pub id: AuditId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// When it happened.
    #[serde(with = "epoch")]
    pub occurred_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub action: Action,
    /// The id of what it happened to.
    pub target: String,
    /// Why, where it was refused: the code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// From where; missing for the operator, and where the gateway did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddr>,
    /// In which request.
    pub request_id: String,
    /// What changed.
    #[serde(skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
}

/// An audit record as it is read back. The action is its name alone: while a deployment is under
/// way, the table has records of actions that this program does not know yet.
#[derive(Debug, Clone, Deserialize)]
pub struct StoredRecord {
    /// The record.
    pub id: AuditId,
    /// When it happened.
    #[serde(with = "epoch")]
    pub occurred_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The name of what happened.
    pub action: String,
    /// The id of what it happened to.
    pub target: String,
    /// Why, where it was refused.
    #[serde(default)]
    pub reason: Option<String>,
    /// From where.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// In which request.
    pub request_id: String,
    /// What changed, by field.
    #[serde(default)]
    pub changes: Option<BTreeMap<String, FromTo>>,
}
