//! `POST /api/notifications/channels/{id}/rotate-secret`

use std::collections::BTreeSet;

use harness::{Answer, Fault, World, at_once};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    clock::Timestamp,
    model::notifications::{channel::Config, secret::ChannelCipher},
};

const PATH: &str = "/api/notifications/channels";

async fn create(world: &World, token: &str, kind: &str, config: Value) -> Answer {
    let client = world.client(notifications::router());
    let body = json!({"type": kind, "name": "Channel", "config": config});
    client.post(PATH).bearer(token).json(body).send().await
}

async fn webhook(world: &World, token: &str) -> (String, String) {
    let answer =
        create(world, token, "webhook", json!({"url": "https://hooks.example.com/"})).await;
    (answer.text(201, "id"), answer.text(201, "signing_secret"))
}

async fn rotate(world: &World, token: &str, id: &str) -> Answer {
    let client = world.client(notifications::router());
    client.post(format!("{PATH}/{id}/rotate-secret")).bearer(token).send().await
}

/// The secrets that a webhook has, opened, and until when.
async fn secrets(world: &World, id: &str) -> Vec<(String, Option<Timestamp>)> {
    let organization = world.admin.organization_id;
    let id = id.parse().unwrap();
    let channel = world.app.store.channel(organization, id).await.unwrap().unwrap();
    let cipher = ChannelCipher::of(&world.app.keyring, organization).await.unwrap();
    let Config::Webhook { secrets, .. } = channel.config else { panic!("no webhook") };
    let open = |sealed: &str| cipher.open(id, sealed).unwrap().expose_secret().to_owned();
    secrets.iter().map(|secret| (open(&secret.sealed), secret.valid_until)).collect()
}

#[tokio::test]
async fn a_new_secret_signs_and_the_one_before_signs_along_for_a_day() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let (id, first) = webhook(&world, &token).await;
    world.clock.advance_seconds(60);
    let answer = rotate(&world, &token, &id).await;
    answer.expect_cost(3, 7.0);
    let second = answer.text(200, "signing_secret");
    let expected = json!({
        "id": id, "signing_secret": second, "rotated_at": "2026-03-27T15:01:00Z",
        "previous_secret_valid_until": "2026-03-28T15:01:00Z",
    });
    assert_eq!(answer.data(200), &expected);
    assert!(second.starts_with("whsec_") && second != first);
    let end = world.now().plus_seconds(24 * 3600);
    assert_eq!(secrets(&world, &id).await, [(second.clone(), None), (first.clone(), Some(end))]);
    let records = world.audited(&world.admin, "notification_channel.secret_rotated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes =
        json!({"previous_secret_valid_until": {"from": null, "to": "2026-03-28T15:01:00Z"}});
    assert_eq!((&record["target"], &record["changes"]), (&json!(id), &changes));
    // A rotation meanwhile drops the oldest at once.
    world.clock.advance_seconds(60);
    let third = rotate(&world, &token, &id).await.text(200, "signing_secret");
    let end = world.now().plus_seconds(24 * 3600);
    assert_eq!(secrets(&world, &id).await, [(third.clone(), None), (second.clone(), Some(end))]);
    let dump = world.dump();
    for secret in [first, second, third] {
        assert!(!dump.contains(secret.strip_prefix("whsec_").unwrap()));
    }
}

#[tokio::test]
async fn a_retry_with_an_idempotency_key_gets_the_same_secret() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let (id, _) = webhook(&world, &token).await;
    let send = || {
        let request = client.post(format!("{PATH}/{id}/rotate-secret")).bearer(&token);
        request.header("idempotency-key", "once-only").send()
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &first.bytes));
    assert_eq!(world.audited(&world.admin, "notification_channel.secret_rotated").len(), 1);
}

#[tokio::test]
async fn of_two_rotations_at_once_both_secrets_sign() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let (id, _) = webhook(&world, &token).await;
    world.gather("TransactWriteItems", 2);
    let answers = at_once((0..2).map(|_| rotate(&world, &token, &id))).await;
    let told: BTreeSet<_> = answers.iter().map(|it| it.text(200, "signing_secret")).collect();
    let kept: BTreeSet<_> = secrets(&world, &id).await.into_iter().map(|it| it.0).collect();
    assert_eq!((told.len(), &told), (2, &kept));
}

#[tokio::test]
async fn only_a_webhook_has_one() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let config = json!({"webhook_url": "https://acme.webhook.office.com/x"});
    let id = create(&world, &token, "teams", config).await.text(201, "id");
    let before = world.dump();
    rotate(&world, &token, &id).await.expect(409, "not_a_webhook").expect_cost(2, 3.0);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn another_tenant_s_channel_answers_as_a_missing_one() {
    let world = World::new().await;
    let (token, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let (id, first) = webhook(&world, &token).await;
    let foreign = rotate(&world, &stranger, &id).await;
    let missing = rotate(&world, &stranger, "nch_00000000000000000000000000").await;
    foreign.expect(404, "not_found").expect_cost(2, 3.0);
    assert_eq!(foreign.bytes, missing.bytes);
    assert_eq!(secrets(&world, &id).await, [(first, None)]);
}

#[tokio::test]
async fn what_fails_leaves_the_secret_as_it_was() {
    let mut world = World::new().await;
    let token = world.session(&world.admin).await;
    let (id, _) = webhook(&world, &token).await;
    world.start_anew();
    let path = format!("{PATH}/{id}/rotate-secret");
    let before = world.dump();
    world.order_secret(Fault::Refused, 3);
    for call in ["nothing", "GetItem", "TransactWriteItems"] {
        world.order(call, Fault::Throttled, 3);
        let client = world.client(notifications::router());
        client.post(&path).bearer(&token).send_any().await.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
}
