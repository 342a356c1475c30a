//! `GET /api/notifications/rules/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsRead},
    error::Error,
    http::{
        answer::{Data, Envelope},
        path::PathId,
        problem::Refusals,
    },
    ids::{RuleId, RuleKind},
};

use crate::rule::ShownRule;

/// Tells one of the organization's rules.
///
/// # Errors
/// 404; those of every route that needs `notifications:read`.
#[utoipa::path(
    get,
    path = "/api/notifications/rules/{id}",
    operation_id = "get_notification_rule",
    tag = "Notifications",
    security(("bearer" = ["notifications:read"])),
    params(("id" = RuleId, Path)),
    responses((status = 200, body = Envelope<ShownRule>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsRead>,
    PathId(id): PathId<RuleKind>,
) -> Result<Data<ShownRule>, Error> {
    let rule = caller.call.store.rule(caller.organization.id, id).await?.ok_or(Error::NotFound)?;
    Ok(Data::tagged((&rule).into(), rule.etag()))
}
