//! What was asked of the table: the actions that IAM knows, and the partitions they were asked of.

use std::collections::BTreeSet;

use serde_json::Value;

/// An action and the kind of partition, such as `dynamodb:UpdateItem` and `USER#`.
pub type Access = (String, String);

/// What one call asks for.
pub(crate) fn accesses(target: &str, body: &[u8]) -> BTreeSet<Access> {
    let Some((_, call)) = target.split_once("DynamoDB_20120810.") else { return BTreeSet::new() };
    let request: Value = serde_json::from_slice(body).unwrap();
    match call {
        "TransactWriteItems" => {
            let parts = request["TransactItems"].as_array().unwrap();
            parts
                .iter()
                .map(|part| {
                    let (kind, part) = part.as_object().unwrap().iter().next().unwrap();
                    let action = match kind.as_str() {
                        "ConditionCheck" => "ConditionCheckItem".to_owned(),
                        kind => format!("{kind}Item"),
                    };
                    access(&action, part)
                })
                .collect()
        }
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object().unwrap().values();
            let keys = tables.flat_map(|table| table["Keys"].as_array().unwrap());
            keys.map(|key| named(call, &key["PK"])).collect()
        }
        "BatchWriteItem" => {
            let tables = request["RequestItems"].as_object().unwrap().values();
            let writes = tables.flat_map(|table| table.as_array().unwrap());
            let key = |write: &Value| match &write["PutRequest"] {
                Value::Null => named(call, &write["DeleteRequest"]["Key"]["PK"]),
                put => named(call, &put["Item"]["PK"]),
            };
            writes.map(key).collect()
        }
        "Query" => BTreeSet::from([named(call, queried(&request))]),
        _ => BTreeSet::from([access(call, &request)]),
    }
}

/// The partition that a query is of, of the table or of its index.
fn queried(query: &Value) -> &Value {
    let names = query["ExpressionAttributeNames"].as_object().unwrap();
    let (name, _) = names.iter().find(|(_, name)| *name == "PK" || *name == "due_shard").unwrap();
    let conditions = query["KeyConditionExpression"].as_str().unwrap().split(" AND ");
    let mut values =
        conditions.filter_map(|condition| condition.strip_prefix(&format!("{name} = ")));
    &query["ExpressionAttributeValues"][values.next().unwrap()]
}

fn access(action: &str, request: &Value) -> Access {
    let key = if request["Key"].is_object() { &request["Key"] } else { &request["Item"] };
    named(action, &key["PK"])
}

fn named(action: &str, partition: &Value) -> Access {
    let partition = partition["S"].as_str().unwrap();
    let (kind, _) = partition.split_once('#').unwrap();
    (format!("dynamodb:{action}"), format!("{kind}#"))
}
