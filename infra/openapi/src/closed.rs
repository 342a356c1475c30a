//! Request bodies refuse fields that they do not know. No derived schema says so by itself.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::finish::operations;

/// Closes every object that a request body can have, but for those whose names are free.
pub(crate) fn close(document: &mut Value) {
    let bodies: Vec<Value> = operations(document)
        .map(|(_, operation)| {
            operation["requestBody"]["content"]["application/json"]["schema"].clone()
        })
        .collect();
    let (mut waiting, mut seen) = (bodies, BTreeSet::new());
    while let Some(schema) = waiting.pop() {
        for name in names(&schema) {
            if seen.insert(name.clone()) {
                let schema = &mut document["components"]["schemas"][&name];
                close_all(schema);
                waiting.push(schema.clone());
            }
        }
    }
}

/// The schemas that are named in it.
fn names(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(reference) if key == "$ref" => {
                    reference.rsplit('/').next().map(ToOwned::to_owned).into_iter().collect()
                }
                _ => names(value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

fn close_all(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), false.into());
            }
            map.values_mut().for_each(close_all);
        }
        Value::Array(list) => list.iter_mut().for_each(close_all),
        _ => {}
    }
}
