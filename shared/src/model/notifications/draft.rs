//! What an event comes to, whichever way it enters: its deliveries, and what it is known again by.

use super::{
    Notifications,
    delivery::Delivery,
    event::{EVENT_DAYS, Event, Published},
};
use crate::{clock::Timestamp, ids::OrganizationId, model::audit::Changes};

/// An event as it is about to be written.
#[derive(Debug)]
pub struct Draft {
    /// What it is known again by.
    pub published: Published,
    /// Its deliveries: one to each channel, however many rules lead it there.
    pub deliveries: Vec<Delivery>,
}

impl Draft {
    /// What an event that is received now comes to by these rules. `digest` is of what its publisher
    /// has said.
    #[must_use]
    pub fn of(
        organization: OrganizationId,
        event: &Event,
        digest: &str,
        rules: &Notifications,
        now: Timestamp,
    ) -> Self {
        // Deliveries' ids are made of this moment, and the table keeps whole seconds of it.
        let now = now.whole_second();
        let matching = rules.matching(event);
        let deliveries: Vec<_> =
            matching.map(|it| Delivery::new(organization, event, it, now)).collect();
        let published = Published {
            event: event.clone(),
            received_at: now,
            digest: digest.to_owned(),
            deliveries: deliveries.iter().map(|it| (it.id, it.channel_id)).collect(),
            expires_at: now.plus_days(EVENT_DAYS),
        };
        Self { published, deliveries }
    }

    /// What its audit record tells.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::default()
            .with("type", None::<String>, self.published.event.name)
            .with("severity", None::<String>, self.published.event.severity)
            .with("deliveries", None::<String>, self.deliveries.len())
    }
}
