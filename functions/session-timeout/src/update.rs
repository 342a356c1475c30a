//! `PUT /api/user/session-timeout`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsWrite},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        etag::IfMatch,
        fault::Faults,
        field::{Change, Int},
        problem::Refusals,
    },
    model::{
        audit::{Action, Changes},
        organization::{Organization, SessionPolicy},
    },
};
use utoipa::ToSchema;

/// Minutes without a request.
pub type IdleMinutes = Int<5, 1440>;
/// Minutes in all: up to 30 days.
pub type AbsoluteMinutes = Int<15, 43_200>;

/// What to change. A field that is left out keeps its value.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = UpdateSessionTimeout)]
pub struct Request {
    /// Minutes without a request after which a session ends; no more than
    /// `absolute_timeout_minutes`.
    #[deserr(default)]
    #[schema(value_type = IdleMinutes, required = false)]
    idle_timeout_minutes: Change<IdleMinutes>,
    /// Minutes after which a session ends whatever happens.
    #[deserr(default)]
    #[schema(value_type = AbsoluteMinutes, required = false)]
    absolute_timeout_minutes: Change<AbsoluteMinutes>,
    /// Whether a request counts as activity. Where none does, the idle time runs from the sign-in,
    /// or from the last request that counted.
    #[deserr(default)]
    #[schema(value_type = bool, required = false)]
    extend_on_activity: Change<bool>,
}

/// How long sessions live from now on.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedSessionTimeout {
    /// Minutes without a request after which a session ends.
    idle_timeout_minutes: u32,
    /// Minutes after which a session ends whatever happens.
    absolute_timeout_minutes: u32,
    /// Whether a request counts as activity.
    extend_on_activity: bool,
    /// When the organization last changed.
    updated_at: Timestamp,
}

/// Changes how long the sessions of the caller's organization live, those already open and the
/// caller's own included. A longer time brings none back that has ended.
///
/// # Errors
/// 422 where the idle time would be over the absolute one; 409 `edit_conflict` or 412 where another
/// request was faster; those of every route that needs `settings:write`.
#[utoipa::path(
    put,
    path = "/api/user/session-timeout",
    operation_id = "update_session_timeout",
    tag = "Session timeout",
    security(("bearer" = ["settings:write"])),
    request_body = Request,
    params(("If-Match" = Option<String>, Header, description = "The session timeout's entity tag")),
    responses((status = 200, body = Envelope<UpdatedSessionTimeout>), Refusals),
)]
pub async fn handler(
    mut caller: Caller<SettingsWrite>,
    if_match: IfMatch,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<UpdatedSessionTimeout>, Error> {
    if_match.check(caller.organization.etag())?;
    let (before, now) = (caller.organization.session_policy, caller.call.now);
    let mut policy = before;
    let changes = apply(request, &mut policy)?;
    if changes.is_empty() {
        return Ok(answer(&caller.organization));
    }
    caller.organization.session_policy = policy.in_place_of(before, now);
    caller.organization.updated_at = now;
    let audit = caller.audit(Action::SessionPolicyUpdated, caller.organization.id, changes);
    let random = &*caller.call.random;
    let written = caller.call.store.set_session_policy(&caller.organization, &audit, random).await;
    written.map_err(|lost| {
        lost.or(if_match.lost_race("The organization was changed meanwhile. Try again."))
    })?;
    caller.organization.version += 1;
    caller.session_lives_by(policy);
    Ok(answer(&caller.organization))
}

fn apply(request: Request, policy: &mut SessionPolicy) -> Result<Changes, Faults> {
    let Request { idle_timeout_minutes, absolute_timeout_minutes, extend_on_activity } = request;
    let absolute_alone =
        idle_timeout_minutes == Change::Keep && absolute_timeout_minutes != Change::Keep;
    let mut changes = Changes::default();
    let idle = idle_timeout_minutes.apply(&mut policy.idle_timeout_minutes, |minutes| minutes.0);
    if let Some((from, to)) = idle {
        changes.push("idle_timeout_minutes", from, to);
    }
    let absolute =
        absolute_timeout_minutes.apply(&mut policy.absolute_timeout_minutes, |minutes| minutes.0);
    if let Some((from, to)) = absolute {
        changes.push("absolute_timeout_minutes", from, to);
    }
    if let Some((from, to)) = extend_on_activity.apply(&mut policy.extend_on_activity, |it| it) {
        changes.push("extend_on_activity", from, to);
    }
    let (idle, absolute) = (policy.idle_timeout_minutes, policy.absolute_timeout_minutes);
    if idle <= absolute {
        return Ok(changes);
    }
    let (pointer, detail) = if absolute_alone {
        ("/absolute_timeout_minutes", format!("Must be at least the idle time, which is {idle}."))
    } else {
        (
            "/idle_timeout_minutes",
            format!("Must be at most the absolute time, which is {absolute}."),
        )
    };
    Err(Faults::new(pointer, "out_of_range", detail))
}

fn answer(organization: &Organization) -> Data<UpdatedSessionTimeout> {
    let policy = organization.session_policy;
    let timeout = UpdatedSessionTimeout {
        idle_timeout_minutes: policy.idle_timeout_minutes,
        absolute_timeout_minutes: policy.absolute_timeout_minutes,
        extend_on_activity: policy.extend_on_activity,
        updated_at: organization.updated_at,
    };
    Data::tagged(timeout, organization.etag())
}
