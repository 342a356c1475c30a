//! `GET /api/notifications/channels`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsRead},
    error::Error,
    http::{answer::Page, cursor::List, problem::Refusals, query::Paging},
};

use crate::channel::ShownChannel;

/// Lists the organization's channels, newest first.
///
/// # Errors
/// 400 `invalid_cursor`; those of every route that needs `notifications:read`.
#[utoipa::path(
    get,
    path = "/api/notifications/channels",
    operation_id = "list_notification_channels",
    tag = "Notifications",
    security(("bearer" = ["notifications:read"])),
    params(Paging),
    responses((status = 200, body = Page<ShownChannel>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsRead>,
    paging: Paging,
) -> Result<Page<ShownChannel>, Error> {
    let organization = &caller.organization;
    let list = List { key: &organization.cursor_key, scope: &["notification-channels"] };
    list.after(&paging)?;
    let channels = caller.call.store.channels(organization.id).await?;
    let newest_first = channels.iter().rev();
    list.page(newest_first, &paging, |channel| channel.id.to_string(), ShownChannel::from)
}
