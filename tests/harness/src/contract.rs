//! Holds every answer to what the OpenAPI document says of its operation.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;

use crate::Answer;

/// The checked-in document.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi/openapi.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
});

/// The operation that a request is of, if there is one. Of two paths that fit, the one counts that has
/// the text itself.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &&String| {
        let template: Vec<_> = template.split('/').collect();
        let mut pairs = template.iter().zip(&parts);
        template.len() == parts.len()
            && pairs.all(|(name, part)| name == part || (name.starts_with('{') && !part.is_empty()))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let path = paths.keys().filter(fits).min_by_key(|template| template.contains('{'))?;
    paths[path].get(method.to_lowercase())
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// Asserts that the document has the answer's status, its problem's code and its headers.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else { return };
    let (status, code) = (answer.status, answer.code());
    let said = operation["responses"].get(status.to_string());
    let what = format!(
        "{method} {path}: the OpenAPI document has no {status} {code}; after `x-codes` and `make openapi` it has"
    );
    let response = resolved(said.expect(&what));
    if status >= 400 {
        let content = &response["content"]["application/problem+json"];
        let codes = &content["schema"]["allOf"][1]["properties"]["code"]["enum"];
        assert!(codes.as_array().unwrap().iter().any(|it| *it == code), "{what}");
    } else if !answer.bytes.is_empty() {
        let kind = answer.header("content-type").unwrap();
        assert!(response["content"].get(kind).is_some(), "{method} {path}: {kind}");
    }
    let said = response["headers"].as_object().unwrap();
    let said: BTreeSet<_> = said.keys().map(|name| name.to_lowercase()).collect();
    for name in answer.headers.keys().map(axum::http::HeaderName::as_str) {
        let always = ["content-type", "content-length"].contains(&name);
        assert!(
            always || said.contains(name),
            "{method} {path} {status}: the document has no {name}"
        );
    }
    for name in ["etag", "www-authenticate", "retry-after"] {
        let there = answer.headers.contains_key(name);
        assert_eq!(there, said.contains(name), "{method} {path} {status}: {name}");
    }
}
