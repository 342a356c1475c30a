//! Who is in the world.

use std::{collections::BTreeMap, sync::OnceLock};

use shared::{
    auth::{
        allowlist::Allowlist,
        password::{Hasher, Password},
        permissions::Role,
    },
    call::{App, Call},
    ids::{OrganizationId, UserId},
    model::{
        audit::{Action, Actor, Changes},
        organization::{BillingPeriod, CursorKey, Organization, SessionPolicy},
        retention::Retention,
        user::User,
    },
};

/// Everybody's password.
pub const PASSWORD: &str = "plum-anvil-sextant-drizzle";

/// Somebody.
#[derive(Debug, Clone)]
pub struct Person {
    /// In which organization.
    pub organization_id: OrganizationId,
    /// Who.
    pub user_id: UserId,
    /// The address to sign in with.
    pub email: &'static str,
}

/// Names and roles of everybody, by organization.
pub(crate) const ACME: [(&str, &str, &[Role]); 3] = [
    ("admin@acme.example", "Ada Admin", &[Role::Admin]),
    ("editor@acme.example", "Eve Editor", &[Role::PipelineEditor]),
    ("viewer@acme.example", "Vera Viewer", &[Role::Viewer]),
];
pub(crate) const GLOBEX: [(&str, &str, &[Role]); 1] =
    [("admin@globex.example", "Gus Globex", &[Role::Admin])];

/// The hash of [`PASSWORD`], computed once a process.
pub(crate) async fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return hash.clone();
    }
    let hasher = Hasher::new(1024).unwrap();
    let hash = hasher.hash(&Password::new(PASSWORD), &super::TestRandom::default()).await.unwrap();
    HASH.get_or_init(|| hash).clone()
}

/// Founds an organization with its people, the first of whom is its administrator.
pub(crate) async fn found<const N: usize>(
    app: &App,
    name: &str,
    slug: &str,
    people: [(&'static str, &'static str, &[Role]); N],
) -> [Person; N] {
    let (now, random) = (app.clock.now(), &*app.random);
    let id = OrganizationId::generate(now, random);
    let organization = Organization {
        id,
        name: name.to_owned(),
        slug: slug.to_owned(),
        plan: "enterprise".to_owned(),
        billing_period: BillingPeriod::Annual,
        renewal_date: "2026-06-01".to_owned(),
        data_residency: "us".to_owned(),
        default_timezone: "UTC".to_owned(),
        feature_flags: BTreeMap::from([
            ("lineage_v2".to_owned(), true),
            ("git_integration".to_owned(), true),
        ]),
        features: ["lineage", "git_integration", "pipeline_agents", "sso"]
            .map(str::to_owned)
            .into(),
        limits: BTreeMap::from([
            ("max_pipelines".to_owned(), 500),
            ("max_connections".to_owned(), 200),
            ("max_concurrent_runs".to_owned(), 25),
            ("max_agent_count".to_owned(), 50),
        ]),
        require_sso: false,
        session_policy: SessionPolicy::default(),
        retention: Retention::default(),
        holds: Vec::new(),
        allowlist: Allowlist::off(),
        cursor_key: CursorKey::generate(random),
        last_audit_day: now.day(),
        version: 1,
        updated_at: now,
    };
    let hash = password_hash().await;
    let call = Call::new(app, "set-up", None, None);
    let audit = || call.audit(id, Actor::Operator, Action::UserCreated, id, Changes::default());
    let users = people.map(|(email, display_name, roles)| User {
        id: UserId::generate(now, random),
        organization_id: id,
        email: email.to_owned(),
        display_name: display_name.to_owned(),
        timezone: "America/Los_Angeles".to_owned(),
        locale: "en-US".to_owned(),
        avatar_url: None,
        roles: roles.to_vec(),
        disabled: false,
        mfa_enabled: false,
        version: 1,
        credentials_version: 1,
        updated_at: now,
        api_keys: BTreeMap::new(),
        sessions: BTreeMap::new(),
    });
    let (first, others) = users.split_first().unwrap();
    let audits = [&audit(), &audit()];
    app.store.create_organization(&organization, first, &hash, audits, random).await.unwrap();
    for user in others {
        app.store.create_user(&organization, user, &hash, &audit(), random).await.unwrap();
    }
    let ids = users.map(|user| user.id);
    std::array::from_fn(|index| Person {
        organization_id: id,
        user_id: ids[index],
        email: people[index].0,
    })
}
