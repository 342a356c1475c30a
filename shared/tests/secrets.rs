//! The deployment's keys: kept, refreshed, rotated, and out of reach.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use harness::{Fault, World};
use serde_json::json;
use shared::secrets::Cipher;

const PURPOSE: &str = "test";

async fn cipher(world: &World) -> Cipher {
    world.app.keyring.cipher(PURPOSE, b"context").await.unwrap()
}

async fn refused(world: &World) -> Option<&'static str> {
    world.app.keyring.cipher(PURPOSE, b"context").await.err().map(|error| error.code())
}

#[tokio::test]
async fn what_is_sealed_opens_and_names_its_key() {
    let world = World::new().await;
    let cipher = cipher(&world).await;
    let sealed = cipher.seal(b"seed", b"usr_1", &*world.app.random).unwrap();
    assert!(sealed.starts_with("k2."), "{sealed}");
    assert_eq!(cipher.open(&sealed, b"usr_1").unwrap(), b"seed");
    let again = cipher.seal(b"seed", b"usr_1", &*world.app.random).unwrap();
    assert_ne!(sealed, again);
}

#[tokio::test]
async fn nothing_opens_what_was_sealed_for_something_else() {
    let world = World::new().await;
    let cipher = cipher(&world).await;
    let sealed = cipher.seal(b"seed", b"usr_1", &*world.app.random).unwrap();
    let other_purpose = world.app.keyring.cipher("other", b"context").await.unwrap();
    let other_context = world.app.keyring.cipher(PURPOSE, b"else").await.unwrap();
    assert!(cipher.open(&sealed, b"usr_2").is_err());
    assert!(other_purpose.open(&sealed, b"usr_1").is_err());
    assert!(other_context.open(&sealed, b"usr_1").is_err());
    let mut tampered = sealed.clone().into_bytes();
    tampered[10] ^= 1;
    assert!(cipher.open(&String::from_utf8(tampered).unwrap(), b"usr_1").is_err());
    for nonsense in ["", ".", "k2.", "k2.AAAA", "k9.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "k2"] {
        assert!(cipher.open(nonsense, b"usr_1").is_err(), "{nonsense}");
    }
}

#[tokio::test]
async fn a_rotated_key_arrives_within_five_minutes_and_the_old_one_still_opens() {
    let world = World::new().await;
    let sealed = cipher(&world).await.seal(b"seed", b"", &*world.app.random).unwrap();
    world.set_secret(&json!({"current": "k3", "k2": "the present key's material", "k3": "new"}));
    world.clock.advance_seconds(299);
    let kept = cipher(&world).await.seal(b"seed", b"", &*world.app.random).unwrap();
    assert!(kept.starts_with("k2."), "{kept}");
    world.clock.advance_seconds(1);
    let rotated = cipher(&world).await;
    assert!(rotated.seal(b"seed", b"", &*world.app.random).unwrap().starts_with("k3."));
    assert_eq!(rotated.open(&sealed, b"").unwrap(), b"seed");
    world.set_secret(&json!({"current": "k3", "k3": "new"}));
    world.clock.advance_seconds(300);
    assert!(cipher(&world).await.open(&sealed, b"").is_err());
}

#[tokio::test]
async fn a_key_that_another_instance_has_used_already_is_fetched_at_once() {
    let rotated = json!({"current": "k3", "k2": "the present key's material", "k3": "new"});
    let ahead = World::new().await;
    ahead.set_secret(&rotated);
    let sealed = cipher(&ahead).await.seal(b"seed", b"", &*ahead.app.random).unwrap();
    let world = World::new().await;
    let opened = async || {
        let keyring = &world.app.keyring;
        let cipher = keyring.cipher_for(PURPOSE, b"context", [sealed.as_str()]).await;
        cipher.map(|cipher| cipher.open(&sealed, b"").unwrap()).map_err(|error| error.code())
    };
    assert_eq!(opened().await, Err("unavailable"));
    world.set_secret(&rotated);
    // What names a key that there is not makes a fetch in five seconds, and not one for each request.
    world.clock.advance_seconds(4);
    assert_eq!(opened().await, Err("unavailable"));
    world.clock.advance_seconds(1);
    assert_eq!(opened().await.unwrap(), b"seed");
}

#[tokio::test]
async fn an_outage_is_503_at_first_and_bridged_once_a_key_is_kept() {
    let world = World::new().await;
    world.order_secret(Fault::Refused, 3);
    assert_eq!(refused(&world).await, Some("unavailable"));
    assert_eq!(refused(&world).await, None);
    world.clock.advance_seconds(300);
    world.order_secret(Fault::ServerError, 3);
    assert_eq!(refused(&world).await, None);
    assert!(world.log.lines().iter().any(|line| line.contains("the secret was not refreshed")));
}

#[tokio::test]
async fn a_secret_of_another_form_is_503_and_quoted_nowhere() {
    for secret in [
        json!("plain text"),
        json!({}),
        json!({"current": "k1"}),
        json!({"current": "k1", "k2": "lonely-material"}),
        json!({"current": "k1", "k1": {"nested": "lonely-material"}}),
    ] {
        let world = World::new().await;
        world.set_secret(&secret);
        let error = world.app.keyring.cipher(PURPOSE, b"").await.err().unwrap();
        assert_eq!(error.code(), "unavailable", "{secret}");
        assert!(!format!("{error:?}").contains("lonely"), "{error:?}");
    }
}
