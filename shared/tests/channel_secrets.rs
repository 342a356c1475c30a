//! Secrets of channels: whose they are, and how they look.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use harness::{Fault, TestRandom, World};
use secrecy::ExposeSecret as _;
use shared::{
    ids::{ChannelId, OrganizationId},
    model::notifications::secret::{ChannelCipher, new_signing_secret},
};

async fn cipher(world: &World, organization: u128) -> ChannelCipher {
    let organization = OrganizationId::from_bits(organization);
    ChannelCipher::of(&world.app.keyring, organization).await.unwrap()
}

#[tokio::test]
async fn a_secret_opens_for_its_own_channel_and_no_other() {
    let (world, random) = (World::new().await, TestRandom::default());
    let (own, other) = (cipher(&world, 1).await, cipher(&world, 2).await);
    let [channel, sibling] = [ChannelId::from_bits(1), ChannelId::from_bits(2)];
    let sealed = own.seal(channel, &"hidden".into(), &random).unwrap();
    assert!(!sealed.contains("hidden"));
    assert_eq!(own.open(channel, &sealed).unwrap().expose_secret(), "hidden");
    assert!(own.open(sibling, &sealed).is_err());
    assert!(other.open(channel, &sealed).is_err());
}

#[tokio::test]
async fn without_the_deployment_s_secret_there_is_no_cipher() {
    let world = World::new().await;
    world.order_secret(Fault::Refused, 3);
    let refused = ChannelCipher::of(&world.app.keyring, OrganizationId::from_bits(1)).await;
    assert_eq!(refused.err().unwrap().code(), "unavailable");
}

#[test]
fn a_signing_secret_is_32_bytes_after_its_prefix() {
    let random = TestRandom::default();
    let [first, second] = [new_signing_secret(&random), new_signing_secret(&random)];
    let encoded = first.expose_secret().strip_prefix("whsec_").unwrap();
    assert_eq!(STANDARD.decode(encoded).unwrap().len(), 32);
    assert_ne!(first.expose_secret(), second.expose_secret());
}
