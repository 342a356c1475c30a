//! `POST /api/notifications/channels/{id}/test`

use axum::http::StatusCode;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWriteWithReplay},
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        path::PathId,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ChannelId, ChannelKind, DeliveryId, EventId},
    model::{
        audit::{Action, Changes},
        notifications::{
            delivery::{Delivery, Status},
            event::{Event, EventName},
        },
    },
    store::Publication,
};
use utoipa::ToSchema;

use crate::{NO_BODY, edit_conflict};

/// The test that was queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedTest {
    /// Its delivery: `GET /api/notifications/deliveries/{id}` tells what becomes of it.
    delivery_id: DeliveryId,
    /// Always `queued`.
    status: Status,
}

/// Tries a channel: an event `notification.test` goes to it alone, whatever rules, severity filters and
/// quiet hours say, and though it be disabled. One that was disabled because it had only failed is
/// enabled again where the test is delivered.
///
/// # Errors
/// 404; 422 `idempotency_key_reused`; those of every route that needs `notifications:write`.
#[utoipa::path(
    post,
    path = "/api/notifications/channels/{id}/test",
    operation_id = "test_notification_channel",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    params(
        ("id" = ChannelId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer"),
    ),
    extensions(("x-codes" = json!(["edit_conflict"]))),
    responses((status = 202, body = Envelope<QueuedTest>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWriteWithReplay>,
    PathId(id): PathId<ChannelKind>,
) -> Result<Fixed, Error> {
    let path = format!("/api/notifications/channels/{id}/test");
    let first = match Attempt::of(&caller, &path, &NO_BODY)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let channel = call.store.channel(organization.id, id).await?.ok_or(Error::NotFound)?;
    let now = call.now.whole_second();
    let event = Event {
        id: EventId::generate(call.now, &*call.random).to_string(),
        name: EventName::Test,
        severity: EventName::Test.severity(),
        occurred_at: now,
        pipeline_id: None,
        value: None,
        summary: Some(format!(
            "This is a test of the channel \"{}\". Nothing is to be done.",
            channel.name
        )),
        data: None,
    };
    let delivery = Delivery::new(organization.id, &event, &channel, now);
    let data = QueuedTest { delivery_id: delivery.id, status: delivery.status };
    let answer = Fixed::json(StatusCode::ACCEPTED, &Envelope { data })?;
    let record = first.record(call, &answer)?.map(|(key, record)| (caller.user.id, key, record));
    let changes = Changes::default().with("delivery_id", None::<String>, delivery.id);
    let publication = Publication {
        organization,
        published: None,
        deliveries: &[delivery],
        audit: &caller.audit(Action::ChannelTested, id, changes),
    };
    let written = call.store.publish(publication, record, &*call.random).await;
    first.conclude(call, written, answer).await.map_err(|lost| lost.or(edit_conflict()))
}
