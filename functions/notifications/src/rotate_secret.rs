//! `POST /api/notifications/channels/{id}/rotate-secret`

use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWriteWithReplay},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        path::PathId,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ChannelId, ChannelKind},
    model::{
        audit::{Action, Changes},
        notifications::{
            channel::{Channel, Config, SigningSecret},
            secret::new_signing_secret,
        },
    },
    store::{ChannelChange, Lost, Tries},
};
use utoipa::ToSchema;

use crate::{NO_BODY, config::seal, edit_conflict};

/// For how many hours the secret before signs along.
const OVERLAP_HOURS: i64 = 24;

/// The webhook's new signing secret.
#[derive(Serialize, ToSchema)]
pub struct RotatedSecret {
    /// Which channel.
    id: ChannelId,
    /// What requests are signed with from now on (Standard Webhooks), shown this once.
    signing_secret: String,
    /// When the secret was replaced.
    rotated_at: Timestamp,
    /// Until when requests are signed with the secret before, too.
    previous_secret_valid_until: Timestamp,
}

/// Replaces a webhook's signing secret. For 24 hours requests are signed with both the new one and the
/// one before; one that is older signs no more.
///
/// # Errors
/// 404; 409 `not_a_webhook`; 409 `edit_conflict` where other changes kept coming first; 422
/// `idempotency_key_reused`; 503 where the deployment's secret is out of reach; those of every route
/// that needs `notifications:write`.
#[utoipa::path(
    post,
    path = "/api/notifications/channels/{id}/rotate-secret",
    operation_id = "rotate_notification_channel_secret",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    params(
        ("id" = ChannelId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer"),
    ),
    extensions(("x-codes" = json!(["not_a_webhook", "edit_conflict"]))),
    responses((status = 200, body = Envelope<RotatedSecret>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWriteWithReplay>,
    PathId(id): PathId<ChannelKind>,
) -> Result<Fixed, Error> {
    let path = format!("/api/notifications/channels/{id}/rotate-secret");
    let first = match Attempt::of(&caller, &path, &NO_BODY)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let secret = new_signing_secret(&*call.random);
    let valid_until = call.now.plus_seconds(OVERLAP_HOURS * 3600);
    let data = RotatedSecret {
        id,
        signing_secret: secret.expose_secret().to_owned(),
        rotated_at: call.now,
        previous_secret_valid_until: valid_until,
    };
    let answer = Fixed::json(StatusCode::OK, &Envelope { data })?;
    let mut tries = Tries::new(&*call.random);
    loop {
        let before = &call.store.channel(organization.id, id).await?.ok_or(Error::NotFound)?;
        let Config::Webhook { url, secrets } = &before.config else {
            let detail = "Only a webhook has a signing secret.";
            return Err(Error::conflict("not_a_webhook", detail));
        };
        let sealed = seal(call, organization.id, id, &secret).await?;
        let previous = secrets.first().cloned();
        let previous = previous.map(|it| SigningSecret { valid_until: Some(valid_until), ..it });
        let newest = SigningSecret { sealed, valid_until: None };
        let secrets = [newest].into_iter().chain(previous).collect();
        let after = &Channel {
            config: Config::Webhook { url: url.clone(), secrets },
            updated_at: call.now,
            version: before.version + 1,
            ..before.clone()
        };
        let record = first.record(call, &answer)?;
        let changes =
            Changes::default().with("previous_secret_valid_until", None::<String>, valid_until);
        let audit = &caller.audit(Action::ChannelSecretRotated, id, changes);
        let change = ChannelChange { organization, before, after, user: caller.user.id, audit };
        let written = call.store.update_channel(change, record, &*call.random).await;
        match first.conclude(call, written, answer.clone()).await {
            Err(Lost::Condition(_)) if tries.again().await => {}
            concluded => return concluded.map_err(|lost| lost.or(edit_conflict())),
        }
    }
}
