//! Reads and writes of notification channels and rules.
//!
//! They lie in one partition, with an item that counts the changes of which there are. A write that
//! adds, removes or replaces one has that count as its condition: what it was decided by, such as a
//! limit or a name, then still holds.

use serde::Deserialize;

use super::{
    ReplayKey, ReplayRecord, Store,
    api_keys::with_replay,
    expression::Expression,
    item::Item,
    key::{Key, PARTITION, SORT},
    query::Query,
    transaction::{Lost, Transaction},
};
use crate::{
    error::Error,
    ids::{ChannelId, ChannelKind, Kind as _, OrganizationId, RuleId, RuleKind, UserId},
    model::{
        audit::AuditRecord,
        notifications::{Notifications, channel::Channel, rule::Rule},
        organization::Organization,
    },
    random::Random,
};

/// A change of which channels and rules there are.
#[derive(Debug)]
pub struct NotificationsChange<'a> {
    /// Whose they are.
    pub organization: &'a Organization,
    /// What there was, as it was read.
    pub read: &'a Notifications,
    /// Who changes it.
    pub user: UserId,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

/// A change of one channel.
#[derive(Debug)]
pub struct ChannelChange<'a> {
    /// Whose it is.
    pub organization: &'a Organization,
    /// The channel as it was read.
    pub before: &'a Channel,
    /// The channel as it will be.
    pub after: &'a Channel,
    /// Who changes it.
    pub user: UserId,
    /// Its audit record.
    pub audit: &'a AuditRecord,
}

/// What counts the changes of which channels and rules there are.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl Store {
    /// Reads an organization's channels and rules, oldest first.
    ///
    /// # Errors
    /// 503 where the table cannot answer; 500 where an item does not decode.
    pub async fn notifications(
        &self,
        organization: OrganizationId,
    ) -> Result<Notifications, Error> {
        let mut all = Notifications::default();
        // The count sorts before what it counts, so it is read first: what is read after it may be
        // newer, and a write on its condition is then lost.
        for item in self.query_notifications(organization, None).await? {
            if item.sort.starts_with(ChannelKind::PREFIX) {
                all.channels.push(item.decode("channel")?);
            } else if item.sort.starts_with(RuleKind::PREFIX) {
                all.rules.push(item.decode("rule")?);
            } else {
                all.version = item.decode::<Version>("notifications")?.version;
            }
        }
        Ok(all)
    }

    /// Reads an organization's channels alone, oldest first.
    ///
    /// # Errors
    /// As [`Self::notifications`].
    pub async fn channels(&self, organization: OrganizationId) -> Result<Vec<Channel>, Error> {
        let key = |bits| Key::channel(organization, ChannelId::from_bits(bits));
        let items = self.query_notifications(organization, Some([key(0), key(u128::MAX)])).await?;
        items.into_iter().map(|item| item.decode("channel")).collect()
    }

    /// Reads an organization's rules alone, oldest first.
    ///
    /// # Errors
    /// As [`Self::notifications`].
    pub async fn rules(&self, organization: OrganizationId) -> Result<Vec<Rule>, Error> {
        let key = |bits| Key::rule(organization, RuleId::from_bits(bits));
        let items = self.query_notifications(organization, Some([key(0), key(u128::MAX)])).await?;
        items.into_iter().map(|item| item.decode("rule")).collect()
    }

    /// Reads one channel.
    ///
    /// # Errors
    /// As [`Self::notifications`].
    pub async fn channel(
        &self,
        organization: OrganizationId,
        id: ChannelId,
    ) -> Result<Option<Channel>, Error> {
        let item = self.get(Key::channel(organization, id)).await?;
        item.map(|item| item.decode("channel")).transpose()
    }

    /// Reads one rule.
    ///
    /// # Errors
    /// As [`Self::notifications`].
    pub async fn rule(
        &self,
        organization: OrganizationId,
        id: RuleId,
    ) -> Result<Option<Rule>, Error> {
        let item = self.get(Key::rule(organization, id)).await?;
        item.map(|item| item.decode("rule")).transpose()
    }

    async fn query_notifications(
        &self,
        organization: OrganizationId,
        between: Option<[Key; 2]>,
    ) -> Result<Vec<Item>, Error> {
        let partition = Key::notifications(organization);
        let mut condition = Expression::default().when_equal(&[PARTITION], &partition)?;
        if let Some([low, high]) = between {
            condition = condition.when_between(&[SORT], &low.sort(), &high.sort())?;
        }
        self.query_all(Query::new(condition)).await
    }

    /// Adds a channel.
    ///
    /// # Errors
    /// `Condition` where which channels and rules there are is not as it was read, or the
    /// idempotency key has been used.
    pub async fn create_channel(
        &self,
        change: NotificationsChange<'_>,
        channel: &Channel,
        replay: Option<(ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let NotificationsChange { organization, user, audit, .. } = change;
        let key = Key::channel(organization.id, channel.id);
        let transaction =
            self.change_notifications(&change)?.put(key, channel, Expression::new_item())?;
        with_replay(transaction, organization.id, user, replay, audit.occurred_at)?
            .commit(random)
            .await
    }

    /// Removes a channel that is still of the version that was read, and takes it out of the rules
    /// that lead to it: `rules`, as they will be.
    ///
    /// # Errors
    /// `Condition` where it is not, or which channels and rules there are is not as it was read.
    pub async fn delete_channel(
        &self,
        change: NotificationsChange<'_>,
        channel: &Channel,
        rules: &[Rule],
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let organization = change.organization.id;
        let same = Expression::default().when_equal(&["version"], &channel.version)?;
        let mut transaction = self
            .change_notifications(&change)?
            .delete(Key::channel(organization, channel.id), same)?;
        for rule in rules {
            let expression = Expression::default()
                .set(&["channel_ids"], &rule.channel_ids)?
                .set(&["updated_at"], &rule.updated_at.as_second())?
                .set(&["version"], &rule.version)?;
            transaction = transaction.update(Key::rule(organization, rule.id), expression)?;
        }
        transaction.commit(random).await
    }

    /// Changes a channel that is still of the version that was read. How its attempts have gone is
    /// left as it is, but where it is enabled or leads elsewhere: then it begins anew.
    ///
    /// # Errors
    /// `Condition` where it is not, or the idempotency key has been used.
    pub async fn update_channel(
        &self,
        change: ChannelChange<'_>,
        replay: Option<(ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let ChannelChange { organization, before, after, user, audit } = change;
        let mut expression = Expression::default()
            .set(&["name"], &after.name)?
            .set(&["enabled"], &after.enabled)?
            .set(&["config"], &after.config)?
            .put(&["quiet_hours"], after.quiet_hours.as_ref())?
            .set(&["updated_at"], &after.updated_at.as_second())?
            .set(&["version"], &after.version)?
            .when_equal(&["version"], &before.version)?;
        let is_enabled = after.enabled && !before.enabled;
        if is_enabled || after.config != before.config {
            expression = expression.remove(&["failing_since"]);
        }
        if is_enabled {
            expression = expression.remove(&["gave_up_at"]).remove(&["receiver_gone"]);
        }
        let transaction = self
            .transaction()
            .update(Key::channel(organization.id, after.id), expression)?
            .audit(organization, audit)?;
        with_replay(transaction, organization.id, user, replay, audit.occurred_at)?
            .commit(random)
            .await
    }

    /// Adds a rule, or replaces it.
    ///
    /// # Errors
    /// As [`Self::create_channel`].
    pub async fn put_rule(
        &self,
        change: NotificationsChange<'_>,
        rule: &Rule,
        replay: Option<(ReplayKey, ReplayRecord)>,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let NotificationsChange { organization, user, audit, .. } = change;
        let key = Key::rule(organization.id, rule.id);
        let transaction =
            self.change_notifications(&change)?.put(key, rule, Expression::default())?;
        with_replay(transaction, organization.id, user, replay, audit.occurred_at)?
            .commit(random)
            .await
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// `Condition` where which channels and rules there are is not as it was read.
    pub async fn delete_rule(
        &self,
        change: NotificationsChange<'_>,
        id: RuleId,
        random: &dyn Random,
    ) -> Result<(), Lost> {
        let key = Key::rule(change.organization.id, id);
        self.change_notifications(&change)?.delete(key, Expression::default())?.commit(random).await
    }

    fn change_notifications(
        &self,
        change: &NotificationsChange<'_>,
    ) -> Result<Transaction<'_>, Error> {
        let NotificationsChange { organization, read, audit, .. } = change;
        let expression = Expression::default().set(&["version"], &(read.version + 1))?;
        let expression = if read.version == 0 {
            expression.when_absent(&["version"])
        } else {
            expression.when_equal(&["version"], &read.version)?
        };
        self.transaction()
            .update(Key::notifications_version(organization.id), expression)?
            .audit(organization, audit)
    }
}
