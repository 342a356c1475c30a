//! Whom a command is about, and what its answer tells of them.

use serde::Serialize;
use shared::{
    auth::permissions::Role,
    call::Call,
    clock::Timestamp,
    error::Error,
    ids::{OrganizationId, UserId},
    model::{organization::Organization, user::User},
    store::{Lost, Principal, Tries, Wanted},
};

/// An organization in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ShownOrganization {
    id: OrganizationId,
    name: String,
    slug: String,
    plan: String,
    created_at: Timestamp,
}

/// A user in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ShownUser {
    id: UserId,
    organization_id: OrganizationId,
    email: String,
    display_name: String,
    roles: Vec<Role>,
    disabled: bool,
    mfa_enabled: bool,
    /// The made-up password, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl From<Organization> for ShownOrganization {
    fn from(organization: Organization) -> Self {
        let created_at = organization.created_at();
        let Organization { id, name, slug, plan, .. } = organization;
        Self { id, name, slug, plan, created_at }
    }
}

impl ShownUser {
    /// Shows a user, and the password that was made up for them.
    pub(crate) fn new(user: User, password: Option<String>) -> Self {
        let User { id, organization_id, email, display_name, roles, disabled, mfa_enabled, .. } =
            user;
        Self { id, organization_id, email, display_name, roles, disabled, mfa_enabled, password }
    }
}

/// Reads the user of a command.
pub(crate) async fn user(
    call: &Call,
    organization: OrganizationId,
    user: UserId,
) -> Result<Principal, Error> {
    let read = call.store.read_principal(organization, user, &Wanted::default()).await?;
    read.principal.ok_or(Error::NotFound)
}

/// Reads the organization of a command.
pub(crate) async fn organization(call: &Call, id: OrganizationId) -> Result<Organization, Error> {
    call.store.read_organization(id).await?.ok_or(Error::NotFound)
}

/// Carries out a change of an organization that others change, too: where they come first, it is decided
/// anew. What an operator does in an emergency must not lose to whoever makes it one.
pub(crate) async fn insist<T>(
    call: &Call,
    attempt: impl AsyncFn() -> Result<T, Lost>,
) -> Result<T, Error> {
    let mut tries = Tries::new(&*call.random);
    loop {
        match attempt().await {
            Err(Lost::Condition(_)) if tries.again().await => {}
            done => return done.map_err(|lost| lost.or(overtaken())),
        }
    }
}

/// The refusal of a command that was overtaken by another one.
pub(crate) fn overtaken() -> Error {
    Error::conflict("edit_conflict", "It was changed meanwhile. Try again.")
}
