//! `GET /api/notifications/deliveries/{id}`

use serde::Serialize;
use serde_json::Value;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsRead},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        path::PathId,
        problem::Refusals,
    },
    ids::{ChannelId, DeliveryId, DeliveryKind},
    model::notifications::{
        Severity,
        channel::ChannelType,
        delivery::{Attempt, Delivery, Status},
        event::Event,
    },
};
use utoipa::ToSchema;

/// A delivery of an event to a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct ShownDelivery {
    /// Which delivery. The receiver of a message is told it, too, and can tell one that comes again.
    id: DeliveryId,
    /// What has become of it.
    status: Status,
    /// Why it failed, or waits; `null` where there is nothing to say.
    reason: Option<String>,
    /// Where to.
    channel_id: ChannelId,
    /// What kind of channel that is.
    channel_type: ChannelType,
    /// What is delivered.
    event: ShownEvent,
    /// The attempts so far, oldest first.
    attempts: Vec<ShownAttempt>,
    /// When it is to be tried; `null` where it is not tried again.
    next_attempt_at: Option<Timestamp>,
    /// When it was queued.
    created_at: Timestamp,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct ShownEvent {
    /// What its publisher calls it.
    id: String,
    /// What has happened.
    r#type: &'static str,
    /// How grave it is.
    severity: Severity,
    /// When it happened.
    occurred_at: Timestamp,
    /// The pipeline that it is about; `null` where it is about none.
    pipeline_id: Option<String>,
    /// The number that it is about; `null` where there is none.
    value: Option<u64>,
    /// What has happened, for people; `null` where nobody has said.
    summary: Option<String>,
    /// What else its publisher has said; `null` where that is nothing.
    data: Option<Value>,
}

/// An attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub struct ShownAttempt {
    /// When it began.
    at: Timestamp,
    /// Whether the receiver has taken it.
    status: AttemptStatus,
    /// The code of the receiver's answer, HTTP's or, for mail, SMTP's; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    response_code: Option<u16>,
    /// How long it took, in milliseconds.
    milliseconds: u64,
    /// Why it failed; `null` where it did not.
    reason: Option<String>,
}

/// How an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// The receiver has taken it.
    Delivered,
    /// It has not.
    Failed,
}

impl From<Delivery> for ShownDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            status: delivery.status,
            reason: delivery.reason,
            channel_id: delivery.channel_id,
            channel_type: delivery.channel_type,
            event: delivery.event.into(),
            attempts: delivery.attempts.into_iter().map(Into::into).collect(),
            next_attempt_at: delivery.due_at,
            created_at: delivery.created_at,
        }
    }
}

impl From<Event> for ShownEvent {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            r#type: event.name.as_str(),
            severity: event.severity,
            occurred_at: event.occurred_at,
            pipeline_id: event.pipeline_id,
            value: event.value,
            summary: event.summary,
            data: event.data.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

impl From<Attempt> for ShownAttempt {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, succeeded, status, milliseconds, reason } = attempt;
        let outcome = if succeeded { AttemptStatus::Delivered } else { AttemptStatus::Failed };
        Self { at, status: outcome, response_code: status, milliseconds, reason }
    }
}

/// Tells what has become of a delivery, for 30 days.
///
/// # Errors
/// 404; those of every route that needs `notifications:read`.
#[utoipa::path(
    get,
    path = "/api/notifications/deliveries/{id}",
    operation_id = "get_delivery",
    tag = "Notifications",
    security(("bearer" = ["notifications:read"])),
    params(("id" = DeliveryId, Path)),
    extensions(("x-etag" = json!(false))),
    responses((status = 200, body = Envelope<ShownDelivery>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsRead>,
    PathId(id): PathId<DeliveryKind>,
) -> Result<Data<ShownDelivery>, Error> {
    let call = &caller.call;
    let delivery = call.store.delivery(caller.organization.id, id).await?;
    // TTL takes its time; what is over is over.
    let delivery = delivery.filter(|delivery| call.now < delivery.expires_at);
    Ok(Data::untagged(delivery.ok_or(Error::NotFound)?.into()))
}
