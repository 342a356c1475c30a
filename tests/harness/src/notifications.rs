//! Channels, rules and deliveries, set up without a request.

use shared::{
    ids::{ChannelId, DeliveryId, EventId, RuleId},
    model::notifications::{
        channel::{Channel, Config, SigningSecret},
        delivery::Delivery,
        event::{Event, EventName},
        rule::{Filters, Rule},
        secret::{ChannelCipher, new_signing_secret},
    },
    store::{NotificationsChange, Publication},
};

use crate::{Person, World};

impl World {
    /// Adds a webhook to the channels of a person's organization, under an id of the caller's choice,
    /// unless it is there.
    pub async fn channel(&self, person: &Person, bits: u128) -> Channel {
        let (store, random, id) = (&self.app.store, &*self.app.random, ChannelId::from_bits(bits));
        let organization = &self.principal(person).await.organization;
        let there = store.channel(organization.id, id).await.unwrap();
        if let Some(channel) = there {
            return channel;
        }
        let cipher = ChannelCipher::of(&self.app.keyring, organization.id).await.unwrap();
        let sealed = cipher.seal(id, &new_signing_secret(random), random).unwrap();
        let secrets = vec![SigningSecret { sealed, valid_until: None }];
        let channel = Channel {
            id,
            name: "Hook".to_owned(),
            enabled: true,
            config: Config::Webhook { url: "https://hooks.example.com/".to_owned(), secrets },
            quiet_hours: None,
            created_by: person.user_id,
            updated_at: self.now(),
            version: 1,
            failing_since: None,
            gave_up_at: None,
            receiver_gone: false,
        };
        let read = &store.notifications(organization.id).await.unwrap();
        let (user, audit) = (person.user_id, &self.some_audit(organization.id, person.user_id));
        let change = NotificationsChange { organization, read, user, audit };
        store.create_channel(change, &channel, None, random).await.unwrap();
        channel
    }

    /// Adds a rule that leads all failed runs to a channel.
    pub async fn rule(&self, person: &Person, channel: ChannelId) -> RuleId {
        let (store, random) = (&self.app.store, &*self.app.random);
        let organization = &self.principal(person).await.organization;
        let id = RuleId::generate(self.now(), random);
        let rule = Rule {
            id,
            name: format!("Failures {id}"),
            event: "pipeline.run.failed".parse().unwrap(),
            channel_ids: vec![channel],
            filters: Filters::default(),
            enabled: true,
            updated_at: self.now(),
            version: 1,
        };
        let read = &store.notifications(organization.id).await.unwrap();
        let (user, audit) = (person.user_id, &self.some_audit(organization.id, person.user_id));
        let change = NotificationsChange { organization, read, user, audit };
        store.put_rule(change, &rule, None, random).await.unwrap();
        id
    }

    /// Queues a test of a channel.
    pub async fn delivery(&self, person: &Person, channel: &Channel) -> DeliveryId {
        let organization = &self.principal(person).await.organization;
        let event = Event {
            id: EventId::generate(self.now(), &*self.app.random).to_string(),
            name: EventName::Test,
            severity: EventName::Test.severity(),
            occurred_at: self.now(),
            pipeline_id: None,
            value: None,
            summary: None,
            data: None,
        };
        let delivery = Delivery::new(organization.id, &event, channel, self.now());
        let id = delivery.id;
        let publication = Publication {
            organization,
            published: None,
            deliveries: &[delivery],
            audit: &self.some_audit(organization.id, person.user_id),
        };
        self.app.store.publish(publication, None, &*self.app.random).await.unwrap();
        id
    }
}
