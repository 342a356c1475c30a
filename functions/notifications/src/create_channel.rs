//! `POST /api/notifications/channels`

use axum::http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWriteWithReplay},
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        problem::Refusals,
        replay::Attempt,
    },
    ids::ChannelId,
    model::{
        audit::{Action, Changes},
        notifications::{MAX_CHANNELS, channel::Channel},
    },
    store::{Lost, NotificationsChange, Tries},
};
use utoipa::ToSchema;

use crate::{
    channel::{ChannelBody, ShownChannel},
    config::shown,
    edit_conflict, limit_reached,
    quiet_hours::ShownQuietHours,
    schema::CreateChannel,
};

/// The new channel.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedNotificationChannel)]
pub struct CreatedChannel {
    #[serde(flatten)]
    channel: ShownChannel,
    /// What requests to a webhook are signed with (Standard Webhooks): shown this once, and left out
    /// for other types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    signing_secret: Option<String>,
}

/// Creates a channel. A webhook's signing secret is in this answer and nowhere else.
///
/// # Errors
/// 409 `limit_reached` with 50 channels; 409 `edit_conflict` where other changes kept coming first;
/// 422 `idempotency_key_reused`; 503 where the deployment's secret is out of reach; those of every
/// route that needs `notifications:write`.
#[utoipa::path(
    post,
    path = "/api/notifications/channels",
    operation_id = "create_notification_channel",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    request_body = CreateChannel,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["limit_reached", "edit_conflict"]))),
    responses((status = 201, body = Envelope<CreatedChannel>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWriteWithReplay>,
    Body { value: body, digest }: Body<ChannelBody>,
) -> Result<Fixed, Error> {
    let path = "/api/notifications/channels";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let given = body.created(call.settings.outbound.allow_insecure)?;
    let id = ChannelId::generate(call.now, &*call.random);
    let (config, secret) = given.config.sealed(call, organization.id, id, None).await?;
    let channel = Channel {
        id,
        name: given.name.0,
        enabled: given.enabled,
        config,
        quiet_hours: given.quiet_hours.map(Into::into),
        created_by: caller.user.id,
        updated_at: call.now,
        version: 1,
        failing_since: None,
        gave_up_at: None,
        receiver_gone: false,
    };
    let answer = Fixed::json(StatusCode::CREATED, &show(&channel, secret.as_ref()))?;
    let audit = &caller.audit(Action::ChannelCreated, id, changes(&channel));
    let mut tries = Tries::new(&*call.random);
    loop {
        let read = &call.store.notifications(organization.id).await?;
        if read.channels.len() >= MAX_CHANNELS {
            return first.refused(call, limit_reached("channels", MAX_CHANNELS)).await;
        }
        let record = first.record(call, &answer)?;
        let change = NotificationsChange { organization, read, user: caller.user.id, audit };
        let written = call.store.create_channel(change, &channel, record, &*call.random).await;
        match first.conclude(call, written, answer.clone()).await {
            Err(Lost::Condition(_)) if tries.again().await => {}
            concluded => return concluded.map_err(|lost| lost.or(edit_conflict())),
        }
    }
}

fn show(channel: &Channel, secret: Option<&SecretString>) -> Envelope<CreatedChannel> {
    let signing_secret = secret.map(|secret| secret.expose_secret().to_owned());
    Envelope { data: CreatedChannel { channel: channel.into(), signing_secret } }
}

fn changes(channel: &Channel) -> Changes {
    let mut changes = Changes::default()
        .with("type", None::<String>, channel.config.channel_type())
        .with("name", None::<String>, &channel.name)
        .with("enabled", None::<String>, channel.enabled)
        .with("config", None::<String>, shown(&channel.config));
    if let Some(hours) = &channel.quiet_hours {
        changes.push("quiet_hours", None::<String>, ShownQuietHours::from(hours));
    }
    changes
}
