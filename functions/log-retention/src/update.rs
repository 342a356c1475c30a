//! `PUT /api/settings/log-retention`

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
        fault::{self, Faults},
        field::{Change, Int},
        problem::Refusals,
    },
    model::{
        audit::{Action, Changes},
        organization::Organization,
        retention::Period,
    },
};
use utoipa::ToSchema;

use crate::get::LogRetention;

/// Days that run logs or diagnostic artifacts are kept.
pub type Days = Int<1, 365>;
/// Days that audit records are kept.
pub type AuditDays = Int<30, 3650>;

/// What to change. A field that is left out keeps its value.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = UpdateLogRetention)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub struct Request {
    /// Days that run logs are kept; no more than the plan's limit `max_run_logs_days`.
    #[deserr(default)]
    #[schema(value_type = Days, required = false)]
    run_logs_days: Change<Days>,
    /// Days that audit records are kept; no more than the plan's limit `max_audit_logs_days`.
    #[deserr(default)]
    #[schema(value_type = AuditDays, required = false)]
    audit_logs_days: Change<AuditDays>,
    /// Days that diagnostic artifacts are kept; no more than the plan's limit
    /// `max_diagnostic_artifacts_days`.
    #[deserr(default)]
    #[schema(value_type = Days, required = false)]
    diagnostic_artifacts_days: Change<Days>,
}

/// How long logs are kept from now on.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedLogRetention {
    #[serde(flatten)]
    retention: LogRetention,
    /// When the organization last changed.
    updated_at: Timestamp,
}

/// Changes how long the logs of the caller's organization are kept. More days are in force at once;
/// they bring nothing back that is deleted. Fewer days delete for good, so they are in force after
/// a cooling-off of 24 hours, and more days asked for meanwhile take them back.
///
/// # Errors
/// 422 where days are over the plan's limit; 409 `edit_conflict` or 412 where another request was
/// faster; those of every route that needs `settings:write`.
#[utoipa::path(
    put,
    path = "/api/settings/log-retention",
    operation_id = "update_log_retention",
    tag = "Log retention",
    security(("bearer" = ["settings:write"])),
    request_body = Request,
    params(("If-Match" = Option<String>, Header, description = "The log retention's entity tag")),
    responses((status = 200, body = Envelope<UpdatedLogRetention>), Refusals),
)]
pub async fn handler(
    mut caller: Caller<SettingsWrite>,
    if_match: IfMatch,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<UpdatedLogRetention>, Error> {
    if_match.check(caller.organization.etag())?;
    let now = caller.call.now;
    let hours = caller.call.settings.retention_cooling_off_hours;
    let changes = apply(request, &mut caller.organization, now, hours)?;
    if changes.is_empty() {
        return Ok(answer(&caller.organization, now));
    }
    caller.organization.updated_at = now;
    let audit = caller.audit(Action::LogRetentionUpdated, caller.organization.id, changes);
    let random = &*caller.call.random;
    let written = caller.call.store.set_log_retention(&caller.organization, &audit, random).await;
    written.map_err(|lost| {
        lost.or(if_match.lost_race("The organization was changed meanwhile. Try again."))
    })?;
    caller.organization.version += 1;
    Ok(answer(&caller.organization, now))
}

fn apply(
    request: Request,
    organization: &mut Organization,
    now: Timestamp,
    cooling_off_hours: u16,
) -> Result<Changes, Faults> {
    let Request { run_logs_days, audit_logs_days, diagnostic_artifacts_days } = request;
    let (limits, retention) = (&organization.limits, &mut organization.retention);
    let mut changes = Changes::default();
    let mut set = |field: &'static str, limit: &str, period: &mut Period, asked: Option<u32>| {
        let Some(days) = asked.filter(|days| *days != period.told()) else { return Ok(()) };
        if let Some(most) = limits.get(limit).filter(|most| u64::from(days) > **most) {
            let detail = format!("Must be at most {most}, which is the plan's limit {limit}.");
            return Err(Faults::new(format!("/{field}"), "out_of_range", detail));
        }
        changes.push(field, period.told(), days);
        *period = period.asked(days, now, cooling_off_hours);
        Ok(())
    };
    fault::all([
        set("run_logs_days", "max_run_logs_days", &mut retention.run_logs, days(&run_logs_days)),
        set(
            "audit_logs_days",
            "max_audit_logs_days",
            &mut retention.audit_logs,
            days(&audit_logs_days),
        ),
        set(
            "diagnostic_artifacts_days",
            "max_diagnostic_artifacts_days",
            &mut retention.diagnostic_artifacts,
            days(&diagnostic_artifacts_days),
        ),
    ])?;
    Ok(changes)
}

fn days<const MIN: u32, const MAX: u32>(change: &Change<Int<MIN, MAX>>) -> Option<u32> {
    match change {
        Change::Keep => None,
        Change::Set(days) => Some(days.0),
    }
}

fn answer(organization: &Organization, now: Timestamp) -> Data<UpdatedLogRetention> {
    let retention = LogRetention::told(&organization.retention, now);
    let updated = UpdatedLogRetention { retention, updated_at: organization.updated_at };
    Data::tagged(updated, organization.etag())
}
