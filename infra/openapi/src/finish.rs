//! Finishes the document: what the routes' contracts, the kinds of problems and the examples say is
//! put where OpenAPI has a place for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::http::{contract::EXTENSION, kind::Kind};

use crate::{headers, text};

/// An example of each operation's request and response, by method and path.
const EXAMPLES: &str = include_str!("../examples.json");

/// What an operation lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Lack(pub String);

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lack {}

/// The operations of a document, by method and path.
pub(crate) fn operations(document: &mut Value) -> impl Iterator<Item = (String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        operations.map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
    })
}

/// Finishes every operation.
///
/// # Errors
/// The first thing that an operation lacks.
pub(crate) fn finish(document: &mut Value) -> Result<(), Lack> {
    let mut examples: Map<String, Value> =
        serde_json::from_str(EXAMPLES).map_err(|error| Lack(format!("examples.json: {error}")))?;
    refer(document);
    let mut refusals = Map::new();
    for (name, operation) in operations(document) {
        let lack = |what: &str| Lack(format!("{name}: {what}"));
        let contract = operation[EXTENSION].take();
        let codes = codes(&contract, operation).map_err(|code| lack(&code))?;
        let tagged = operation["x-etag"] != false;
        remove(operation, &[EXTENSION, "x-codes", "x-etag"]);
        text::describe(operation, &contract["access"]);
        secure(operation, &contract["access"]);
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            text::parameter(parameter);
        }
        text::body(operation);
        refuse(operation, &codes, contract["access"].is_object(), &mut refusals);
        headers::succeed(operation, &name, &contract, tagged);
        let example = examples.remove(&name).unwrap_or_default();
        exemplify(operation, &example).map_err(lack)?;
    }
    document["components"]["responses"] = refusals.into();
    match examples.keys().next() {
        Some(name) => Err(Lack(format!("examples.json: there is no {name}"))),
        None => Ok(()),
    }
}

/// Lets envelopes and pages refer to what is in them instead of saying it again.
fn refer(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let names: Vec<_> = schemas.keys().cloned().collect();
    for name in &names {
        let Some((shape, inner)) = name.split_once('_') else { continue };
        let inside = if shape == "Page" { "/properties/data/items" } else { "/properties/data" };
        if !names.iter().any(|it| it == inner) {
            continue;
        }
        if let Some(place) = schemas.get_mut(name).and_then(|schema| schema.pointer_mut(inside)) {
            *place = json!({"$ref": format!("#/components/schemas/{inner}")});
        }
    }
}

fn remove(operation: &mut Value, names: &[&str]) {
    if let Some(operation) = operation.as_object_mut() {
        operation.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// What an operation answers of each status: by its arguments, of its own, and as all do.
fn codes(contract: &Value, operation: &Value) -> Result<BTreeMap<u16, Vec<Kind>>, String> {
    let argued = contract["codes"].as_array().ok_or("no contract: is it in `routes!`?")?;
    let own = operation["x-codes"].as_array().into_iter().flatten();
    let mut kinds = vec![Kind::Internal, Kind::Unavailable];
    for code in argued.iter().chain(own).filter_map(Value::as_str) {
        kinds.push(Kind::of(code).ok_or_else(|| format!("`{code}` is no kind of problem"))?);
    }
    kinds.sort();
    kinds.dedup();
    let mut codes = BTreeMap::<u16, Vec<Kind>>::new();
    for kind in kinds {
        codes.entry(kind.status().as_u16()).or_default().push(kind);
    }
    Ok(codes)
}

/// Names the credentials: what an API key is not enough for has no place for its own header.
fn secure(operation: &mut Value, access: &Value) {
    let schemes = match (access.is_object(), &access["scope"]) {
        (false, _) => json!([]),
        (true, Value::Null) => json!([{"bearer": []}]),
        (true, scope) => json!([{"bearer": [scope]}, {"apiKeyHeader": [scope]}]),
    };
    operation["security"] = schemes;
    if access.is_object() {
        operation["x-access"] = access.clone();
    }
}

/// Names what the operation refuses. Operations that refuse the same share it, under a name that says
/// what it is.
fn refuse(
    operation: &mut Value,
    codes: &BTreeMap<u16, Vec<Kind>>,
    authenticated: bool,
    shared: &mut Map<String, Value>,
) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.retain(|status, _| status.starts_with('2'));
    for (status, kinds) in codes {
        let names: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
        let anonymous = if authenticated { "" } else { ".anonymous" };
        let name = format!("{status}.{}{anonymous}", names.join("."));
        let reference = format!("#/components/responses/{name}");
        shared.entry(name).or_insert_with(|| refusal(*status, kinds, authenticated));
        responses.insert(status.to_string(), json!({"$ref": reference}));
    }
}

fn refusal(status: u16, kinds: &[Kind], authenticated: bool) -> Value {
    let line = |kind: &Kind| format!("- `{}`: {}", kind.code(), kind.cause());
    let lines: Vec<_> = kinds.iter().map(line).collect();
    let example = |kind: &Kind| {
        let reference = format!("#/components/examples/{}", kind.code());
        (kind.code().to_owned(), json!({"$ref": reference}))
    };
    let examples: Map<_, _> = kinds.iter().map(example).collect();
    let names: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
    // Generators of clients call the type so.
    let title: Vec<_> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    let schema = json!({
        "title": title.join("Or"),
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"code": {"enum": names}}},
        ],
    });
    json!({
        "description": lines.join("\n"),
        "headers": headers::of_refusal(status, authenticated),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    })
}

/// Puts the examples to the bodies that there are.
fn exemplify(operation: &mut Value, example: &Value) -> Result<(), &'static str> {
    let request = operation.pointer_mut("/requestBody/content/application~1json");
    match (request, example.get("request")) {
        (Some(body), Some(example)) => body["example"] = example.clone(),
        (None, None) => {}
        (Some(_), None) => return Err("examples.json has no request"),
        (None, Some(_)) => return Err("examples.json has a request, and it takes none"),
    }
    let success = operation["responses"].as_object_mut().into_iter().flatten();
    let contents = success
        .filter(|(status, _)| status.starts_with('2'))
        .filter_map(|(_, response)| response.get_mut("content")?.as_object_mut());
    let mut wanted = false;
    for (kind, body) in contents.flatten() {
        wanted = true;
        let response = example.get("response").ok_or("examples.json has no response")?;
        // Of a form with one entry a line the schema is the entry's.
        let entry = kind == "application/x-ndjson";
        body["example"] = if entry { response["data"][0].clone() } else { response.clone() };
    }
    if !wanted && example.get("response").is_some() {
        return Err("examples.json has a response, and it answers none");
    }
    Ok(())
}
