//! The DynamoDB engine of one test: in this process, spoken to over loopback as the real one is.

use dynoxide::{Database, actions::create_table::CreateTableRequest};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The table's name.
pub(crate) const TABLE: &str = "settings-under-test";

#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) url: String,
    database: Database,
}

impl Engine {
    pub(crate) async fn start() -> Self {
        let database = Database::memory().unwrap();
        let table = json!({
            "TableName": TABLE,
            "KeySchema": [
                {"AttributeName": "PK", "KeyType": "HASH"},
                {"AttributeName": "SK", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": "PK", "AttributeType": "S"},
                {"AttributeName": "SK", "AttributeType": "S"},
                {"AttributeName": "due_shard", "AttributeType": "S"},
                {"AttributeName": "due_at", "AttributeType": "N"},
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let request: CreateTableRequest = serde_json::from_value(table).unwrap();
        database.create_table(request).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Self { url, database }
    }

    /// Every item, in the table's own notation.
    pub(crate) fn items(&self) -> Vec<Value> {
        let request = serde_json::from_value(json!({"TableName": TABLE})).unwrap();
        let answer = serde_json::to_value(self.database.scan(request).unwrap()).unwrap();
        answer["Items"].as_array().unwrap().clone()
    }

    /// Puts an item in the table's own notation.
    pub(crate) fn put(&self, item: &Value) {
        let request = json!({"TableName": TABLE, "Item": item});
        self.database.put_item(serde_json::from_value(request).unwrap()).unwrap();
    }

    /// Changes an item: of a partition with several, the first.
    pub(crate) fn change(&self, partition: &str, change: impl Fn(&mut Value)) {
        let mut items = self.items().into_iter();
        let mut item = items.find(|item| item["PK"]["S"] == partition).expect("no such item");
        change(&mut item);
        self.put(&item);
    }

    /// Removes an item.
    pub(crate) fn remove(&self, partition: &str, sort: &str) {
        let key = json!({"PK": {"S": partition}, "SK": {"S": sort}});
        let request = json!({"TableName": TABLE, "Key": key});
        self.database.delete_item(serde_json::from_value(request).unwrap()).unwrap();
    }
}

/// An attribute in plain JSON. Binary stays as the text that the wire has for it.
pub(crate) fn plain(attribute: &Value) -> Value {
    let (kind, value) = attribute.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "M" => plain_item(value),
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

/// An item in plain JSON.
pub(crate) fn plain_item(item: &Value) -> Value {
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}
