//! Reads and writes of deliveries that are under way, and of how channels fare.

use std::collections::{BTreeSet, HashMap};

use super::{
    Store,
    encode::Attributes,
    expression::Expression,
    item::Item,
    key::{Key, PARTITION},
    query::Query,
    transaction::Lost,
};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{ChannelId, DeliveryId, OrganizationId},
    model::{
        audit::AuditRecord,
        notifications::{
            channel::{Channel, Config},
            delivery::{CLAIM_SECONDS, Delivery, shard},
        },
        organization::Organization,
    },
    random::Random,
};

/// The index of what is due, and its attributes.
const INDEX: &str = "due";
const SHARD: &str = "due_shard";
const DUE_AT: &str = "due_at";

/// How many items are read at once: DynamoDB's own bound.
pub const MAX_AT_ONCE: usize = 100;

/// A channel, and whose it is.
pub type ChannelKey = (OrganizationId, ChannelId);

/// Channels as they were read: one that is missing is deleted, one without a value does not decode.
pub type Channels = HashMap<ChannelKey, Option<Channel>>;

/// A delivery that is queued, as the index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub id: DeliveryId,
    /// When it is to be tried.
    pub at: Timestamp,
}

/// Some of what is due.
#[derive(Debug)]
pub struct DuePage {
    /// The deliveries, first due first.
    pub due: Vec<Due>,
    /// Where the next page begins, if there is one.
    pub end: Option<DueEnd>,
}

/// Where a page of what is due ended.
#[derive(Debug)]
pub struct DueEnd(Attributes);

impl Store {
    /// Reads some of what is due in a partition of the index until a moment: at most [`MAX_AT_ONCE`].
    /// The index follows the table with a delay; what is read of it is a hint, and the claim decides.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn due(
        &self,
        number: u8,
        until: Timestamp,
        start: Option<DueEnd>,
    ) -> Result<DuePage, Error> {
        let condition = Expression::default().when_equal(&[SHARD], &shard(number))?.when_between(
            &[DUE_AT],
            &0,
            &until.as_second(),
        )?;
        let query = Query::new(condition).in_index(INDEX).limit(MAX_AT_ONCE);
        let page = self.query::<Item>(query.after(start.map(|DueEnd(key)| key))).await?;
        let due = page.items.into_iter().filter_map(|item| {
            let (organization_id, id) = Key::delivery_of(&item)?;
            let at = item.attribute("delivery", DUE_AT).ok()??;
            Some(Due { organization_id, id, at: Timestamp::from_second(at) })
        });
        Ok(DuePage { due: due.collect(), end: page.end.map(DueEnd) })
    }

    /// Reads deliveries, at most [`MAX_AT_ONCE`]. One that does not decode is told to the log and left
    /// out: it must not hold up the others.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn deliveries(&self, due: &[Due]) -> Result<Vec<Delivery>, Error> {
        let keys = due.iter().map(|it| Key::delivery(it.organization_id, it.id));
        let items = self.batch_get_all(keys).await?.into_iter();
        Ok(items.filter_map(|item| told(item.decode("delivery"))).collect())
    }

    /// Reads channels as they are now, at most [`MAX_AT_ONCE`].
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn channels_now(&self, wanted: &BTreeSet<ChannelKey>) -> Result<Channels, Error> {
        let keys = wanted.iter().map(|(of, id)| Key::channel(*of, *id));
        let items = self.batch_get_all(keys).await?;
        let mut channels = Channels::new();
        for item in items {
            let key = wanted.iter().find(|(of, id)| item.is_at(&Key::channel(*of, *id)));
            if let Some(key) = key {
                channels.insert(*key, told(item.decode("channel")));
            }
        }
        Ok(channels)
    }

    /// Claims a delivery that was read as due: nobody else tries it until its new `due_at`, which is
    /// set in it. Tells whether it was still as it was read.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn claim(&self, delivery: &mut Delivery, now: Timestamp) -> Result<bool, Error> {
        let Some(due_at) = delivery.due_at else { return Ok(false) };
        // It only ever moves on: what was claimed once is never again as it was read before.
        let until = now.max(due_at).plus_seconds(CLAIM_SECONDS);
        let expression = Expression::default()
            .set(&[DUE_AT], &until.as_second())?
            .when_equal(&[DUE_AT], &due_at.as_second())?;
        let claimed =
            self.touch(Key::delivery(delivery.organization_id, delivery.id), expression).await?;
        if claimed {
            delivery.due_at = Some(until.whole_second());
        }
        Ok(claimed)
    }

    /// Writes what has become of a delivery, on the condition that it is still due as it was read or
    /// claimed. Tells whether it was.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn settle(
        &self,
        due_at: Option<Timestamp>,
        delivery: &Delivery,
    ) -> Result<bool, Error> {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let expression = Expression::default()
            .set(&["status"], &delivery.status)?
            .set(&["attempts"], &delivery.attempts)?
            .put(&["reason"], delivery.reason.as_ref())?
            .put(&["taken_by"], some(&delivery.taken_by).as_ref())?
            .put(&["refused_by"], some(&delivery.refused_by).as_ref())?
            .put(&[DUE_AT], delivery.due_at.map(Timestamp::as_second).as_ref())?
            .put(&[SHARD], delivery.due_shard.as_ref())?
            .when_equal(&[DUE_AT], &due_at.map(Timestamp::as_second))?;
        self.touch(Key::delivery(delivery.organization_id, delivery.id), expression).await
    }

    /// Writes deliveries, those alone that are not there yet: one that is has perhaps been tried.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn add_deliveries(
        &self,
        deliveries: &[Delivery],
        random: &dyn Random,
    ) -> Result<(), Error> {
        if deliveries.is_empty() {
            return Ok(());
        }
        match self.add_all(deliveries, random).await {
            Err(Lost::Condition(_)) => {}
            other => return other.map_err(|lost| lost.or(Error::NotFound)),
        }
        for delivery in deliveries {
            match self.add_all(std::slice::from_ref(delivery), random).await {
                Ok(()) | Err(Lost::Condition(_)) => {}
                Err(lost) => return Err(lost.or(Error::NotFound)),
            }
        }
        Ok(())
    }

    async fn add_all(&self, deliveries: &[Delivery], random: &dyn Random) -> Result<(), Lost> {
        let mut transaction = self.transaction();
        for delivery in deliveries {
            let key = Key::delivery(delivery.organization_id, delivery.id);
            transaction = transaction.put(key, delivery, Expression::new_item())?;
        }
        transaction.commit(random).await
    }

    /// Notes that a channel fails since a moment, where none is noted.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn channel_fails(&self, channel: ChannelKey, since: Timestamp) -> Result<(), Error> {
        let expression = Expression::default()
            .set(&["failing_since"], &since.as_second())?
            .when_present(&[PARTITION])
            .when_absent(&["failing_since"]);
        self.touch(Key::channel(channel.0, channel.1), expression).await.map(drop)
    }

    /// Notes that a channel works.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn channel_works(&self, channel: ChannelKey) -> Result<(), Error> {
        let expression =
            Expression::default().remove(&["failing_since"]).when_present(&["failing_since"]);
        self.touch(Key::channel(channel.0, channel.1), expression).await.map(drop)
    }

    /// Writes a channel's configuration with its secrets encrypted anew, unless somebody has changed the
    /// channel since it was read.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn reseal_channel(
        &self,
        organization: OrganizationId,
        channel: &Channel,
        config: &Config,
    ) -> Result<(), Error> {
        let expression = Expression::default()
            .set(&["config"], config)?
            .when_equal(&["version"], &channel.version)?;
        self.touch(Key::channel(organization, channel.id), expression).await.map(drop)
    }

    /// Disables a channel that has only failed, or whose receiver is gone, on the condition that nobody
    /// has changed it since it was read.
    ///
    /// # Errors
    /// `Condition(0)` where somebody has.
    pub async fn give_channel_up(
        &self,
        organization: &Organization,
        channel: &Channel,
        receiver_gone: bool,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default()
            .set(&["enabled"], &false)?
            .set(&["gave_up_at"], &audit.occurred_at.as_second())?
            .put(&["receiver_gone"], receiver_gone.then_some(&true))?
            .set(&["version"], &(channel.version + 1))?
            .when_equal(&["version"], &channel.version)?
            .when_equal(&["enabled"], &true)?;
        self.transaction()
            .update(Key::channel(organization.id, channel.id), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }

    /// Enables a channel again that was given up, on the condition that nobody has changed it since it
    /// was read.
    ///
    /// # Errors
    /// `Condition(0)` where somebody has.
    pub async fn enable_channel_again(
        &self,
        organization: &Organization,
        channel: &Channel,
        audit: &AuditRecord,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let expression = Expression::default()
            .set(&["enabled"], &true)?
            .remove(&["gave_up_at"])
            .remove(&["receiver_gone"])
            .remove(&["failing_since"])
            .set(&["version"], &(channel.version + 1))?
            .when_equal(&["version"], &channel.version)?
            .when_present(&["gave_up_at"]);
        self.transaction()
            .update(Key::channel(organization.id, channel.id), expression)?
            .audit(organization, audit)?
            .commit(random)
            .await
    }
}

fn told<T>(decoded: Result<T, Error>) -> Option<T> {
    decoded.inspect_err(|error| tracing::error!(cause = %error, "an item is left out")).ok()
}
