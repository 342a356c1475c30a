//! The headers of answers.

use serde_json::{Map, Value, json};

/// Every header that an answer can have, for the document's components.
pub(crate) fn components() -> Value {
    let text = |description: &str, example: &str| {
        let schema = json!({"type": "string"});
        json!({"description": description, "schema": schema, "example": example})
    };
    let time = |description: &str| {
        let schema = json!({"type": "string", "format": "date-time"});
        json!({"description": description, "schema": schema, "example": "2025-03-27T16:00:00Z"})
    };
    let constant = |description: &str, value: &str| json!({"description": description, "schema": {"type": "string", "const": value}});
    json!({
        "X-Request-Id": text("The request's id, by which the log is searched.", "7d4e1d1c-0a5c-4f0e-9b8e-2f6a1f6c9a11"),
        "Cache-Control": constant("Nothing is to be kept.", "no-store"),
        "X-Content-Type-Options": constant("The type is what it says.", "nosniff"),
        "ETag": text("The resource's version, for `If-Match`.", "\"3\""),
        "Idempotent-Replayed": constant("This is the first answer to the same `Idempotency-Key`, again. Missing on the first.", "true"),
        "Session-Idle-Expires": time("To a session: when it ends if it is not used again. A moment in the past says that it has ended."),
        "Session-Expires": time("To a session: when it ends whatever happens."),
        "RateLimit-Policy": text("How many requests the credential may make in how many seconds.", "\"credential\";q=600;w=60"),
        "RateLimit": text("How many more it may make now, and in how many seconds all of them again.", "\"credential\";r=599;t=1"),
        "WWW-Authenticate": constant("How to authenticate.", "Bearer"),
        "Retry-After": json!({
            "description": "After how many seconds to try again.",
            "schema": {"type": "integer", "minimum": 1}, "example": 2,
        }),
    })
}

fn references<'a>(names: impl IntoIterator<Item = &'a str>) -> Map<String, Value> {
    let reference =
        |name: &str| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    names.into_iter().map(reference).collect()
}

const ALWAYS: [&str; 3] = ["X-Request-Id", "Cache-Control", "X-Content-Type-Options"];
const SESSION: [&str; 2] = ["Session-Idle-Expires", "Session-Expires"];
const RATE: [&str; 2] = ["RateLimit-Policy", "RateLimit"];

/// The headers of a refusal. After a 401 no session is alive that could end; but a credential that was
/// good when the request came has been counted.
pub(crate) fn of_refusal(status: u16, authenticated: bool) -> Map<String, Value> {
    let mut names = ALWAYS.to_vec();
    match status {
        401 => names.push("WWW-Authenticate"),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    if authenticated {
        names.extend(RATE);
        names.extend(SESSION.iter().filter(|_| status != 401));
    }
    references(names)
}

/// Describes the successes and their headers. Who reads one resource, or changes it by `PUT`, is told its
/// version.
pub(crate) fn succeed(operation: &mut Value, name: &str, contract: &Value, tagged: bool) {
    let whole = name.starts_with("GET ") || name.starts_with("PUT ");
    let page = operation["parameters"]
        .as_array()
        .is_some_and(|parameters| parameters.iter().any(|it| it["name"] == "cursor"));
    let mut names = ALWAYS.to_vec();
    if contract["access"].is_object() {
        names.extend(SESSION.iter().chain(&RATE));
    }
    if contract["replays"] == true {
        names.push("Idempotent-Replayed");
    }
    if whole && tagged && !page {
        names.push("ETag");
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let Some(response) = response.as_object_mut().filter(|_| status.starts_with('2')) else {
            continue;
        };
        let description = match status.as_str() {
            "201" => "It has been made.",
            "202" => "It has been taken on.",
            "204" => "It is done; there is no body.",
            _ => "What was asked for.",
        };
        response.insert("description".into(), description.into());
        let mut headers = references(names.iter().copied());
        if let Some(Value::Object(own)) = response.remove("headers") {
            headers.extend(own);
        }
        response.insert("headers".into(), headers.into());
    }
}
