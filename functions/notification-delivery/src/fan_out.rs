//! Audit records that are events: they go to the channels that the organization's rules lead to. The
//! record is the event's own, written in the transaction of the change: it cannot be lost, and what it
//! makes has the same ids however often it is made.

use std::collections::BTreeSet;

use serde_json::json;
use shared::{
    error::Error,
    ids::OrganizationId,
    model::{
        audit::{Action, StoredRecord},
        notifications::{
            Notifications,
            channel::Channel,
            delivery::Delivery,
            event::{Event, EventName},
        },
    },
    store::Wanted,
};

use crate::{courier::Courier, health::RECEIVER_GONE};

impl Courier {
    /// Writes the deliveries of an audit record, where it is an event.
    pub(crate) async fn tell(
        &self,
        organization: OrganizationId,
        record: StoredRecord,
    ) -> Result<(), Error> {
        let action = serde_json::from_value::<Action>(record.action.clone().into()).ok();
        let Some(name) = action.and_then(EventName::of) else { return Ok(()) };
        let all = self.app.store.notifications(organization).await?;
        let event = event(name, &record, &all);
        let mut channels: Vec<_> = all.matching(&event).collect();
        if name == EventName::ChannelDisabled {
            let told: BTreeSet<_> = channels.iter().map(|it| it.id).collect();
            // Whoever relies on a channel that is off has to hear of it, by whatever way there is.
            let others = all.channels.iter().filter(|it| it.enabled && !told.contains(&it.id));
            channels.extend(others);
            if channels.is_empty() {
                let letter = self.letter_to_creator(organization, &event, &record, &all).await?;
                let letters = letter.as_slice();
                return self.app.store.add_deliveries(letters, &*self.app.random).await;
            }
        }
        let deliveries: Vec<_> = channels
            .into_iter()
            .map(|channel| Delivery::new(organization, &event, channel, record.occurred_at))
            .collect();
        self.app.store.add_deliveries(&deliveries, &*self.app.random).await
    }

    /// A letter to whoever created a channel that was disabled, for where no other channel is left. There is
    /// none where the deployment has no SMTP server.
    async fn letter_to_creator(
        &self,
        organization: OrganizationId,
        event: &Event,
        record: &StoredRecord,
        all: &Notifications,
    ) -> Result<Option<Delivery>, Error> {
        let Some(channel) = disabled(record, all) else { return Ok(None) };
        let wanted = Wanted::default();
        let read = self.app.store.read_principal(organization, channel.created_by, &wanted).await?;
        let creator = read.principal.map(|it| it.user).filter(|user| !user.disabled);
        let Some(creator) = creator else { return Ok(None) };
        if self.senders.deployment.value().await?.smtp.is_none() {
            tracing::warn!(channel = %channel.id, "there is no SMTP server to tell its creator by");
            return Ok(None);
        }
        Ok(Some(Delivery {
            letter_to: Some(creator.email),
            ..Delivery::new(organization, event, channel, record.occurred_at)
        }))
    }
}

/// The channel that a record is about.
fn disabled<'a>(record: &StoredRecord, all: &'a Notifications) -> Option<&'a Channel> {
    all.channels.iter().find(|channel| channel.id.to_string() == record.target)
}

/// The event that a record is. What has changed from what to what is not told: whoever sees a channel
/// need not be let into the audit log.
fn event(name: EventName, record: &StoredRecord, all: &Notifications) -> Event {
    let about = (name == EventName::ChannelDisabled).then(|| disabled(record, all)).flatten();
    let summary = about.map(|Channel { name, .. }| match record.reason.as_deref() {
        Some(RECEIVER_GONE) => {
            format!("The channel \"{name}\" was disabled: its receiver wants nothing more.")
        }
        _ => format!("The channel \"{name}\" was disabled: it had only failed."),
    });
    let data = json!({
        "actor": record.actor,
        "target": record.target,
        "ip_address": record.ip_address,
        "request_id": record.request_id,
    });
    Event {
        id: record.id.to_string(),
        name,
        severity: name.severity(),
        occurred_at: record.occurred_at,
        pipeline_id: None,
        value: None,
        summary,
        data: Some(data.to_string()),
    }
}
