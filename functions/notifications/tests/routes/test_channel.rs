//! `POST /api/notifications/channels/{id}/test`

use harness::{Fault, World};
use serde_json::json;
use shared::auth::permissions::Scope;

const PATH: &str = "/api/notifications/channels";

/// A channel that no event reaches: it is disabled, filters, and keeps quiet.
async fn channel(world: &World, token: &str) -> String {
    let body = json!({
        "type": "email", "name": "Off", "enabled": false,
        "config": {"recipients": ["a@example.com"], "severity_filter": ["critical"]},
        "quiet_hours": {"timezone": "UTC", "from": "00:00", "to": "23:59"},
    });
    let client = world.client(notifications::router());
    client.post(PATH).bearer(token).json(body).send().await.text(201, "id")
}

#[tokio::test]
async fn a_test_is_queued_whatever_holds_events_back() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token).await;
    let answer = client.post(format!("{PATH}/{id}/test")).bearer(&token).send().await;
    answer.expect_cost(3, 8.0);
    let delivery_id = answer.text(202, "delivery_id");
    assert_eq!(answer.data(202), &json!({"delivery_id": delivery_id, "status": "queued"}));
    let [delivery] = &world.items_under("DELIVERY#")[..] else { panic!("not one delivery") };
    assert_eq!((&delivery["id"], &delivery["channel_id"]), (&json!(delivery_id), &json!(id)));
    assert_eq!(delivery["event"]["type"], "notification.test");
    assert_eq!(delivery["event"]["severity"], "info");
    assert_eq!(delivery["due_at"], 1_774_623_600);
    let path = format!("/api/notifications/deliveries/{delivery_id}");
    let read = client.get(path).bearer(&token).send().await;
    assert_eq!(read.data(200)["event"]["type"], "notification.test");
    let records = world.audited(&world.admin, "notification_channel.tested");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({"delivery_id": {"from": null, "to": delivery_id}});
    assert_eq!((&record["target"], &record["changes"]), (&json!(id), &changes));
}

#[tokio::test]
async fn each_test_is_another_one_but_for_an_idempotent_retry() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let key = world.api_key(&world.admin, &[Scope::NotificationsWrite]).await;
    let path = format!("{PATH}/{}/test", channel(&world, &key).await);
    for _ in 0..2 {
        client.post(&path).bearer(&key).send().await.expect(202, "");
    }
    assert_eq!(world.items_under("DELIVERY#").len(), 2);
    let send = || client.post(&path).bearer(&key).header("idempotency-key", "once-only").send();
    let (first, again) = (send().await, send().await);
    again.expect(202, "").expect_cost(1, 3.0);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &first.bytes));
    assert_eq!(world.items_under("DELIVERY#").len(), 3);
}

#[tokio::test]
async fn another_tenant_s_channel_answers_as_a_missing_one() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let (token, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let id = channel(&world, &token).await;
    let mut bodies = Vec::new();
    for id in [&*id, "nch_00000000000000000000000000"] {
        let answer = client.post(format!("{PATH}/{id}/test")).bearer(&stranger).send().await;
        answer.expect(404, "not_found").expect_cost(2, 3.0);
        bodies.push(answer.bytes);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert!(world.items_under("DELIVERY#").is_empty());
}

#[tokio::test]
async fn a_table_that_fails_queues_nothing() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let path = format!("{PATH}/{}/test", channel(&world, &token).await);
    let before = world.dump();
    for call in ["GetItem", "TransactWriteItems"] {
        world.order(call, Fault::Throttled, 3);
        let answer = client.post(&path).bearer(&token).send_any().await;
        answer.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
}
