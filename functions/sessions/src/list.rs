//! `GET /api/user/sessions`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level},
    clock::Timestamp,
    error::Error,
    http::{answer::Page, cursor::List, problem::Refusals, query::Paging},
    ids::SessionId,
    model::{
        organization::SessionPolicy,
        user::{Expiries, Session},
    },
};
use utoipa::ToSchema;

/// A signed-in session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct ShownSession {
    /// Which session.
    id: SessionId,
    /// Whether it is the one that this request was made in.
    current: bool,
    /// When it began.
    created_at: Timestamp,
    /// When it was last used, to the minute; uses that do not extend it are not noted.
    last_active_at: Timestamp,
    /// When it ends if it is not used again.
    idle_expires_at: Timestamp,
    /// When it ends whatever happens.
    expires_at: Timestamp,
    /// From where it began.
    ip_address: Option<String>,
    /// What the program that began it called itself, up to 32 characters; of a browser, its name and
    /// its machine.
    user_agent: Option<String>,
}

impl ShownSession {
    pub(crate) fn new(
        id: SessionId,
        session: &Session,
        policy: SessionPolicy,
        current: bool,
    ) -> Self {
        let Expiries { idle, absolute } = session.expiries(id, policy);
        Self {
            id,
            current,
            created_at: id.created_at(),
            last_active_at: session.last_active_at,
            idle_expires_at: idle,
            expires_at: absolute,
            ip_address: session.ip_address.map(|address| address.to_string()),
            user_agent: session.user_agent.clone(),
        }
    }
}

/// Lists the caller's own sessions, newest first.
///
/// # Errors
/// 400 `invalid_cursor`; those of every route that needs a session.
#[utoipa::path(
    get,
    path = "/api/user/sessions",
    operation_id = "list_sessions",
    tag = "Sessions",
    security(("bearer" = [])),
    params(Paging),
    responses((status = 200, body = Page<ShownSession>), Refusals),
)]
pub async fn handler(
    caller: Caller<level::Session>,
    paging: Paging,
) -> Result<Page<ShownSession>, Error> {
    let (current, policy) = (caller.session_id()?, caller.organization.session_policy);
    let scope = caller.user.id.to_string();
    let list = List { key: &caller.organization.cursor_key, scope: &["sessions", &scope] };
    list.page(
        caller.user.live_sessions(policy, caller.call.now),
        &paging,
        |(id, _)| id.to_string(),
        |(id, session)| ShownSession::new(id, session, policy, id == current),
    )
}
