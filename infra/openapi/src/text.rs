//! The document's sentences.

use serde_json::{Value, json};
use shared::http::{etag::IfMatch, idempotency::IdempotencyKey};

/// What each tag groups.
pub(crate) const TAGS: [(&str, &str); 12] = [
    ("Sessions", "Signing in and out, and what is signed in."),
    ("Profile", "The signed-in user and their password."),
    ("MFA", "The second factor: a code from an app, and backup codes."),
    ("API keys", "Credentials for programs."),
    ("Session timeout", "How long the organization's sessions live."),
    ("Preferences", "What a user's pages remember."),
    ("Settings", "The organization's settings."),
    ("IP allowlist", "From which addresses the organization is let in."),
    ("Log retention", "For how many days the organization's logs are kept."),
    ("Audit log", "Who has changed and read what."),
    ("Organization", "The organization and what its plan entitles it to."),
    ("Notifications", "Who is told of what, and by which channel."),
];

/// Makes a summary and a description of the handler's comment, and says who may call.
pub(crate) fn describe(operation: &mut Value, access: &Value) {
    let of = |name: &str| operation[name].as_str().unwrap_or_default();
    // What the comment says of errors is for who reads the code; the responses say it by code.
    let prose = of("description").split("# Errors").next().unwrap_or_default().trim().to_owned();
    let (summary, rest) = match of("summary").split_once(". ") {
        Some((summary, rest)) => (format!("{summary}."), rest.to_owned()),
        None => (of("summary").to_owned(), String::new()),
    };
    let mut paragraphs = vec![rest, prose, admitted(access)];
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    operation["summary"] = summary.trim_end_matches('.').into();
    operation["description"] = paragraphs.join("\n\n").into();
}

fn admitted(access: &Value) -> String {
    let Value::Object(known) = access else {
        return "**Access**: anybody; no credential is looked at.".to_owned();
    };
    let list = |names: &Value| {
        let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match known.get("scope").and_then(Value::as_str) {
        Some(scope) => format!(
            "**Access**: a session whose user has one of the roles {roles}, or an API key with the \
             scope `{scope}` whose owner has one.",
            roles = list(&access["roles"]),
        ),
        None if access["recent_proof"] == true => "**Access**: a session alone, of any role, \
             whose user has proved who they are in the last ten minutes; an API key is refused."
            .to_owned(),
        None => "**Access**: a session alone, of any role; an API key is refused.".to_owned(),
    }
}

/// Completes a body: what may be left out is not therefore `null`.
pub(crate) fn body(operation: &mut Value) {
    let schema = operation.pointer_mut("/requestBody/content/application~1json/schema");
    let Some(schema) = schema else { return };
    let kinds = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let mut others = kinds.iter().filter(|kind| kind["type"] != "null");
    if let (Some(only), None) = (others.next(), others.next()) {
        *schema = only.clone();
    }
}

/// Completes a parameter: what may be left out is not therefore `null`.
pub(crate) fn parameter(parameter: &mut Value) {
    let schema = &mut parameter["schema"];
    if let Some(kinds) = schema["type"].as_array() {
        let kind = kinds.iter().find(|kind| **kind != "null").cloned();
        schema["type"] = kind.unwrap_or_default();
    }
    match parameter["name"].as_str() {
        Some("Idempotency-Key") => {
            parameter["schema"] = json!({"type": "string", "pattern": IdempotencyKey::PATTERN});
            parameter["example"] = "2f6a1f6c-9a11-4f0e-9b8e-7d4e1d1c0a5c".into();
        }
        Some("If-Match") => {
            parameter["schema"] =
                json!({"type": "string", "format": "entity-tags", "pattern": IfMatch::PATTERN});
            parameter["example"] = "\"3\"".into();
        }
        Some("id") => parameter["description"] = "The thing's id, as its list tells it.".into(),
        Some("key") => {
            parameter["description"] = "The preference's key.".into();
            parameter["example"] = "canvas.snap_to_grid".into();
        }
        _ => {}
    }
}
