//! `GET /api/audit-log`

use std::collections::BTreeMap;

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::AuditRead},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Lines, Page, PageMeta},
        cursor::List,
        problem::Refusals,
    },
    ids::AuditId,
    model::audit::{Action, Actor, FromTo, StoredRecord},
};
use utoipa::ToSchema;

use crate::{
    filters::{Filters, Request},
    walk::{self, Found},
};

/// What somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRecord {
    /// Which record.
    id: AuditId,
    /// When it happened.
    occurred_at: Timestamp,
    /// Who did it.
    actor: Actor,
    /// What happened.
    #[schema(value_type = Action)]
    action: String,
    /// The id, or the key, of what it happened to.
    target: String,
    /// Why it was refused: the code of the refusal; `null` where it was not.
    reason: Option<String>,
    /// From which address; `null` for the operator.
    ip_address: Option<String>,
    /// In which request.
    request_id: String,
    /// What changed, by field; `null` where nothing did. For `audit_log.read` these are the filters.
    changes: Option<BTreeMap<String, FromTo>>,
}

impl From<StoredRecord> for AuditRecord {
    fn from(record: StoredRecord) -> Self {
        let StoredRecord {
            id,
            occurred_at,
            actor,
            action,
            target,
            reason,
            ip_address,
            request_id,
            changes,
        } = record;
        Self { id, occurred_at, actor, action, target, reason, ip_address, request_id, changes }
    }
}

/// One page, in the form that was asked for.
#[derive(Debug)]
pub enum Answer {
    /// `{"data": […], "meta": {…}}`.
    Json(Page<AuditRecord>),
    /// A record a line.
    Lines(Lines),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(page) => page.into_response(),
            Self::Lines(lines) => lines.into_response(),
        }
    }
}

/// Lists the organization's audit records, newest first.
///
/// One request reads a bounded part of the log, in at most ten queries: with filters that match
/// little, a page can be short or empty and still have a `next_cursor`. Only where that is `null`
/// the list has ended. A cursor is good for the filters that it was given out for.
///
/// Reading is itself recorded, as `audit_log.read` with the filters, in every page's own request; the
/// page that it is about does not have it. `Accept: application/x-ndjson` gets one record a line,
/// and the next cursor in `Next-Cursor`.
///
/// A page that one day fills takes one query beside the two calls of every change; one that it does
/// not fill takes another for the index of days, and one for each further day.
///
/// # Errors
/// 400 `malformed_query` and `invalid_cursor`; those of every route that needs `audit:read`.
#[utoipa::path(
    get,
    path = "/api/audit-log",
    operation_id = "list_audit_records",
    tag = "Audit log",
    security(("bearer" = ["audit:read"])),
    params(Filters, shared::http::query::Paging),
    responses(
        (
            status = 200,
            content(
                (Page<AuditRecord> = "application/json"),
                (AuditRecord = "application/x-ndjson"),
            ),
            headers(("Next-Cursor" = String, description = "Of NDJSON: the `cursor` of the next page; missing on the last")),
        ),
        Refusals,
    ),
)]
pub async fn handler(
    caller: Caller<AuditRead>,
    Request { filters, paging }: Request,
    headers: HeaderMap,
) -> Result<Answer, Error> {
    let texts = filters.texts();
    let [from, to, actor, action] = &texts;
    let list = List {
        key: &caller.organization.cursor_key,
        scope: &["audit-log", from, to, actor, action],
    };
    let after = list.after(&paging)?;
    let after = after.map(|position| position.parse().map_err(|_| Error::InvalidCursor));
    let Found { records, rest } =
        walk::find(&caller, &filters, after.transpose()?, paging.limit).await?;
    let next_cursor = rest.map(|rest| list.cursor(&rest.to_string())).transpose()?;
    let data = records.into_iter().map(AuditRecord::from).collect();
    let page = Page { data, meta: PageMeta { next_cursor } };
    let answer =
        if wants_lines(&headers) { Answer::Lines(Lines::of(&page)?) } else { Answer::Json(page) };
    // After the search, so that it does not find itself; before the answer, so that nobody reads
    // without a trace.
    let (call, organization) = (&caller.call, &caller.organization);
    let audit = caller.audit(Action::AuditLogRead, organization.id, filters.changes());
    call.store.note(organization, &audit, &*call.random).await?;
    Ok(answer)
}

/// Whether `Accept` names NDJSON, and prefers nothing to it (RFC 9110, 12.5.1).
fn wants_lines(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut lines, mut json) = (0.0, 0.0);
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix(['q', 'Q'])?.strip_prefix('='));
        let quality = weight.map_or(Ok(1.0), str::parse);
        let quality: f32 = quality.unwrap_or(0.0);
        if kind.eq_ignore_ascii_case(Lines::TYPE) {
            lines = quality;
        } else if kind.eq_ignore_ascii_case("application/json") {
            json = quality;
        }
    }
    lines > 0.0 && lines >= json
}
