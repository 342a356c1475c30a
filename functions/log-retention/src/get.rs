//! `GET /api/settings/log-retention`

use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::SettingsRead},
    clock::Timestamp,
    http::{
        answer::{Data, Envelope},
        problem::Refusals,
    },
    model::retention::Retention,
};
use utoipa::ToSchema;

/// How long logs are kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogRetention {
    /// Days that run logs are kept.
    run_logs_days: u32,
    /// Days that audit records are kept.
    audit_logs_days: u32,
    /// Days that diagnostic artifacts are kept.
    diagnostic_artifacts_days: u32,
    /// When fewer days will be in force.
    effective_at: EffectiveAt,
}

/// From when on the days above are in force, by field; `null` where they are. Until then, logs are
/// kept for as many days as before.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub struct EffectiveAt {
    /// Of the run logs' days.
    run_logs_days: Option<Timestamp>,
    /// Of the audit records' days.
    audit_logs_days: Option<Timestamp>,
    /// Of the diagnostic artifacts' days.
    diagnostic_artifacts_days: Option<Timestamp>,
}

impl LogRetention {
    /// A retention as it is told at `now`.
    pub(crate) fn told(retention: &Retention, now: Timestamp) -> Self {
        let Retention { run_logs, audit_logs, diagnostic_artifacts } = retention;
        Self {
            run_logs_days: run_logs.told(),
            audit_logs_days: audit_logs.told(),
            diagnostic_artifacts_days: diagnostic_artifacts.told(),
            effective_at: EffectiveAt {
                run_logs_days: run_logs.effective_at(now),
                audit_logs_days: audit_logs.effective_at(now),
                diagnostic_artifacts_days: diagnostic_artifacts.effective_at(now),
            },
        }
    }
}

/// Tells how long the logs of the caller's organization are kept.
#[utoipa::path(
    get,
    path = "/api/settings/log-retention",
    operation_id = "get_log_retention",
    tag = "Log retention",
    security(("bearer" = ["settings:read"])),
    responses((status = 200, body = Envelope<LogRetention>), Refusals),
)]
pub async fn handler(caller: Caller<SettingsRead>) -> Data<LogRetention> {
    let retention = LogRetention::told(&caller.organization.retention, caller.call.now);
    Data::tagged(retention, caller.organization.etag())
}
