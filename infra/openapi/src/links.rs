//! Links: what has been made in a collection is looked at, changed and removed below it.

use serde_json::{Map, Value, json};

/// What a collection's path goes on with to be one thing's.
const ITEM: &str = "/{id}";

/// Links the answers that create something to the operations that take its id.
pub(crate) fn link(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let below = |collection: &str, paths: &Map<String, Value>| -> Map<String, Value> {
        let item = format!("{collection}{ITEM}");
        let items = paths.iter().filter(|(path, _)| path.starts_with(&item));
        let operations = items.flat_map(|(_, item)| item.as_object().into_iter().flatten());
        let ids = operations.filter_map(|(_, operation)| operation["operationId"].as_str());
        let parameters = json!({"id": "$response.body#/data/id"});
        ids.map(|id| (id.to_owned(), json!({"operationId": id, "parameters": parameters})))
            .collect()
    };
    let collections: Vec<_> = paths.keys().cloned().collect();
    for collection in collections {
        let links = below(&collection, paths);
        let created = paths[&collection].pointer_mut("/post/responses/201");
        if let Some(created) = created.filter(|_| !links.is_empty()) {
            created["links"] = links.into();
        }
    }
}
