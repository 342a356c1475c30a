//! What the tests of delivery share: a courier in a world, channels, and events for them.

use std::sync::Arc;

use harness::{Person, World};
use notification_delivery::{
    Handled, courier::Courier, handle, http::HttpClient, schedule::Summary, senders::Senders,
};
use serde_json::{Value, json};
use shared::{
    call::Call,
    clock::Timestamp,
    ids::{ChannelId, DeliveryId, RuleId},
    model::{
        audit::{Action, Actor, Changes},
        notifications::{
            MAX_CHANNELS, Severity,
            channel::{Channel, Config, SigningSecret},
            delivery::{Delivery, Status},
            event::{Event, EventName},
            rule::{Filters, Rule},
            secret::ChannelCipher,
        },
    },
    settings::Outbound,
    store::NotificationsChange,
};

/// The secret that webhooks of the tests are signed with.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A world with a courier.
pub(crate) struct Depot {
    pub(crate) world: World,
    pub(crate) courier: Courier,
}

impl Depot {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose deployment has chosen something.
    pub(crate) async fn with(change: impl FnOnce(&mut Outbound)) -> Self {
        let world = World::new().await;
        let mut settings = Outbound { allow_insecure: true, ..Outbound::default() };
        change(&mut settings);
        let senders = Senders {
            http: HttpClient::new(&settings).unwrap(),
            deployment: world.deployment(),
            keyring: world.app.keyring.clone(),
            settings,
        };
        let courier =
            Courier { app: world.app.clone(), senders, request_id: Arc::from("delivery-request") };
        Self { world, courier }
    }

    pub(crate) fn person(&self) -> &Person {
        &self.world.admin
    }

    /// Encrypts a channel's secret.
    pub(crate) async fn seal(&self, channel: ChannelId, secret: &str) -> String {
        let app = &self.world.app;
        let cipher = ChannelCipher::of(&app.keyring, self.person().organization_id).await.unwrap();
        cipher.seal(channel, &secret.into(), &*app.random).unwrap()
    }

    pub(crate) fn new_channel_id(&self) -> ChannelId {
        ChannelId::generate(self.world.now(), &*self.world.app.random)
    }

    /// Creates a webhook.
    pub(crate) async fn webhook(&self, url: &str) -> Channel {
        let id = self.new_channel_id();
        let secrets =
            vec![SigningSecret { sealed: self.seal(id, SECRET).await, valid_until: None }];
        self.channel(id, Config::Webhook { url: url.to_owned(), secrets }, |_| {}).await
    }

    /// Creates a channel for mails.
    pub(crate) async fn mailboxes(&self, recipients: &[&str]) -> Channel {
        let recipients = recipients.iter().map(|it| (*it).to_owned()).collect();
        let config = Config::Email { recipients, severity_filter: [].into() };
        self.channel(self.new_channel_id(), config, |_| {}).await
    }

    /// Creates a channel.
    pub(crate) async fn channel(
        &self,
        id: ChannelId,
        config: Config,
        change: impl FnOnce(&mut Channel),
    ) -> Channel {
        let (app, person) = (&self.world.app, self.person());
        let mut channel = Channel {
            id,
            name: "Operations".to_owned(),
            enabled: true,
            config,
            quiet_hours: None,
            created_by: person.user_id,
            updated_at: self.world.now(),
            version: 1,
            failing_since: None,
            gave_up_at: None,
            receiver_gone: false,
        };
        change(&mut channel);
        let organization = self.world.principal(person).await.organization;
        let read = app.store.notifications(organization.id).await.unwrap();
        let audit = self.audit(Action::ChannelCreated, id.to_string());
        let change = NotificationsChange {
            organization: &organization,
            read: &read,
            user: person.user_id,
            audit: &audit,
        };
        app.store.create_channel(change, &channel, None, &*app.random).await.unwrap();
        channel
    }

    /// Creates a rule that leads events of a family to channels.
    pub(crate) async fn rule(&self, event: &str, channels: &[&Channel]) {
        let (app, person) = (&self.world.app, self.person());
        let rule = Rule {
            id: RuleId::generate(self.world.now(), &*app.random),
            name: event.to_owned(),
            event: event.parse().unwrap(),
            channel_ids: channels.iter().map(|it| it.id).collect(),
            filters: Filters::default(),
            enabled: true,
            updated_at: self.world.now(),
            version: 1,
        };
        let organization = self.world.principal(person).await.organization;
        let read = app.store.notifications(organization.id).await.unwrap();
        let audit = self.audit(Action::RuleCreated, rule.id.to_string());
        let change = NotificationsChange {
            organization: &organization,
            read: &read,
            user: person.user_id,
            audit: &audit,
        };
        app.store.put_rule(change, &rule, None, &*app.random).await.unwrap();
    }

    fn audit(&self, action: Action, target: String) -> shared::model::audit::AuditRecord {
        let call = Call::new(&self.world.app, "set-up", None, None);
        let organization = self.person().organization_id;
        call.audit(organization, Actor::Operator, action, target, Changes::default())
    }

    /// The channel as it is.
    pub(crate) async fn read_channel(&self, channel: &Channel) -> Channel {
        let organization = self.person().organization_id;
        self.world.app.store.channel(organization, channel.id).await.unwrap().unwrap()
    }

    /// Writes the delivery of an event of that id.
    pub(crate) async fn post(&self, channel: &Channel, id: &str) -> Delivery {
        self.post_event(channel, &event(id, self.world.now())).await
    }

    /// Writes the delivery of a test.
    pub(crate) async fn post_test(&self, channel: &Channel, id: &str) -> Delivery {
        let event = Event { name: EventName::Test, ..event(id, self.world.now()) };
        self.post_event(channel, &event).await
    }

    /// Writes the delivery of an event.
    pub(crate) async fn post_event(&self, channel: &Channel, event: &Event) -> Delivery {
        let organization = self.person().organization_id;
        let delivery = Delivery::new(organization, event, channel, self.world.now());
        let app = &self.world.app;
        app.store.add_deliveries(std::slice::from_ref(&delivery), &*app.random).await.unwrap();
        delivery
    }

    /// Writes the deliveries of events of those ids, many at once; tells the deliveries' ids.
    pub(crate) async fn post_all(
        &self,
        events: impl Iterator<Item = (&Channel, String)>,
    ) -> Vec<String> {
        let (app, now) = (&self.world.app, self.world.now());
        let organization = self.person().organization_id;
        let deliveries: Vec<_> = events
            .map(|(channel, id)| Delivery::new(organization, &event(&id, now), channel, now))
            .collect();
        for some in deliveries.chunks(MAX_CHANNELS) {
            app.store.add_deliveries(some, &*app.random).await.unwrap();
        }
        deliveries.iter().map(|delivery| delivery.id.to_string()).collect()
    }

    /// What the index of what is due tells of the delivery now.
    pub(crate) fn in_index(&self, delivery: &Delivery) -> Value {
        let mut item = self.world.raw_items(&partition(delivery)).remove(0);
        let row = item.as_object_mut().unwrap();
        row.retain(|name, _| ["PK", "SK", "due_shard", "due_at"].contains(&name.as_str()));
        assert_eq!(row.len(), 4, "it is not in the index");
        json!({"Items": [item], "Count": 1, "ScannedCount": 1})
    }

    /// The delivery as it is.
    pub(crate) async fn read(&self, id: DeliveryId) -> Delivery {
        let organization = self.person().organization_id;
        self.world.app.store.delivery(organization, id).await.unwrap().unwrap()
    }

    /// What has become of the delivery, and why.
    pub(crate) async fn fate(&self, delivery: &Delivery) -> (Status, String) {
        let delivery = self.read(delivery.id).await;
        (delivery.status, delivery.reason.unwrap_or_default())
    }

    /// Hands the deliveries over as the stream does, and tells what was handed back.
    pub(crate) async fn stream(&self) -> Value {
        self.hand_over(self.world.inserts("DELIVERY#")).await
    }

    /// Hands records over, and waits for all that is done with them; tells what was handed back.
    pub(crate) async fn hand_over(&self, records: Vec<Value>) -> Value {
        let Handled { answer, rest } = self.answer(records).await;
        if let Some(mut lanes) = rest {
            lanes.land_all().await;
        }
        answer["batchItemFailures"].clone()
    }

    /// Hands records over, and tells the answer and what lasts longer.
    pub(crate) async fn answer(&self, records: Vec<Value>) -> Handled {
        let event = json!({"Records": records});
        Box::pin(handle(&self.courier, self.world.now(), event)).await.unwrap()
    }

    /// Tries what is due now, once.
    pub(crate) async fn run(&self) -> Summary {
        // The deadline leaves no time to wait for what is due later.
        self.courier.schedule(self.world.now().plus_seconds(1)).await.unwrap()
    }

    /// Turns the clock to when the delivery is due, and tries what is due then.
    pub(crate) async fn run_when_due(&self, delivery: &Delivery) -> Delivery {
        let due = self.read(delivery.id).await.due_at.unwrap();
        let ahead = due.as_millisecond() - self.world.now().as_millisecond();
        self.world.clock.advance_milliseconds(ahead.max(0));
        self.run().await;
        self.read(delivery.id).await
    }
}

/// The delivery's partition key.
pub(crate) fn partition(delivery: &Delivery) -> String {
    format!("DELIVERY#{}#{}", delivery.organization_id, delivery.id)
}

/// An event of that id.
pub(crate) fn event(id: &str, occurred_at: Timestamp) -> Event {
    Event {
        id: id.to_owned(),
        name: EventName::PipelineRunFailed,
        severity: Severity::High,
        occurred_at,
        pipeline_id: Some("pip_orders".to_owned()),
        value: None,
        summary: Some("Orders <script> & \"co\" failed".to_owned()),
        data: Some(r#"{"run":"r-1","rows":[1,2]}"#.to_owned()),
    }
}
