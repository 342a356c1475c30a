//! Writes to organizations.

use serde::Serialize;

use super::{
    Store,
    encode::{ALLOWLIST, encode, put_allowlist},
    expression::Expression,
    item::Item,
    key::Key,
    transaction::{Lost, Transaction},
    users::add_user,
};
use crate::{
    auth::allowlist::{Allowlist, Rules},
    error::Error,
    ids::OrganizationId,
    model::{audit::AuditRecord, organization::Organization, user::User},
    random::Random,
};

/// Where a slug leads.
#[derive(Serialize)]
struct Slug {
    organization_id: OrganizationId,
}

/// An organization's entry in the index of all: its key says everything.
#[derive(Serialize)]
struct Listed {}

impl Store {
    /// Reads an organization.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the item does not decode.
    pub async fn read_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, Error> {
        let item = self.get(Key::organization(id)).await?;
        item.map(|item| decode(&item)).transpose()
    }

    /// Creates an organization with its first user.
    ///
    /// # Errors
    /// `Condition(0)` where the slug is taken; `Condition(2)` where the e-mail address is.
    pub async fn create_organization(
        &self,
        organization: &Organization,
        admin: &User,
        password_hash: &str,
        audits: [&AuditRecord; 2],
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let mut item = encode(Key::organization(organization.id), organization)?;
        put_allowlist(&mut item, &Rules::default())?;
        let slug = Slug { organization_id: organization.id };
        let transaction = self
            .transaction()
            .put(Key::slug(&organization.slug), &slug, Expression::new_item())?
            .put_encoded(item, Expression::new_item())?;
        let [created, user_created] = audits;
        let day = created.occurred_at.day();
        add_user(transaction, admin, password_hash)?
            .record(created)?
            .record(user_created)?
            .audit_day(organization.id, &day)?
            .put(Key::listed_organization(organization.id), &Listed {}, Expression::default())?
            .commit(random)
            .await
    }

    /// Sets plan, features, limits, flags and subscription, on the condition that the organization is
    /// still of the version that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn set_entitlements(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default()
            .set(&["plan"], &organization.plan)?
            .set(&["features"], &organization.features)?
            .set(&["limits"], &organization.limits)?
            .set(&["feature_flags"], &organization.feature_flags)?
            .set(&["billing_period"], &organization.billing_period)?
            .set(&["renewal_date"], &organization.renewal_date)?;
        self.update_organization(organization, expression, audit, random).await
    }

    /// Sets the session policy, on the condition that the organization is still of the version that
    /// was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn set_session_policy(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression =
            Expression::default().set(&["session_policy"], &organization.session_policy)?;
        self.update_organization(organization, expression, audit, random).await
    }

    /// Sets how long logs are kept, on the condition that the organization is still of the version
    /// that was read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn set_log_retention(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default().set(&["retention"], &organization.retention)?;
        self.update_organization(organization, expression, audit, random).await
    }

    /// Sets the legal holds, on the condition that the organization is still of the version that was
    /// read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn set_holds(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default().set(&["holds"], &organization.holds)?;
        self.update_organization(organization, expression, audit, random).await
    }

    /// Sets the settings, on the condition that the organization is still of the version that was
    /// read.
    ///
    /// # Errors
    /// `Condition(0)` where it is not.
    pub async fn update_settings(
        &self,
        organization: &Organization,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default()
            .set(&["default_timezone"], &organization.default_timezone)?
            .set(&["require_sso"], &organization.require_sso)?;
        self.update_organization(organization, expression, audit, random).await
    }

    /// Sets attributes of an organization, its version and the time of its change. The audit
    /// record's day goes into the index, but the organization's item is written once only: a
    /// transaction may not name an item twice.
    async fn update_organization(
        &self,
        organization: &Organization,
        expression: Expression,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        self.change_organization(organization, expression, audit)?.commit(random).await
    }

    /// The same, as the first part of a transaction that goes on.
    pub(super) fn change_organization(
        &self,
        organization: &Organization,
        expression: Expression,
        audit: &AuditRecord,
    ) -> Result<Transaction<'_>, Error> {
        let day = audit.occurred_at.day();
        let expression = expression
            .set(&["updated_at"], &audit.occurred_at.as_second())?
            .set(&["last_audit_day"], &day)?
            .set(&["version"], &(organization.version + 1))?
            .when_equal(&["version"], &organization.version)?;
        let transaction = self
            .transaction()
            .update(Key::organization(organization.id), expression)?
            .record(audit)?;
        if organization.last_audit_day == day {
            Ok(transaction)
        } else {
            transaction.audit_day(organization.id, &day)
        }
    }
}

/// Decodes an organization. Its allowlist is decoded apart: an unreadable one shuts everybody out,
/// and the request gets the 403 of a stranger's address.
pub(super) fn decode(item: &Item) -> Result<Organization, Error> {
    let allowlist = match item.attribute::<Rules>("organization", ALLOWLIST) {
        Ok(Some(rules)) => Allowlist::Known(rules),
        _ => Allowlist::Unreadable,
    };
    let organization: Organization = item.decode("organization")?;
    if allowlist == Allowlist::Unreadable {
        tracing::error!(organization = %organization.id, "the allowlist does not decode: nobody is let in");
    }
    Ok(Organization { allowlist, ..organization })
}
