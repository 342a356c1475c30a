//! Takes events in that other services of the platform put on the event bus. They are published as those
//! that come by `POST /api/notifications/events` are; whoever may put an event on the bus is trusted to
//! name the organization.
//!
//! What is refused would be refused again: it is told in the log, and dropped. Only what fails by no
//! fault of the event is handed back; Lambda tries it again, and keeps it in a queue at the end.

use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    call::{App, Call},
    error::Error,
    http::{
        fault::{Fault, Faults},
        field::{Existing, Moment, Text},
    },
    ids::{DeliveryId, OrganizationKind},
    model::{
        audit::{Action, Actor},
        notifications::{announcement::Announcement, draft::Draft, event::Published},
    },
    store::{Lost, Publication, Tries},
};

/// The names of what is read of an `EventBridge` event.
const READ: [&str; 3] = ["id", "time", "detail"];

/// How many faults of an event are told, and how many characters of where each of them is: the names in
/// an event are as long as its publisher likes.
const MAX_FAULTS: usize = 5;
const MAX_POINTER: usize = 100;

/// An `EventBridge` event, as far as it is read: all else in it is `EventBridge`'s own.
#[derive(Debug, Deserr)]
#[deserr(error = Faults)]
struct Envelope {
    /// What `EventBridge` calls it, also where it hands it over again.
    id: Text<1, 128>,
    /// When it was put on the bus.
    time: Moment,
    detail: Detail,
}

/// What was put on the bus.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct Detail {
    /// Whose event it is.
    organization_id: Existing<OrganizationKind>,
    /// The event, as the HTTP route takes it.
    event: Announcement,
}

/// What has become of an event.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its deliveries are queued, now or when it came before.
    Published {
        /// What it is called.
        event_id: String,
        /// Its deliveries.
        deliveries: Vec<DeliveryId>,
    },
    /// It is not taken, and never will be.
    Dropped {
        /// The code of the refusal.
        code: &'static str,
        /// What is wrong with it: where, and what.
        faults: Vec<(String, &'static str)>,
    },
}

/// Takes an event in.
///
/// # Errors
/// What another try may mend: 503 where the table cannot answer, 409 `edit_conflict` where other writes
/// kept coming before, 500 where what is in the table does not decode.
pub async fn handle(app: &App, request_id: &str, event: Value) -> Result<Outcome, Error> {
    let call = Call::new(app, request_id, None, None);
    let error = match take(&call, event).await {
        Ok(published) => {
            let ids: Vec<_> = published.deliveries.iter().map(|(id, _)| *id).collect();
            tracing::info!(id = request_id, deliveries = ids.len(), "published");
            return Ok(Outcome::Published { event_id: published.event.id, deliveries: ids });
        }
        Err(error) => error,
    };
    match error {
        Error::Validation(_) | Error::NotFound | Error::EventIdReused => {
            let faults = error.faults().cloned().map(Faults::into_sorted).unwrap_or_default();
            let told = |it: Fault| (it.pointer.chars().take(MAX_POINTER).collect(), it.code);
            let faults: Vec<_> = faults.into_iter().take(MAX_FAULTS).map(told).collect();
            let code = error.code();
            tracing::warn!(id = request_id, code, ?faults, "an event is dropped");
            Ok(Outcome::Dropped { code, faults })
        }
        error => {
            tracing::error!(id = request_id, %error, "an event is handed back");
            Err(error)
        }
    }
}

async fn take(call: &Call, event: Value) -> Result<Published, Error> {
    let Envelope { id, time, detail } = read(event)?;
    let Detail { organization_id, event } = detail;
    let digest = event.digest()?;
    let event = event.event(time.0, || id.0);
    let organization =
        call.store.read_organization(organization_id.0).await?.ok_or(Error::NotFound)?;
    let mut tries = Tries::new(&*call.random);
    loop {
        let rules = call.store.notifications(organization.id).await?;
        let draft = Draft::of(organization.id, &event, &digest, &rules, call.now);
        let action = Action::EventPublished;
        let changes = draft.changes();
        let audit = call.audit(organization.id, Actor::Platform, action, &*event.id, changes);
        let publication = Publication::of(&draft, &organization, &audit);
        let lost = match call.store.publish(publication, None, &*call.random).await {
            Ok(()) => return Ok(draft.published),
            Err(lost @ Lost::Condition(_)) => lost,
            Err(lost) => return Err(lost.or(edit_conflict())),
        };
        match call.store.event_before(organization.id, &draft.published, call.now).await? {
            Some(before) => return Ok(before),
            None if tries.again().await => {}
            None => return Err(lost.or(edit_conflict())),
        }
    }
}

fn read(event: Value) -> Result<Envelope, Error> {
    let Value::Object(event) = event else {
        return Err(Faults::new("", "invalid_type", "Expected an object.").into());
    };
    let read: Map<_, _> =
        event.into_iter().filter(|(name, _)| READ.contains(&name.as_str())).collect();
    deserr::deserialize(Value::Object(read)).map_err(Error::Validation)
}

fn edit_conflict() -> Error {
    Error::conflict("edit_conflict", "Other requests kept changing it. Try again.")
}
