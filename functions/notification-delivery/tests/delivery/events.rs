//! Audit records that are events.

use serde_json::{Value, json};
use shared::model::notifications::delivery::Status;

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

/// The audit records of an action, as the stream tells of them.
fn records(depot: &Depot, action: &str) -> Vec<Value> {
    let mut records = depot.world.inserts("AUDIT#");
    records.retain(|it| it["dynamodb"]["NewImage"]["action"]["S"] == action);
    records
}

/// Has Acme's administrator make an API key, in the store.
async fn make_key(depot: &Depot) -> Vec<Value> {
    depot.world.api_key(depot.person(), &[]).await;
    let mut records = depot.world.inserts("AUDIT#");
    // The world's own set-up tells of something that is no event.
    let mut record = records.remove(0);
    record["dynamodb"]["NewImage"]["action"] = json!({"S": "api_key.created"});
    vec![record]
}

#[tokio::test]
async fn a_security_event_reaches_the_channels_of_its_rules() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let [led, other] = [depot.webhook(&receiver.url).await, depot.webhook(&receiver.url).await];
    depot.rule("security.*", &[&led]).await;
    depot.rule("security.api_key.created", &[&led]).await;
    depot.rule("pipeline.*", &[&other]).await;
    let records = make_key(&depot).await;
    assert_eq!(depot.hand_over(records.clone()).await, json!([]));
    assert_eq!(depot.stream().await, json!([]));
    let [seen] = &receiver.seen()[..] else { panic!("not one request") };
    let body = seen.json();
    assert_eq!(body["type"], "security.api_key.created");
    let image = &records[0]["dynamodb"]["NewImage"];
    assert_eq!(body["data"]["event_id"], image["id"]["S"]);
    assert_eq!(body["data"]["severity"], "medium");
    assert_eq!(body["data"]["details"]["target"], image["target"]["S"]);
    assert_eq!(body["data"]["details"]["changes"], Value::Null);
    // Handed over again it makes the same delivery, which is there.
    assert_eq!(depot.hand_over(records).await, json!([]));
    depot.stream().await;
    depot.run().await;
    assert_eq!(receiver.seen().len(), 1);
    assert_eq!(depot.world.items_under("DELIVERY#").len(), 1);
}

#[tokio::test]
async fn what_is_no_event_and_what_this_program_does_not_know_makes_nothing() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    depot.rule("security.*", &[&depot.webhook(&receiver.url).await]).await;
    let mut records = records(&depot, "notification_channel.created");
    let mut unknown = records[0].clone();
    unknown["dynamodb"]["NewImage"]["action"] = json!({"S": "robot.revolted"});
    records.push(unknown);
    assert_eq!(depot.hand_over(records).await, json!([]));
    assert!(depot.world.items_under("DELIVERY#").is_empty());
}

#[tokio::test]
async fn fifty_channels_are_one_query_and_one_write_and_what_is_there_stays() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let mut channels = Vec::new();
    for _ in 0..50 {
        channels.push(depot.webhook(&receiver.url).await);
    }
    depot.rule("security.*", &channels.iter().collect::<Vec<_>>()).await;
    let records = make_key(&depot).await;
    let _ = depot.world.take_calls();
    assert_eq!(depot.hand_over(records.clone()).await, json!([]));
    let names: Vec<_> = depot.world.take_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Query", "TransactWriteItems"]);
    assert_eq!(depot.world.items_under("DELIVERY#").len(), 50);
    depot.stream().await;
    assert_eq!(receiver.seen().len(), 50);
    // One of them is lost behind everybody's back: it alone is made again.
    let lost = depot.world.items_under("DELIVERY#").remove(0);
    depot.world.remove(lost["PK"].as_str().unwrap(), "DELIVERY");
    assert_eq!(depot.hand_over(records).await, json!([]));
    let all = depot.world.items_under("DELIVERY#");
    let queued = all.iter().filter(|it| it["status"] == "queued").count();
    assert_eq!((all.len(), queued), (50, 1));
}

#[tokio::test]
async fn a_write_that_is_lost_is_made_when_the_record_comes_again() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url).await;
    depot.rule("security.*", &[&channel]).await;
    let records = make_key(&depot).await;
    for (call, times) in [("Query", 3), ("TransactWriteItems", 3)] {
        depot.world.order(call, harness::Fault::Throttled, times);
        assert_eq!(depot.hand_over(records.clone()).await.as_array().unwrap().len(), 1);
        assert!(depot.world.items_under("DELIVERY#").is_empty());
    }
    assert_eq!(depot.hand_over(records).await, json!([]));
    depot.stream().await;
    let id = depot.world.items_under("DELIVERY#")[0]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(depot.read(id).await.status, Status::Delivered);
}
