//! `POST /api/notifications/events`

use axum::http::StatusCode;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsPublish},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ChannelId, DeliveryId, EventId},
    model::{
        audit::Action,
        notifications::{
            Severity, announcement::Announcement, delivery::Status, draft::Draft, event::Published,
        },
    },
    store::{Lost, Publication, Tries},
};
use utoipa::ToSchema;

use crate::edit_conflict;

/// An event that was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedEvent {
    /// What it is called.
    event_id: String,
    /// What has happened.
    r#type: &'static str,
    /// How grave it is.
    severity: Severity,
    /// When it happened.
    occurred_at: Timestamp,
    /// One for each channel that a rule leads it to.
    deliveries: Vec<QueuedDelivery>,
}

/// A delivery of an event, as it was queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedDelivery {
    /// Which delivery: `GET /api/notifications/deliveries/{id}` tells what becomes of it.
    delivery_id: DeliveryId,
    /// Where it goes.
    channel_id: ChannelId,
    /// Always `queued`.
    status: Status,
}

impl From<&Published> for PublishedEvent {
    fn from(published: &Published) -> Self {
        let queued = |(delivery_id, channel_id): &(DeliveryId, ChannelId)| QueuedDelivery {
            delivery_id: *delivery_id,
            channel_id: *channel_id,
            status: Status::Queued,
        };
        Self {
            event_id: published.event.id.clone(),
            r#type: published.event.name.as_str(),
            severity: published.event.severity,
            occurred_at: published.event.occurred_at,
            deliveries: published.deliveries.iter().map(queued).collect(),
        }
    }
}

/// Publishes an event: it goes to each channel that a rule leads it to, once. All of its deliveries are
/// queued, or nothing is.
///
/// # Errors
/// 422 `event_id_reused` for an event of this id that said something else; 422 `not_publishable` at
/// `/type` for what this service emits itself; 422 `idempotency_key_reused`; those of every route that
/// needs `notifications:publish`.
#[utoipa::path(
    post,
    path = "/api/notifications/events",
    operation_id = "publish_event",
    tag = "Notifications",
    security(("bearer" = ["notifications:publish"])),
    request_body = Announcement,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["event_id_reused", "edit_conflict"]))),
    responses(
        (status = 200, description = "It had come before: what was answered then.", body = Envelope<PublishedEvent>),
        (status = 202, description = "Its deliveries are queued.", body = Envelope<PublishedEvent>),
        Refusals,
    ),
)]
pub async fn handler(
    caller: Caller<NotificationsPublish>,
    Body { value: request, digest }: Body<Announcement>,
) -> Result<Fixed, Error> {
    let path = "/api/notifications/events";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let digest = request.digest()?;
    let event = request.event(call.now, || EventId::generate(call.now, &*call.random).to_string());
    let mut tries = Tries::new(&*call.random);
    loop {
        let rules = call.store.notifications(organization.id).await?;
        let draft = Draft::of(organization.id, &event, &digest, &rules, call.now);
        let answer = show(StatusCode::ACCEPTED, &draft.published)?;
        let record =
            first.record(call, &answer)?.map(|(key, record)| (caller.user.id, key, record));
        let audit = caller.audit(Action::EventPublished, &event.id, draft.changes());
        let publication = Publication::of(&draft, organization, &audit);
        let written = call.store.publish(publication, record, &*call.random).await;
        let lost = match first.conclude(call, written, answer).await {
            Err(lost @ Lost::Condition(_)) => lost,
            concluded => return concluded.map_err(|lost| lost.or(edit_conflict())),
        };
        match call.store.event_before(organization.id, &draft.published, call.now).await? {
            Some(before) => {
                let answer = show(StatusCode::OK, &before)?;
                let Some((key, record)) = first.record(call, &answer)? else { return Ok(answer) };
                let (organization, user) = (organization.id, caller.user.id);
                let (recorded, random) = ((&key, &record), &*call.random);
                let write =
                    call.store.record_replay(organization, user, recorded, call.now, random);
                let concluded = first.conclude(call, write.await, answer).await;
                return concluded.map_err(|lost| lost.or(edit_conflict()));
            }
            None if tries.again().await => {}
            None => return Err(lost.or(edit_conflict())),
        }
    }
}

fn show(status: StatusCode, published: &Published) -> Result<Fixed, Error> {
    Fixed::json(status, &Envelope { data: PublishedEvent::from(published) })
}
