//! Who is in the world.

use std::sync::OnceLock;

use shared::{
    auth::{
        password::{Hasher, Password},
        permissions::Role,
    },
    ids::{OrganizationId, UserId},
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
