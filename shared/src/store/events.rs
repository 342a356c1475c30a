//! Reads and writes of events and their deliveries.

use super::{
    ReplayKey, ReplayRecord, Store,
    api_keys::with_replay,
    decode::decode,
    expression::Expression,
    key::{EXPIRES_AT, Key},
    transaction::Lost,
};
use crate::{
    error::Error,
    ids::{DeliveryId, OrganizationId, UserId},
    model::{
        audit::AuditRecord,
        notifications::{delivery::Delivery, event::Published},
        organization::Organization,
    },
    random::Random,
};

/// An event that is published, or a channel that is tried.
#[derive(Debug)]
pub struct Publication<'a> {
    /// Whose it is.
    pub organization: &'a Organization,
    /// Who publishes it.
    pub user: UserId,
    /// What it is known again by; `None` for a channel that is tried.
    pub published: Option<&'a Published>,
    /// Its deliveries.
    pub deliveries: &'a [Delivery],
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

impl Store {
    /// Writes an event and all its deliveries, or nothing.
    ///
    /// # Errors
    /// `Condition` where there is an event of this id already, or the idempotency key has been used.
    pub async fn publish(
        &self,
        publication: Publication<'_>,
        replay: Option<(ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let Publication { organization, user, published, deliveries, audit } = publication;
        let now = audit.occurred_at;
        let mut transaction = self.transaction();
        if let Some(published) = published {
            // What TTL has not removed yet, and is over, stands in nobody's way.
            let condition = Expression::default()
                .when_absent_or_below(&[EXPIRES_AT], &(now.as_second() + 1))?;
            let key = Key::event(organization.id, &published.event.id);
            transaction = transaction.put(key, published, condition)?;
        }
        for delivery in deliveries {
            let key = Key::delivery(organization.id, delivery.id);
            transaction = transaction.put(key, delivery, Expression::new_item())?;
        }
        let transaction = transaction.audit(organization, audit)?;
        with_replay(transaction, organization.id, user, replay, now)?.commit(random).await
    }

    /// Reads an event by what its publisher calls it.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the item does not decode.
    pub async fn published_event(
        &self,
        organization: OrganizationId,
        id: &str,
    ) -> Result<Option<Published>, Error> {
        let item = self.get(Key::event(organization, id)).await?;
        item.map(|item| decode("event", item)).transpose()
    }

    /// Reads a delivery.
    ///
    /// # Errors
    /// As [`Self::published_event`].
    pub async fn delivery(
        &self,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Error> {
        let item = self.get(Key::delivery(organization, id)).await?;
        item.map(|item| decode("delivery", item)).transpose()
    }
}
