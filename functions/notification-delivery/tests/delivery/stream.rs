//! Records of the stream: what is handed back, and what is passed by.

use harness::Fault;
use notification_delivery::handle;
use serde_json::{Value, json};
use shared::model::notifications::delivery::Status;

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

#[tokio::test]
async fn a_record_that_does_not_decode_does_not_stop_the_others() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url).await;
    for id in ["evt-1", "evt-2", "evt-3"] {
        depot.post(&channel, id).await;
    }
    let mut records = depot.world.inserts("DELIVERY#");
    records[0]["dynamodb"]["NewImage"]["event"] = json!({"S": "secret-content"});
    records[1]["dynamodb"]["NewImage"] = json!("nonsense");
    records.push(json!({}));
    records.push(json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "9"}}));
    let mut other = depot.world.inserts("ORG#");
    records.append(&mut other);
    assert_eq!(depot.hand_over(records).await, json!([]));
    assert_eq!(receiver.seen().len(), 1);
    let lines = depot.world.log.lines();
    let told = lines.iter().filter(|line| line.contains("a record is passed by")).count();
    assert_eq!(told, 3, "{lines:?}");
    assert!(!lines.join("\n").contains("secret-content"));
    // The schedule finds the others by the index.
    depot.run().await;
    assert_eq!(receiver.seen().len(), 3);
}

#[tokio::test]
async fn what_the_table_could_not_answer_is_handed_back_and_nothing_else() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let channel = depot.webhook(&receiver.url).await;
    for id in ["evt-1", "evt-2"] {
        depot.post(&channel, id).await;
    }
    let records = depot.world.inserts("DELIVERY#");
    depot.world.order("BatchGetItem", Fault::Throttled, 3);
    let both = json!([{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]},
        {"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]);
    assert_eq!(depot.hand_over(records.clone()).await, both);
    depot.world.order("UpdateItem", Fault::Throttled, 3);
    let first = json!([{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]);
    assert_eq!(depot.hand_over(records[..1].to_vec()).await, first);
    assert!(receiver.seen().is_empty());
    assert_eq!(depot.hand_over(records.clone()).await, json!([]));
    assert_eq!(receiver.seen().len(), 2);
    assert_eq!(depot.hand_over(records).await, json!([]));
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test]
async fn a_delivery_that_is_changed_or_removed_is_no_new_one() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    let delivery = depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    let mut records = depot.world.inserts("DELIVERY#");
    for name in ["MODIFY", "REMOVE"] {
        records[0]["eventName"] = name.into();
        assert_eq!(depot.hand_over(records.clone()).await, json!([]));
    }
    assert_eq!(depot.fate(&delivery).await.0, Status::Queued);
}

#[tokio::test]
async fn a_first_attempt_is_one_read_and_two_writes() {
    let depot = Depot::new().await;
    let receiver = Receiver::start(Manner::status(200)).await;
    depot.post(&depot.webhook(&receiver.url).await, "evt-1").await;
    let _ = depot.world.take_calls();
    depot.stream().await;
    let names: Vec<_> = depot.world.take_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["BatchGetItem", "UpdateItem", "UpdateItem"]);
}

#[tokio::test]
async fn an_idle_schedule_is_one_query_of_each_partition_of_the_index() {
    let depot = Depot::new().await;
    let _ = depot.world.take_calls();
    let answer = handle(&depot.courier, depot.world.now().plus_seconds(60), json!({})).await;
    assert_eq!(answer.unwrap().answer, json!({"tried": 0, "passes": 1}));
    let names: Vec<_> = depot.world.take_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Query"; 8]);
}

#[tokio::test]
async fn an_event_of_another_shape_is_refused() {
    let depot = Depot::new().await;
    for event in [json!([]), json!("records"), Value::Null, json!({"dry_run": true})] {
        let refused = handle(&depot.courier, depot.world.now(), event).await;
        assert_eq!(refused.err().unwrap().code(), "validation_failed");
    }
    let scheduled = json!({"source": "schedule"});
    assert!(handle(&depot.courier, depot.world.now(), scheduled).await.is_ok());
}
