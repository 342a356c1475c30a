//! `GET /api/notifications/deliveries/{id}`

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

async fn delivery(world: &World) -> String {
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let post = async |path: &str, body: Value| {
        client.post(format!("/api/notifications/{path}")).bearer(&token).json(body).send().await
    };
    let config = json!({"url": "https://hooks.example.com/"});
    let body = json!({"type": "webhook", "name": "Hook", "config": config});
    let channel = post("channels", body).await.text(201, "id");
    let body = json!({"name": "All", "event": "dlq.*", "channel_ids": [channel]});
    post("rules", body).await.expect(201, "");
    let body = json!({
        "id": "run-17", "type": "dlq.threshold_exceeded", "severity": "critical", "value": 1200,
        "pipeline_id": "pl_01hqxyz", "summary": "1,200 records.", "data": {"queue": {"size": 1200}},
    });
    let answer = post("events", body).await;
    answer.data(202)["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_delivery_tells_what_has_become_of_it() {
    let world = World::new().await;
    let id = delivery(&world).await;
    let client = world.client(notifications::router());
    let key = world.api_key(&world.viewer, &[Scope::NotificationsRead]).await;
    let get = async || {
        client.get(format!("/api/notifications/deliveries/{id}")).bearer(&key).send().await
    };
    let answer = get().await;
    answer.expect_cost(2, 3.0);
    let data = answer.data(200);
    let event = json!({
        "id": "run-17", "type": "dlq.threshold_exceeded", "severity": "critical",
        "occurred_at": "2026-03-27T15:00:00Z", "pipeline_id": "pl_01hqxyz", "value": 1200,
        "summary": "1,200 records.", "data": {"queue": {"size": 1200}},
    });
    let expected = json!({
        "id": id, "status": "queued", "reason": null, "channel_id": data["channel_id"],
        "channel_type": "webhook", "event": event, "attempts": [],
        "next_attempt_at": "2026-03-27T15:00:00Z", "created_at": "2026-03-27T15:00:00Z",
    });
    assert_eq!(data, &expected);
    let partition = format!("DELIVERY#{}#{id}", world.admin.organization_id);
    let attempt = |more: Value| {
        let mut attempt = json!({"at": {"N": "1774623601"}, "milliseconds": {"N": "120"}});
        attempt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"M": attempt})
    };
    world.tamper(&partition, |item| {
        item["status"] = json!({"S": "failed"});
        item["reason"] = json!({"S": "The receiver has refused it."});
        let (refused, silent) = (json!({"S": "410 Gone"}), json!({"S": "No answer."}));
        item["attempts"] = json!({"L": [
            attempt(json!({"succeeded": {"BOOL": false}, "reason": silent})),
            attempt(json!({"succeeded": {"BOOL": false}, "status": {"N": "410"}, "reason": refused})),
            attempt(json!({"succeeded": {"BOOL": true}, "status": {"N": "204"}})),
        ]});
        item.as_object_mut().unwrap().retain(|name, _| !name.starts_with("due_"));
    });
    let answer = get().await;
    let data = answer.data(200);
    assert_eq!((&data["status"], &data["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(data["reason"], "The receiver has refused it.");
    let at = "2026-03-27T15:00:01Z";
    let attempts = json!([
        {"at": at, "status": "failed", "milliseconds": 120, "reason": "No answer."},
        {"at": at, "status": "failed", "response_code": 410, "milliseconds": 120, "reason": "410 Gone"},
        {"at": at, "status": "delivered", "response_code": 204, "milliseconds": 120, "reason": null},
    ]);
    assert_eq!(data["attempts"], attempts);
}

#[tokio::test]
async fn it_is_told_for_thirty_days_and_not_a_second_longer() {
    let world = World::new().await;
    let path = format!("/api/notifications/deliveries/{}", delivery(&world).await);
    let client = world.client(notifications::router());
    let key = world.api_key(&world.viewer, &[Scope::NotificationsRead]).await;
    world.clock.advance_minutes(30 * 24 * 60);
    world.clock.advance_milliseconds(-1);
    client.get(&path).bearer(&key).send().await.expect(200, "");
    world.clock.advance_milliseconds(1);
    client.get(&path).bearer(&key).send().await.expect(404, "not_found");
}

#[tokio::test]
async fn another_tenant_s_delivery_answers_as_a_missing_one() {
    let world = World::new().await;
    let id = delivery(&world).await;
    let client = world.client(notifications::router());
    let stranger = world.session(&world.stranger).await;
    let mut bodies = Vec::new();
    for id in [&*id, "ndl_00000000000000000000000000"] {
        let answer = client
            .get(format!("/api/notifications/deliveries/{id}"))
            .bearer(&stranger)
            .send()
            .await;
        answer.expect(404, "not_found").expect_cost(2, 3.0);
        bodies.push(answer.bytes);
    }
    assert_eq!(bodies[0], bodies[1]);
}
