//! `DELETE /api/notifications/channels/{id}`

use harness::{Answer, Fault, World, at_once};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/notifications/channels";
const RULES: &str = "/api/notifications/rules";

async fn channel(world: &World, token: &str, name: &str) -> String {
    let client = world.client(notifications::router());
    let config = json!({"workspace": "acme", "channel": "C01234567"});
    let body = json!({"type": "slack", "name": name, "config": config});
    client.post(PATH).bearer(token).json(body).send().await.text(201, "id")
}

async fn rule(world: &World, token: &str, name: &str, channels: &[&String]) -> Answer {
    let client = world.client(notifications::router());
    let body = json!({"name": name, "event": "dlq.*", "channel_ids": channels});
    client.post(RULES).bearer(token).json(body).send().await
}

async fn delete(world: &World, token: &str, id: &str) -> Answer {
    world.client(notifications::router()).delete(format!("{PATH}/{id}")).bearer(token).send().await
}

async fn rules(world: &World, token: &str) -> Vec<Value> {
    let client = world.client(notifications::router());
    let answer = client.get(format!("{RULES}?limit=100")).bearer(token).send().await;
    answer.data(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_channel_is_deleted_and_taken_out_of_its_rules() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let (one, two) = (channel(&world, &token, "One").await, channel(&world, &token, "Two").await);
    let both = rule(&world, &token, "Both", &[&one, &two]).await.text(201, "id");
    world.clock.advance_seconds(1);
    let alone = rule(&world, &token, "Alone", &[&one]).await.text(201, "id");
    rule(&world, &token, "Other", &[&two]).await.expect(201, "");
    world.clock.advance_seconds(29);
    let answer = delete(&world, &token, &one).await;
    answer.expect(204, "").expect_cost(3, 13.0);
    let of = |rules: &[Value], name: &str| {
        let rule = rules.iter().find(|rule| rule["name"] == name).unwrap();
        (rule["channel_ids"].clone(), rule["updated_at"].clone())
    };
    let rules = rules(&world, &token).await;
    let (then, now) = (json!("2026-03-27T15:00:01Z"), json!("2026-03-27T15:00:30Z"));
    assert_eq!(of(&rules, "Both"), (json!([two]), now.clone()));
    assert_eq!(of(&rules, "Alone"), (json!([]), now));
    assert_eq!(of(&rules, "Other"), (json!([two]), then));
    let records = world.audited(&world.admin, "notification_channel.deleted");
    let [record] = &records[..] else { panic!("{records:?}") };
    let changes = json!({
        "type": {"from": "slack", "to": null}, "name": {"from": "One", "to": null},
        "rules": {"from": [both, alone], "to": null},
    });
    assert_eq!((&record["target"], &record["changes"]), (&json!(one), &changes));
    delete(&world, &token, &one).await.expect(404, "not_found");
}

#[tokio::test]
async fn one_that_all_rules_lead_to_is_deleted_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token, "One").await;
    for index in 0..80 {
        rule(&world, &token, &format!("Rule {index}"), &[&id]).await.expect(201, "");
    }
    let answer = delete(&world, &token, &id).await;
    assert_eq!((answer.status, answer.calls), (204, 3));
    let rules = rules(&world, &token).await;
    assert_eq!(rules.len(), 80);
    assert!(rules.iter().all(|rule| rule["channel_ids"] == json!([])));
}

#[tokio::test]
async fn another_tenant_s_channel_answers_as_a_missing_one() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let stranger = world.api_key(&world.stranger, &[Scope::NotificationsWrite]).await;
    let id = channel(&world, &token, "One").await;
    let before = world.items_under("NOTIFY#");
    let foreign = delete(&world, &stranger, &id).await;
    let missing = delete(&world, &stranger, "nch_00000000000000000000000000").await;
    foreign.expect(404, "not_found").expect_cost(2, 3.0);
    assert_eq!(foreign.bytes, missing.bytes);
    assert_eq!(world.items_under("NOTIFY#"), before);
}

#[tokio::test]
async fn a_version_that_is_over_is_412() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let path = format!("{PATH}/{}", channel(&world, &token, "One").await);
    let delete = |tag: &str| client.delete(&path).bearer(&token).header("if-match", tag).send();
    delete("\"2\"").await.expect(412, "precondition_failed");
    delete("1").await.expect(400, "invalid_if_match");
    // Somebody changes it after it was read.
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let mut item = world.raw_items(&partition).into_iter().find(|it| it["id"].is_object()).unwrap();
    item["version"] = json!({"N": "2"});
    world.put_before("TransactWriteItems", vec![item], Vec::new());
    delete("\"1\"").await.expect(412, "precondition_failed");
    delete("\"2\"").await.expect(204, "");
}

#[tokio::test]
async fn a_rule_that_is_made_meanwhile_leads_to_no_channel_that_is_gone() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token, "One").await;
    rule(&world, &token, "Rule", &[&id]).await.expect(201, "");
    // It is taken away, and comes back when the channel's delete has read that there is none.
    let partition = format!("NOTIFY#{}", world.admin.organization_id);
    let items = world.raw_items(&partition);
    let made = items.iter().find(|item| item["channel_ids"].is_object()).unwrap().clone();
    let version = items.iter().find(|item| item["SK"]["S"] == "VERSION").unwrap().clone();
    let mut later = version.clone();
    later["version"] = json!({"N": "3"});
    world.remove(&partition, made["SK"]["S"].as_str().unwrap());
    world.put_before("TransactWriteItems", vec![made, later], Vec::new());
    delete(&world, &token, &id).await.expect(204, "").expect_cost(5, 12.0);
    assert_eq!(rules(&world, &token).await[0]["channel_ids"], json!([]));
}

#[tokio::test]
async fn of_two_deletes_at_once_one_finds_nothing() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token, "One").await;
    world.gather("TransactWriteItems", 2);
    let answers = at_once((0..2).map(|_| delete(&world, &token, &id))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    assert_eq!(world.audited(&world.admin, "notification_channel.deleted").len(), 1);
}

#[tokio::test]
async fn a_table_that_fails_deletes_nothing() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let id = channel(&world, &token, "One").await;
    rule(&world, &token, "Rule", &[&id]).await.expect(201, "");
    let before = world.dump();
    for call in ["Query", "TransactWriteItems"] {
        world.order(call, Fault::TimedOut, 3);
        let answer = client.delete(format!("{PATH}/{id}")).bearer(&token).send_any().await;
        answer.expect(503, "unavailable");
        assert_eq!(world.dump(), before);
    }
}
