//! Roles, scopes, and what each route asks of its caller.

use std::fmt;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::fault::Faults;

/// What a user may do in the organization.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Deserr,
)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum Role {
    /// Everything, organization-wide writes included.
    Admin,
    /// Builds and runs pipelines.
    #[deserr(rename = "pipeline_editor")]
    PipelineEditor,
    /// Looks.
    Viewer,
}

macro_rules! scopes {
    ($($variant:ident = $bit:literal, $text:literal;)*) => {
        /// What an API key may be used for. The number is the scope's bit in the table; it never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema, Deserr)]
        #[deserr(error = Faults)]
        pub enum Scope {$(
            #[doc = concat!("`", $text, "`")]
            #[serde(rename = $text)]
            #[schema(rename = $text)]
            #[deserr(rename = $text)]
            $variant = $bit,
        )*}

        impl Scope {
            /// Every scope, in the order in which lists show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The scope's name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$variant => $text),*}
            }
        }
    };
}

scopes! {
    PipelinesRead = 0, "pipelines:read";
    PipelinesWrite = 1, "pipelines:write";
    PipelinesRun = 2, "pipelines:run";
    ConnectionsRead = 3, "connections:read";
    ConnectionsWrite = 4, "connections:write";
    ProfileRead = 5, "profile:read";
    ProfileWrite = 6, "profile:write";
    PreferencesRead = 7, "preferences:read";
    PreferencesWrite = 8, "preferences:write";
    SettingsRead = 9, "settings:read";
    SettingsWrite = 10, "settings:write";
    OrganizationRead = 11, "organization:read";
    NotificationsRead = 12, "notifications:read";
    NotificationsWrite = 13, "notifications:write";
    NotificationsPublish = 14, "notifications:publish";
    AuditRead = 15, "audit:read";
    AdminOrganization = 16, "admin:organization";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// The set as the table has it.
    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    /// The set of these bits. One that this version does not know must not turn into a scope that it
    /// does not mean.
    pub(crate) const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }

    const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u32)
    }

    const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }

    /// Those of this set that are not in `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set has nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What an API key with this set may do: `admin:organization` stands for all
    /// organization-wide reads and writes.
    #[must_use]
    pub const fn effective(self) -> Self {
        if self.contains(Scope::AdminOrganization) { self.union(ORGANIZATION_WIDE) } else { self }
    }
}

const ORGANIZATION_WIDE: Scopes = Scopes(0)
    .with(Scope::SettingsRead)
    .with(Scope::SettingsWrite)
    .with(Scope::OrganizationRead)
    .with(Scope::NotificationsRead)
    .with(Scope::NotificationsWrite)
    .with(Scope::NotificationsPublish)
    .with(Scope::AuditRead);

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self(0), Self::with)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::as_str)).finish()
    }
}

impl Role {
    /// What the role may do. An API key never exceeds what its owner's roles grant now.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        const VIEWER: Scopes = Scopes(0)
            .with(Scope::PipelinesRead)
            .with(Scope::ConnectionsRead)
            .with(Scope::ProfileRead)
            .with(Scope::ProfileWrite)
            .with(Scope::PreferencesRead)
            .with(Scope::PreferencesWrite)
            .with(Scope::SettingsRead)
            .with(Scope::OrganizationRead)
            .with(Scope::NotificationsRead);
        match self {
            Self::Admin => Scopes::ALL,
            Self::PipelineEditor => VIEWER
                .with(Scope::PipelinesWrite)
                .with(Scope::PipelinesRun)
                .with(Scope::ConnectionsWrite)
                .with(Scope::NotificationsPublish),
            Self::Viewer => VIEWER,
        }
    }

    /// What a user with `roles` may do.
    #[must_use]
    pub fn scopes_of(roles: &[Self]) -> Scopes {
        roles.iter().fold(Scopes(0), |scopes, role| scopes.union(role.scopes()))
    }
}

/// What a route asks of its caller. A handler names one in its `Caller<Level>`, so that the
/// requirement stands in its signature and cannot be forgotten.
pub trait Level: Send + Sync + 'static {
    /// What the credential must be, or be good for.
    const NEEDS: Needs;
    /// Whether the session's last proof has to be a recent one.
    const FRESH: bool = false;
    /// Whether the user's password hash is read along with the rest, at no further call.
    const WITH_PASSWORD: bool = false;
    /// Whether the user's second factor is, too.
    const WITH_FACTOR: bool = false;
    /// Whether the budgets of failures are, too.
    const WITH_ATTEMPTS: bool = false;
    /// Whether what the allowlist has come to is, too.
    const WITH_EVALUATIONS: bool = false;
    /// Whether the record of the request's idempotency key is, too.
    const WITH_REPLAY: bool = false;
    /// Whether the user's preferences are, too, with the value of the one that the path names.
    const WITH_PREFERENCES: bool = false;
}

/// The requirement of a [`Level`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A signed-in session; an API key gets 403 `session_required`.
    Session,
    /// A session or key whose user's roles, and whose own scopes, contain the scope.
    Scope(Scope),
}

/// The levels.
pub mod level {
    use super::{Level, Needs, Scope};

    macro_rules! levels {
        ($($(#[$doc:meta])* $name:ident: $needs:expr $(, $key:ident)*;)*) => {$(
            $(#[$doc])*
            pub struct $name;
            impl Level for $name {
                const NEEDS: Needs = $needs;
                $(const $key: bool = true;)*
            }
        )*};
    }

    levels! {
        /// A signed-in session.
        Session: Needs::Session;
        /// A signed-in session whose user is about to prove the password.
        SessionWithPassword: Needs::Session, WITH_PASSWORD, WITH_ATTEMPTS;
        /// A signed-in session whose user asks for the second factor.
        SessionWithFactor: Needs::Session, WITH_FACTOR;
        /// A signed-in session whose user is about to prove the password and a code.
        SessionWithProof: Needs::Session, WITH_PASSWORD, WITH_FACTOR, WITH_ATTEMPTS;
        /// The same for one that is shown what was made once, and may be retrying.
        SessionWithProofAndReplay: Needs::Session, WITH_PASSWORD, WITH_FACTOR, WITH_ATTEMPTS, WITH_REPLAY;
        /// A signed-in session whose user is about to prove a code alone, and may be retrying.
        SessionWithCodeAndReplay: Needs::Session, WITH_FACTOR, WITH_ATTEMPTS, WITH_REPLAY;
        /// A signed-in session whose user has proved lately who they are.
        FreshSession: Needs::Session, FRESH;
        /// The same for one that creates something, and may be retrying.
        FreshSessionWithReplay: Needs::Session, FRESH, WITH_REPLAY;
        /// `profile:read`.
        ProfileRead: Needs::Scope(Scope::ProfileRead);
        /// `profile:write`.
        ProfileWrite: Needs::Scope(Scope::ProfileWrite);
        /// `settings:read`.
        SettingsRead: Needs::Scope(Scope::SettingsRead);
        /// `settings:read`, for what the allowlist has come to.
        SettingsReadWithEvaluations: Needs::Scope(Scope::SettingsRead), WITH_EVALUATIONS;
        /// `settings:write`.
        SettingsWrite: Needs::Scope(Scope::SettingsWrite);
        /// `settings:write`, for one that creates something, and may be retrying.
        SettingsWriteWithReplay: Needs::Scope(Scope::SettingsWrite), WITH_REPLAY;
        /// `preferences:read`.
        PreferencesRead: Needs::Scope(Scope::PreferencesRead), WITH_PREFERENCES;
        /// `preferences:write`.
        PreferencesWrite: Needs::Scope(Scope::PreferencesWrite), WITH_PREFERENCES;
        /// `organization:read`.
        OrganizationRead: Needs::Scope(Scope::OrganizationRead);
        /// `notifications:read`.
        NotificationsRead: Needs::Scope(Scope::NotificationsRead);
        /// `notifications:write`.
        NotificationsWrite: Needs::Scope(Scope::NotificationsWrite);
        /// `notifications:write`, for one that creates something, and may be retrying.
        NotificationsWriteWithReplay: Needs::Scope(Scope::NotificationsWrite), WITH_REPLAY;
        /// `notifications:publish`, likewise.
        NotificationsPublish: Needs::Scope(Scope::NotificationsPublish), WITH_REPLAY;
        /// `audit:read`.
        AuditRead: Needs::Scope(Scope::AuditRead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_a_role_are_a_literal_list() {
        let names = |role: Role| role.scopes().iter().map(Scope::as_str).collect::<Vec<_>>();
        assert_eq!(
            names(Role::Viewer),
            [
                "pipelines:read",
                "connections:read",
                "profile:read",
                "profile:write",
                "preferences:read",
                "preferences:write",
                "settings:read",
                "organization:read",
                "notifications:read",
            ]
        );
        let more: Vec<_> =
            Role::PipelineEditor.scopes().minus(Role::Viewer.scopes()).iter().collect();
        assert_eq!(
            more,
            [
                Scope::PipelinesWrite,
                Scope::PipelinesRun,
                Scope::ConnectionsWrite,
                Scope::NotificationsPublish
            ]
        );
        assert_eq!(Role::Admin.scopes(), Scopes::ALL);
    }

    #[test]
    fn admin_organization_stands_for_all_organization_wide_scopes_and_no_personal_one() {
        let scopes = Scopes::from_iter([Scope::AdminOrganization]).effective();
        assert!(scopes.contains(Scope::SettingsWrite) && scopes.contains(Scope::AuditRead));
        assert!(!scopes.contains(Scope::ProfileRead) && !scopes.contains(Scope::PipelinesRead));
    }
}
