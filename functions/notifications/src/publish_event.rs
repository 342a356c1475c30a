//! `POST /api/notifications/events`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsPublish},
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        field::Moment,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ChannelId, DeliveryId, EventId},
    model::{
        audit::{Action, Changes},
        notifications::{
            Severity,
            delivery::{Delivery, Status},
            event::{EVENT_DAYS, Event, Published},
        },
    },
    store::{Lost, Publication, Tries},
};
use utoipa::ToSchema;

use crate::{
    edit_conflict,
    event::{EventData, PublicEvent, PublisherId, Summary},
    rule::PipelineId,
    values::Count,
};

/// The event to publish.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = PublishEvent)]
pub struct Request {
    /// What its publisher calls it: an event that comes again within 30 days is not delivered again.
    /// Left out or `null`: it is another one each time.
    #[deserr(default)]
    id: Option<PublisherId>,
    /// What has happened.
    #[deserr(rename = "type")]
    #[schema(rename = "type")]
    name: PublicEvent,
    /// How grave it is. Left out or `null`: as such events are.
    #[deserr(default)]
    severity: Option<Severity>,
    /// When it happened (RFC 3339). Left out or `null`: now.
    #[deserr(default)]
    occurred_at: Option<Moment>,
    /// The pipeline that it is about.
    #[deserr(default)]
    pipeline_id: Option<PipelineId>,
    /// The number that it is about, such as the records in a queue.
    #[deserr(default)]
    value: Option<Count>,
    /// What has happened, for people.
    #[deserr(default)]
    summary: Option<Summary>,
    /// What else there is to say: an object of at most 4,096 bytes when written without blanks.
    #[deserr(default)]
    data: Option<EventData>,
}

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
    request_body = Request,
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
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let path = "/api/notifications/events";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let digest = said(&request)?;
    // Deliveries' ids are made of this moment, and the table keeps whole seconds of it.
    let now = call.now.whole_second();
    let event = event(request, now, || EventId::generate(call.now, &*call.random).to_string());
    let mut tries = Tries::new(&*call.random);
    loop {
        let rules = call.store.notifications(organization.id).await?;
        let matching = rules.matching(&event);
        let deliveries: Vec<_> =
            matching.map(|it| Delivery::new(organization.id, &event, it, now)).collect();
        let published = Published {
            event: event.clone(),
            received_at: now,
            digest: digest.clone(),
            deliveries: deliveries.iter().map(|it| (it.id, it.channel_id)).collect(),
            expires_at: now.plus_days(EVENT_DAYS),
        };
        let answer = show(StatusCode::ACCEPTED, &published)?;
        let record = first.record(call, &answer)?;
        let publication = Publication {
            organization,
            user: caller.user.id,
            published: Some(&published),
            deliveries: &deliveries,
            audit: &caller.audit(Action::EventPublished, &event.id, changes(&published)),
        };
        let written = call.store.publish(publication, record, &*call.random).await;
        let lost = match first.conclude(call, written, answer).await {
            Err(lost @ Lost::Condition(_)) => lost,
            concluded => return concluded.map_err(|lost| lost.or(edit_conflict())),
        };
        let before = call.store.published_event(organization.id, &event.id).await?;
        match before.filter(|before| call.now < before.expires_at) {
            Some(before) if before.digest == digest => return show(StatusCode::OK, &before),
            Some(_) => return Err(Error::EventIdReused),
            None if tries.again().await => {}
            None => return Err(lost.or(edit_conflict())),
        }
    }
}

/// A digest of what the publisher has said.
fn said(request: &Request) -> Result<String, Error> {
    let Request { id: _, name, severity, occurred_at, pipeline_id, value, summary, data } = request;
    Published::digest_of(&(
        name.0,
        severity,
        occurred_at.as_ref().map(|moment| moment.0),
        pipeline_id.as_ref().map(|id| &id.0),
        value.map(|value| value.0),
        summary.as_ref().map(|text| &text.0),
        data.as_ref().map(|data| &data.0),
    ))
}

fn event(request: Request, now: Timestamp, new_id: impl FnOnce() -> String) -> Event {
    let Request { id, name, severity, occurred_at, pipeline_id, value, summary, data } = request;
    Event {
        id: id.map_or_else(new_id, |id| id.0),
        name: name.0,
        severity: severity.unwrap_or(name.0.severity()),
        occurred_at: occurred_at.map_or(now, |moment| moment.0),
        pipeline_id: pipeline_id.map(|id| id.0),
        value: value.map(|value| value.0),
        summary: summary.map(|text| text.0),
        data: data.map(|data| data.0),
    }
}

fn show(status: StatusCode, published: &Published) -> Result<Fixed, Error> {
    Fixed::json(status, &Envelope { data: PublishedEvent::from(published) })
}

fn changes(published: &Published) -> Changes {
    Changes::default()
        .with("type", None::<String>, published.event.name)
        .with("severity", None::<String>, published.event.severity)
        .with("deliveries", None::<String>, published.deliveries.len())
}
