use super::*;
use crate::engine::{Engine, TABLE};

/// A function that keeps its events.
#[derive(Default)]
struct Keeps(Mutex<Vec<Value>>);

impl Invoke for Keeps {
    async fn invoke(&self, _: &str, payload: Value) -> Result<Value, Failure> {
        self.0.lock().unwrap().extend(payload["Records"].as_array().unwrap().iter().cloned());
        Ok(Value::Null)
    }
}

#[tokio::test]
async fn the_engine_s_records_arrive_as_lambda_hands_them_over() {
    let test = Test::new();
    let template = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = Template::load(&template).unwrap();
    let engine = Engine::start(&test.place.data("table.db"), &template).await.unwrap();
    let feed = Arc::new(engine.stream().unwrap());
    let kept = Arc::new(Keeps::default());
    let filters = vec![
        Pattern::parse(r#"{"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "EVENT#"}]}}}}"#).unwrap(),
    ];
    let of = Stream { filters, ..stream() };
    let resume = || {
        Consumer::resume(&test.place, "delivery", &of, Arc::clone(&feed), Arc::clone(&kept))
            .unwrap()
    };
    let mut consumer = resume();
    until_idle(&mut consumer).await;

    let key = |id: &str| json!({"PK": {"S": id}, "SK": {"S": "1"}});
    let item = |id: &str, n: &str| json!({"PK": {"S": id}, "SK": {"S": "1"}, "n": {"N": n}, "b": {"B": "AAE="}});
    let put = |item: Value| {
        let request = json!({"TableName": TABLE, "Item": item});
        engine.database().put_item(serde_json::from_value(request).unwrap()).unwrap();
    };
    put(item("EVENT#1", "1"));
    put(item("OTHER#1", "1"));
    put(item("EVENT#1", "2"));
    let request = json!({"TableName": TABLE, "Key": key("EVENT#1")});
    engine.database().delete_item(serde_json::from_value(request).unwrap()).unwrap();
    until_idle(&mut consumer).await;

    let records = std::mem::take(&mut *kept.0.lock().unwrap());
    let names: Vec<_> = records.iter().map(|it| it["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let [insert, modify, remove] = records.try_into().unwrap();
    assert_eq!(insert["eventSource"], "aws:dynamodb");
    assert_eq!(insert["eventVersion"], "1.1");
    assert_eq!(insert["awsRegion"], "us-east-1");
    assert!(!insert["eventID"].as_str().unwrap().is_empty());
    let arn = insert["eventSourceARN"].as_str().unwrap();
    assert!(
        arn.starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/settings-local/stream/"),
        "{arn}"
    );
    let change = &insert["dynamodb"];
    assert!(change["ApproximateCreationDateTime"].as_u64().unwrap() > 1_700_000_000);
    assert!(change["SizeBytes"].as_u64().unwrap() > 0);
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(change["Keys"], key("EVENT#1"));
    assert_eq!(change["NewImage"], item("EVENT#1", "1"));
    assert_eq!(change.get("OldImage"), None);
    assert_eq!(modify["dynamodb"]["OldImage"], item("EVENT#1", "1"));
    assert_eq!(modify["dynamodb"]["NewImage"], item("EVENT#1", "2"));
    assert_eq!(remove["dynamodb"]["OldImage"], item("EVENT#1", "2"));
    assert_eq!(remove["dynamodb"].get("NewImage"), None);
    let sequence = |it: &Value| it["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
    assert!(sequence(&insert) < sequence(&modify) && sequence(&modify) < sequence(&remove));

    // What is done with is removed, and what is written then still arrives, after a restart too.
    trim(&feed, &[consumer.progress()]).unwrap();
    assert_eq!(feed.after(None, 100).unwrap().len(), 1);
    put(item("EVENT#2", "1"));
    until_idle(&mut resume()).await;
    let records = kept.0.lock().unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["dynamodb"]["Keys"], key("EVENT#2"));
}
