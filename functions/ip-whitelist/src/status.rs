//! `GET /api/settings/ip-whitelist/status`

use serde::Serialize;
use shared::{
    auth::{
        allowlist::{Means, Mode},
        caller::Caller,
        permissions::level::SettingsReadWithEvaluations,
    },
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
};
use utoipa::ToSchema;

use crate::add::rules;

/// How the allowlist is enforced.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IpWhitelistStatus)]
pub struct Status {
    /// Whether requests are evaluated.
    enabled: bool,
    /// What becomes of one from an address that is not on the list.
    mode: Mode,
    /// Which requests are evaluated: those with API keys, those in sessions and sign-ins, or both.
    applies_to: Vec<Means>,
    /// How many entries there are.
    entry_count: usize,
    /// When a request was last evaluated and let in, to the minute; `null` before the first.
    last_evaluated_at: Option<Timestamp>,
    /// When the enforcement turns itself off unless it is confirmed; `null` where it does not.
    confirm_by: Option<Timestamp>,
    /// Which credentials would have been refused while that was only reported, the latest first: up
    /// to 100.
    would_be_refused: Vec<WouldBeRefused>,
}

/// A credential that would have been refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct WouldBeRefused {
    /// The id of the API key or the session.
    credential: String,
    /// In how many minutes it was used from an address that is not on the list.
    count: u64,
    /// When it last was, to the minute.
    last_at: Timestamp,
}

/// Tells how the allowlist is enforced, and what it has come to.
///
/// # Errors
/// Those of every route that needs `settings:read`.
#[utoipa::path(
    get,
    path = "/api/settings/ip-whitelist/status",
    operation_id = "get_ip_whitelist_status",
    tag = "IP allowlist",
    security(("bearer" = ["settings:read"])),
    extensions(("x-etag" = json!(false))),
    responses((status = 200, body = Envelope<Status>), Refusals),
)]
pub async fn handler(caller: Caller<SettingsReadWithEvaluations>) -> Result<Data<Status>, Error> {
    let (rules, now) = (rules(&caller.organization.allowlist)?, caller.call.now);
    let enabled = rules.is_on(now);
    let refused = caller.evaluations.would_be_refused;
    let mut would_be_refused: Vec<_> = refused
        .into_iter()
        .map(|(credential, it)| WouldBeRefused { credential, count: it.count, last_at: it.last_at })
        .collect();
    would_be_refused.sort_by_key(|refused| std::cmp::Reverse(refused.last_at));
    Ok(Data::untagged(Status {
        enabled,
        mode: rules.mode,
        applies_to: rules.applies_to.into(),
        entry_count: rules.entry_count(now),
        last_evaluated_at: caller.evaluations.last_evaluated_at,
        confirm_by: rules.confirm_by.filter(|_| enabled),
        would_be_refused,
    }))
}
