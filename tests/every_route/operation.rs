//! An operation of the service, and a request of it that succeeds.

use axum::Router;
use harness::{Client, Person, Request, World};
use shared::auth::permissions::Scope;

/// Who may call an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// A session, and no API key.
    Session,
    /// A session, or an API key with this scope.
    Scope(Scope),
}

/// Whose request succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anybody in the organization: the one with the fewest roles asks.
    Viewer,
    /// A pipeline editor, or an administrator.
    Editor,
    /// An administrator alone.
    Admin,
}

/// An operation, a request of it that succeeds, and what that costs.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) who: Who,
    pub(crate) body: &'static str,
    pub(crate) status: u16,
    pub(crate) calls: u64,
    pub(crate) units: f64,
}

/// The routes of all functions.
pub(crate) fn routes() -> Router {
    [
        api_keys::router(),
        ip_whitelist::router(),
        mfa::router(),
        organization::router(),
        profile::router(),
        session_timeout::router(),
        sessions::router(),
        user_preferences::router(),
        settings::router(),
        audit_log::router(),
        log_retention::router(),
        notifications::router(),
    ]
    .into_iter()
    .fold(Router::new(), Router::merge)
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it writes: a `GET` does not, nor does what only asks, with a body.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("/check")
    }

    /// What its first read costs where the path names nothing, in units.
    pub(crate) fn read_units(&self) -> f64 {
        match self.path {
            "/api/settings/ip-whitelist/status" => 3.0,
            path if path.starts_with("/api/user-preferences") => 3.0,
            _ => 2.0,
        }
    }

    /// Whether the `{id}` in its path names something of the organization's, rather than the caller's:
    /// it is read by a call of its own.
    pub(crate) fn is_shared(&self) -> bool {
        !self.path.starts_with("/api/user/")
    }

    /// Who sends the request that succeeds.
    pub(crate) const fn caller<'a>(&self, world: &'a World) -> &'a Person {
        match self.who {
            Who::Viewer => &world.viewer,
            Who::Editor => &world.editor,
            Who::Admin => &world.admin,
        }
    }

    /// The path, with the id or the key of something of the caller's in it.
    pub(crate) async fn filled(&self, world: &World) -> String {
        let caller = self.caller(world);
        if self.path.contains("{key}") {
            world.preference(caller, "canvas.snap_to_grid", &true.into()).await;
            return self.path.replace("{key}", "canvas.snap_to_grid");
        }
        match self.path {
            "/api/login/mfa" => {
                world.enable_mfa(caller).await;
                world.challenge(caller, 0).await;
            }
            "/api/user/mfa/verify" => {
                world.enroll(caller).await;
            }
            "/api/user/mfa/disable" | "/api/user/mfa/backup-codes" => {
                world.enable_mfa(caller).await;
            }
            // While it waits to be confirmed the list is evaluated, and that has been noted.
            "/api/settings/ip-whitelist/confirm" => {
                world.allow(caller, &["192.0.2.0/24"]).await;
                let confirm_by = world.now().plus_seconds(3600);
                world.enforce(caller, |rules| rules.confirm_by = Some(confirm_by)).await;
                world.note_evaluation(caller).await;
            }
            "/api/settings/ip-whitelist/{id}" => {
                let id = world.allow(caller, &["10.0.0.0/8"]).await[0];
                return self.path.replace("{id}", &id.to_string());
            }
            // The rule that is made leads to it.
            "/api/notifications/rules" if self.method == "POST" => {
                world.channel(caller, 1).await;
            }
            path if path.starts_with("/api/notifications/") && path.contains("{id}") => {
                let channel = world.channel(caller, 1).await;
                let id = match path.split('/').nth(3) {
                    Some("channels") => channel.id.to_string(),
                    Some("rules") => world.rule(caller, channel.id).await.to_string(),
                    _ => world.delivery(caller, &channel).await.to_string(),
                };
                return path.replace("{id}", &id);
            }
            _ => {}
        }
        let id = if self.path.starts_with("/api/user/sessions/") {
            world.session_with_id(caller).await.0.to_string()
        } else {
            let scopes = [Scope::ProfileRead];
            world.api_key_with_id(caller, &scopes, None).await.0.to_string()
        };
        self.path.replace("{id}", &id)
    }

    /// The request that succeeds, but for the credential.
    pub(crate) fn request<'a>(&self, client: &'a Client<'a>, path: &str) -> Request<'a> {
        let request = client.request(self.method, path);
        if self.body.is_empty() {
            request
        } else {
            request.header("content-type", "application/json").text(self.body)
        }
    }

    /// The whole request that succeeds, by its caller in a session.
    pub(crate) async fn ready<'a>(&self, world: &World, client: &'a Client<'a>) -> Request<'a> {
        let (path, token) = (self.filled(world).await, world.session(self.caller(world)).await);
        let request = self.request(client, &path);
        if self.access == Access::Public { request } else { request.bearer(&token) }
    }
}
