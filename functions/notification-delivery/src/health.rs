//! How channels fare. One that fails is tried apart from the others; one that has only failed for days
//! is disabled, and somebody is told.

use shared::{
    error::Error,
    model::{
        audit::{Action, Actor, Changes},
        notifications::{
            channel::Channel,
            delivery::{Delivery, Status},
            event::EventName,
        },
    },
    store::Lost,
};

use crate::{courier::Courier, senders::Verdict};

/// For how long a channel may only fail, in seconds: five days, which is longer than any delivery is
/// tried.
const PATIENCE: i64 = 5 * 86_400;

/// Why a channel is disabled whose receiver wants nothing more, ever.
pub(crate) const RECEIVER_GONE: &str = "receiver_gone";

impl Courier {
    /// Notes what an attempt tells of its channel, as far as that is news.
    pub(crate) async fn note_health(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        verdict: &Verdict,
    ) -> Result<(), Error> {
        let key = (delivery.organization_id, channel.id);
        let now = self.app.clock.now();
        match verdict {
            Verdict::Postponed { .. } => Ok(()),
            Verdict::Delivered => {
                let is_test = delivery.event.name == EventName::Test;
                if is_test && channel.gave_up_at.is_some() {
                    self.enable_again(delivery, channel).await
                } else if channel.failing_since.is_some() {
                    self.app.store.channel_works(key).await
                } else {
                    Ok(())
                }
            }
            Verdict::Gone { .. } if channel.enabled => {
                self.disable(delivery, channel, RECEIVER_GONE).await
            }
            Verdict::Failed { .. } | Verdict::Refused { .. } | Verdict::Gone { .. } => {
                match channel.failing_since {
                    None => self.app.store.channel_fails(key, now).await,
                    // Not by an attempt that is made again: where little is sent, the first one after days
                    // may meet with a hiccup. Nor by a test: whoever makes one sees what comes of it.
                    Some(since)
                        if channel.enabled
                            && delivery.status == Status::Failed
                            && delivery.event.name != EventName::Test
                            && now.seconds_since(since) >= PATIENCE =>
                    {
                        self.disable(delivery, channel, "failing_for_days").await
                    }
                    Some(_) => Ok(()),
                }
            }
        }
    }

    /// Encrypts a channel's secrets anew where the deployment has another key by now, so that the one
    /// before can be taken out of its secret.
    pub(crate) async fn reseal(&self, channel: &Channel, delivery: &Delivery) -> Result<(), Error> {
        let (organization, random) = (delivery.organization_id, &*self.app.random);
        let now = self.app.clock.now();
        match self.senders.reseal(organization, channel, now, random).await? {
            Some(config) => self.app.store.reseal_channel(organization, channel, &config).await,
            None => Ok(()),
        }
    }

    async fn disable(
        &self,
        delivery: &Delivery,
        channel: &Channel,
        reason: &'static str,
    ) -> Result<(), Error> {
        let (call, id) = (self.call(), delivery.organization_id);
        let Some(organization) = self.app.store.read_organization(id).await? else {
            return Ok(());
        };
        let changes = Changes::default().with("enabled", true, false);
        let action = Action::ChannelDisabled;
        let mut audit = call.audit(id, Actor::NotificationDelivery, action, channel.id, changes);
        audit.reason = Some(reason);
        let random = &*self.app.random;
        let (store, gone) = (&self.app.store, reason == RECEIVER_GONE);
        unless_lost(store.give_channel_up(&organization, channel, gone, &audit, random).await)
    }

    async fn enable_again(&self, delivery: &Delivery, channel: &Channel) -> Result<(), Error> {
        let (call, id) = (self.call(), delivery.organization_id);
        let Some(organization) = self.app.store.read_organization(id).await? else {
            return Ok(());
        };
        let changes = Changes::default().with("enabled", false, true);
        let action = Action::ChannelEnabled;
        let audit = call.audit(id, Actor::NotificationDelivery, action, channel.id, changes);
        let random = &*self.app.random;
        let store = &self.app.store;
        unless_lost(store.enable_channel_again(&organization, channel, &audit, random).await)
    }
}

/// Whoever has changed the channel meanwhile knows better.
fn unless_lost(written: Result<(), Lost>) -> Result<(), Error> {
    match written {
        Ok(()) | Err(Lost::Condition(_)) => Ok(()),
        Err(lost) => Err(lost.or(Error::NotFound)),
    }
}
