//! The wall between tenants, for every operation of the OpenAPI document that names something by its
//! id: whoever belongs to another organization gets the very answer that they get for an id that is
//! nobody's.

use std::collections::BTreeSet;

use harness::World;
use serde_json::Value;
use shared::auth::permissions::Scope;

use crate::{
    operation::{Access, Operation, routes},
    table::OPERATIONS,
};

/// The names of the document's operations with an id in their path. An id is a parameter whose pattern
/// ends as those of all ids do.
fn documented() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let is_id = |parameter: &Value| {
                let schema = resolved(&document, &parameter["schema"]);
                let pattern = schema["pattern"].as_str().unwrap_or_default();
                parameter["in"] == "path" && pattern.ends_with("_[0-7][0-9a-hjkmnp-tv-z]{25}$")
            };
            if parameters.iter().any(is_id) {
                names.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    names
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

/// The same path with an id that nothing has.
fn missing(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let is_id = segment.split_once('_').is_some_and(|(_, ulid)| ulid.len() == 26);
        if is_id { format!("{}00", &segment[..segment.len() - 2]) } else { segment.to_owned() }
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn hides(operation: &Operation) {
    let world = World::new().await;
    let client = world.client(routes());
    let foreign = operation.filled(&world).await;
    let missing = missing(&foreign);
    assert_ne!(foreign, missing);
    let session = world.session(&world.stranger).await;
    let key = world.api_key(&world.stranger, Scope::ALL).await;
    let id = world.admin.organization_id.to_string();
    let of_tenant = || -> Vec<String> {
        world.dump().lines().filter(|line| line.contains(&id)).map(str::to_owned).collect()
    };
    let before = of_tenant();
    for (token, by_key) in [(session, false), (key, true)] {
        let send = |path| operation.request(&client, path).bearer(&token).send();
        let (there, nowhere) = (send(&foreign).await, send(&missing).await);
        // A key may not do what needs a session, whatever the id is.
        let (status, code) = match operation.access {
            Access::Session if by_key => (403, "session_required"),
            _ => (404, "not_found"),
        };
        there.expect(status, code);
        assert_eq!((there.status, &there.bytes), (nowhere.status, &nowhere.bytes));
        assert_eq!((there.calls, there.units), (nowhere.calls, nowhere.units));
    }
    assert_eq!(of_tenant(), before, "{}", operation.name());
}

#[tokio::test]
async fn what_is_another_tenant_s_is_nowhere() {
    let documented = documented();
    assert!(documented.contains("DELETE /api/user/api-keys/{id}"), "{documented:?}");
    let mut checked = BTreeSet::new();
    for operation in OPERATIONS.iter().filter(|it| documented.contains(&it.name())) {
        hides(operation).await;
        checked.insert(operation.name());
    }
    assert_eq!(checked, documented);
}
