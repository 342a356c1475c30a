//! `GET /api/notifications/rules`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsRead},
    error::Error,
    http::{answer::Page, cursor::List, problem::Refusals, query::Paging},
};

use crate::rule::ShownRule;

/// Lists the organization's rules, newest first.
///
/// # Errors
/// 400 `invalid_cursor`; those of every route that needs `notifications:read`.
#[utoipa::path(
    get,
    path = "/api/notifications/rules",
    operation_id = "list_notification_rules",
    tag = "Notifications",
    security(("bearer" = ["notifications:read"])),
    params(Paging),
    responses((status = 200, body = Page<ShownRule>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsRead>,
    paging: Paging,
) -> Result<Page<ShownRule>, Error> {
    let organization = &caller.organization;
    let list = List { key: &organization.cursor_key, scope: &["notification-rules"] };
    list.after(&paging)?;
    let rules = caller.call.store.rules(organization.id).await?;
    list.page(rules.iter().rev(), &paging, |rule| rule.id.to_string(), ShownRule::from)
}
