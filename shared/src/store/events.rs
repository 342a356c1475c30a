//! Reads and writes of events and their deliveries.

use super::{
    ReplayKey, ReplayRecord, Store,
    api_keys::with_replay,
    expression::Expression,
    key::{EXPIRES_AT, Key},
    transaction::Lost,
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{DeliveryId, OrganizationId, UserId},
    model::{
        audit::AuditRecord,
        notifications::{delivery::Delivery, draft::Draft, event::Published},
        organization::Organization,
    },
    random::Random,
};

/// An event that is published, or a channel that is tried.
#[derive(Debug)]
pub struct Publication<'a> {
    /// Whose it is.
    pub organization: &'a Organization,
    /// What it is known again by; `None` for a channel that is tried.
    pub published: Option<&'a Published>,
    /// Its deliveries.
    pub deliveries: &'a [Delivery],
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

impl<'a> Publication<'a> {
    /// That of an event.
    #[must_use]
    pub fn of(draft: &'a Draft, organization: &'a Organization, audit: &'a AuditRecord) -> Self {
        let Draft { published, deliveries } = draft;
        Self { organization, published: Some(published), deliveries, audit }
    }
}

impl Store {
    /// Writes an event and all its deliveries, or nothing.
    ///
    /// # Errors
    /// `Condition` where there is an event of this id already, or the user's idempotency key has been
    /// used.
    pub async fn publish(
        &self,
        publication: Publication<'_>,
        replay: Option<(UserId, ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let Publication { organization, published, deliveries, audit } = publication;
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
        let mut transaction = transaction.audit(organization, audit)?;
        if let Some((user, key, record)) = replay {
            let replay = Some((key, record));
            transaction = with_replay(transaction, organization.id, user, replay, now)?;
        }
        transaction.commit(random).await
    }

    /// Reads the event of this one's id that came before, where there is one that is still known.
    ///
    /// # Errors
    /// 422 `event_id_reused` where that one said something else; 503 where the table cannot answer;
    /// 500 where the item does not decode.
    pub async fn event_before(
        &self,
        organization: OrganizationId,
        published: &Published,
        now: Timestamp,
    ) -> Result<Option<Published>, Error> {
        let item = self.get(Key::event(organization, &published.event.id)).await?;
        let before = item.map(|item| item.decode::<Published>("event")).transpose()?;
        match before.filter(|before| now < before.expires_at) {
            Some(before) if before.digest != published.digest => Err(Error::EventIdReused),
            before => Ok(before),
        }
    }

    /// Reads a delivery.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where the item does not decode.
    pub async fn delivery(
        &self,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Error> {
        let item = self.get(Key::delivery(organization, id)).await?;
        item.map(|item| item.decode("delivery")).transpose()
    }
}
