//! The deployment's key is succeeded by another: what channels' secrets are encrypted with then.

use serde_json::json;
use shared::model::notifications::{
    channel::{Channel, Config, SigningSecret},
    delivery::Status,
};

use crate::{
    depot::{Depot, SECRET},
    receiver::{Manner, Receiver},
};

/// A channel as it is stored, with the keys that its secrets are encrypted with.
async fn stored(depot: &Depot, channel: &Channel) -> (Channel, Vec<String>) {
    let store = &depot.world.app.store;
    let organization = depot.person().organization_id;
    let mut stored = store.channel(organization, channel.id).await.unwrap().unwrap();
    let key = |sealed: &mut String| sealed.split_once('.').unwrap().0.to_owned();
    let keys = stored.config.sealed(depot.world.now()).into_iter().map(key).collect();
    (stored, keys)
}

/// Delivers an event to a channel.
async fn deliver(depot: &Depot, channel: &Channel, event: &str) {
    let delivery = depot.post(channel, event).await;
    assert_eq!(depot.stream().await, json!([]));
    assert_eq!(depot.read(delivery.id).await.status, Status::Delivered);
}

#[tokio::test]
async fn a_delivery_encrypts_its_channel_s_secrets_with_the_key_that_is_current() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let webhook = depot.webhook(&receiver.url).await;
    let id = depot.new_channel_id();
    let sealed_url = depot.seal(id, &receiver.url).await;
    let config = Config::Teams { sealed_url, host: "127.0.0.1".to_owned() };
    let teams = depot.channel(id, config, |_| {}).await;
    for channel in [&webhook, &teams] {
        deliver(&depot, channel, "evt-1").await;
        let (stored, keys) = stored(&depot, channel).await;
        assert_eq!((stored.config, &keys[..]), (channel.config.clone(), &["k2".to_owned()][..]));
    }
    let both = json!({"current": "k3", "k2": "the present key's material", "k3": "new"});
    depot.world.set_secret(&both);
    depot.world.clock.advance_minutes(5);
    for channel in [&webhook, &teams] {
        deliver(&depot, channel, "evt-2").await;
        let (stored, keys) = stored(&depot, channel).await;
        assert_eq!((stored.version, &keys[..]), (channel.version, &["k3".to_owned()][..]));
    }
    // The key before is not needed any more.
    depot.world.set_secret(&json!({"current": "k3", "k3": "new"}));
    depot.world.clock.advance_minutes(5);
    for channel in [&webhook, &teams] {
        deliver(&depot, channel, "evt-3").await;
    }
}

#[tokio::test]
async fn a_secret_of_a_key_that_is_not_there_yet_waits_for_it() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let webhook = depot.webhook(&receiver.url).await;
    depot.world.set_secret(&json!({"current": "k3", "k3": "new"}));
    depot.world.clock.advance_minutes(5);
    let delivery = depot.post(&webhook, "evt-1").await;
    assert_eq!(depot.stream().await, json!([]));
    let read = depot.read(delivery.id).await;
    assert_eq!((read.status, read.attempts.len()), (Status::Queued, 0));
    let both = json!({"current": "k3", "k2": "the present key's material", "k3": "new"});
    depot.world.set_secret(&both);
    depot.world.clock.advance_minutes(5);
    depot.run().await;
    assert_eq!(depot.read(delivery.id).await.status, Status::Delivered);
}

#[tokio::test]
async fn a_secret_that_has_ended_keeps_no_other_from_being_encrypted_anew() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let id = depot.new_channel_id();
    let ended = SigningSecret {
        sealed: "k1.of-a-key-that-is-gone".to_owned(),
        valid_until: Some(depot.world.now()),
    };
    let current = SigningSecret { sealed: depot.seal(id, SECRET).await, valid_until: None };
    let secrets = vec![current, ended];
    let config = Config::Webhook { url: receiver.url.clone(), secrets };
    let channel = depot.channel(id, config, |_| {}).await;
    let both = json!({"current": "k3", "k2": "the present key's material", "k3": "new"});
    depot.world.set_secret(&both);
    depot.world.clock.advance_minutes(5);
    deliver(&depot, &channel, "evt-1").await;
    assert_eq!(stored(&depot, &channel).await.1, ["k3"]);
}
