//! `GET /api/notifications/channels/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsRead},
    error::Error,
    http::{
        answer::{Data, Envelope},
        path::PathId,
        problem::Refusals,
    },
    ids::{ChannelId, ChannelKind},
};

use crate::channel::ShownChannel;

/// Tells one of the organization's channels.
///
/// # Errors
/// 404; those of every route that needs `notifications:read`.
#[utoipa::path(
    get,
    path = "/api/notifications/channels/{id}",
    operation_id = "get_notification_channel",
    tag = "Notifications",
    security(("bearer" = ["notifications:read"])),
    params(("id" = ChannelId, Path)),
    responses((status = 200, body = Envelope<ShownChannel>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsRead>,
    PathId(id): PathId<ChannelKind>,
) -> Result<Data<ShownChannel>, Error> {
    let channel = caller.call.store.channel(caller.organization.id, id).await?;
    let channel = channel.ok_or(Error::NotFound)?;
    Ok(Data::tagged((&channel).into(), channel.etag()))
}
