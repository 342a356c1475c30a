//! `create_organization`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{allowlist::Allowlist, permissions::Role},
    call::Call,
    error::Error,
    http::{fault::Faults, time_zone::TimeZone},
    ids::OrganizationId,
    model::{
        audit::{Action, Actor, Changes},
        organization::{BillingPeriod, CursorKey, Organization, SessionPolicy},
        retention::Retention,
    },
    store::Lost,
};

use crate::{
    target::{ShownOrganization, ShownUser},
    values::{Day, Flags, Limits, Name, NewUser, Slug, Word},
};

/// The organization to create.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Request {
    /// What people call it.
    name: Name,
    /// Its name in addresses; unique.
    slug: Slug,
    /// The plan it pays for.
    plan: Word,
    /// How often it pays.
    billing_period: BillingPeriod,
    /// When it pays next.
    renewal_date: Day,
    /// Where its data lies.
    data_residency: Word,
    /// The time zone of whoever has not chosen one. Left out: UTC.
    #[deserr(default)]
    default_timezone: Option<TimeZone>,
    /// What is switched on or off for it. Left out: nothing.
    #[deserr(default)]
    feature_flags: Flags,
    /// What its plan lets it use.
    features: Vec<Word>,
    /// How much its plan lets it use.
    limits: Limits,
    /// Its first administrator.
    admin: NewUser,
}

/// The new organization and its administrator.
#[derive(Debug, Serialize)]
pub struct Created {
    organization: ShownOrganization,
    user: ShownUser,
}

/// Creates an organization with its plan, features and limits, and its first administrator.
///
/// # Errors
/// 422; 409 `slug_taken` or `email_taken`.
pub async fn run(call: &Call, request: Request) -> Result<Created, Error> {
    let Request {
        name,
        slug,
        plan,
        billing_period,
        renewal_date,
        data_residency,
        default_timezone,
        feature_flags,
        features,
        limits,
        admin,
    } = request;
    let id = OrganizationId::generate(call.now, &*call.random);
    let organization = Organization {
        id,
        name: name.0,
        slug: slug.0,
        plan: plan.0,
        billing_period,
        renewal_date: renewal_date.0,
        data_residency: data_residency.0,
        default_timezone: default_timezone.map_or_else(|| "UTC".to_owned(), |zone| zone.0),
        feature_flags: feature_flags.0,
        features: features.into_iter().map(|feature| feature.0).collect(),
        limits: limits.0,
        require_sso: false,
        session_policy: SessionPolicy::default(),
        retention: Retention::default(),
        holds: Vec::new(),
        allowlist: Allowlist::off(),
        cursor_key: CursorKey::generate(&*call.random),
        last_audit_day: call.now.day(),
        version: 1,
        updated_at: call.now,
    };
    let admin = admin.prepare(call, "/admin", id, vec![Role::Admin]).await?;
    let audit = |action, target, changes| call.audit(id, Actor::Operator, action, target, changes);
    let none = None::<String>;
    let changes = Changes::default()
        .with("name", &none, &organization.name)
        .with("slug", &none, &organization.slug)
        .with("plan", &none, &organization.plan)
        .with("billing_period", &none, organization.billing_period)
        .with("renewal_date", &none, &organization.renewal_date)
        .with("data_residency", &none, &organization.data_residency)
        .with("default_timezone", &none, &organization.default_timezone)
        .with("features", &none, &organization.features)
        .with("limits", &none, &organization.limits)
        .with("feature_flags", &none, &organization.feature_flags);
    let created = audit(Action::OrganizationCreated, String::from(id), changes);
    let changes = Changes::default().with("roles", &none, &admin.user.roles);
    let user_created = audit(Action::UserCreated, String::from(admin.user.id), changes);
    call.store
        .create_organization(
            &organization,
            &admin.user,
            &admin.password_hash,
            [&created, &user_created],
            &*call.random,
        )
        .await
        .map_err(|lost| match lost {
            Lost::Condition(0) => Error::conflict("slug_taken", "The slug is taken."),
            lost => lost.or(Error::conflict("email_taken", "The e-mail address is taken.")),
        })?;
    Ok(Created {
        organization: organization.into(),
        user: ShownUser::new(admin.user, admin.generated),
    })
}
