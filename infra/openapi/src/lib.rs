//! The OpenAPI document, put together from the routes of all functions, and the page of problems.

mod closed;
mod finish;
mod headers;
mod links;
pub mod problems;
mod text;

pub use finish::Lack;
use serde_json::{Value, json};
use shared::http::problem::Problem;
use utoipa::openapi::{ComponentsBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

const DESCRIPTION: &str = "\
User and organization settings of a data platform.

**Answers.** Successes are `{\"data\": …}`. Refusals are RFC 9457 problem documents with a stable \
`code`, and list the faults of all of a body's fields with JSON pointers; those between fields, or \
with what there is, follow once each field by itself is right. The page of [problems](problems) says \
of each code why it is answered and what to do about it. A method that a path does not have gets \
405 `method_not_allowed` with `Allow`. Some answers are the gateway's own and no problem documents: \
the 404 of a path that has no route, the 429 of its throttling, the 413 of a body over 10 MB, and \
500 or 503 where a function ends without an answer or has no room for another request.

**Credentials.** Send an API key (`plnx_live_…`) or a session's token (`plnx_sess_…`) as \
`Authorization: Bearer …`. Each operation says which of them will do, with which scope and which \
roles; `x-access` says it to programs. An answer to a session tells in `Session-Idle-Expires` when \
it ends if it is not used again, and in `Session-Expires` when it ends whatever happens; a moment in \
the past says that the session has ended.

**Requests.** Unknown fields are refused. A `PUT` merges: a field that is left out keeps its value. \
A body may have up to 65,536 bytes, and nest up to 127 levels; numbers are IEEE 754 doubles. Query \
parameters are ignored where an operation has none, and those that are not its own are refused where it \
has some.";

/// The routes of every HTTP function, by the function's name.
#[must_use]
pub fn functions() -> [(&'static str, OpenApiRouter); 12] {
    [
        ("api-keys", api_keys::documented()),
        ("mfa", mfa::documented()),
        ("organization", organization::documented()),
        ("profile", profile::documented()),
        ("session-timeout", session_timeout::documented()),
        ("sessions", sessions::documented()),
        ("log-retention", log_retention::documented()),
        ("user-preferences", user_preferences::documented()),
        ("settings", settings::documented()),
        ("audit-log", audit_log::documented()),
        ("ip-whitelist", ip_whitelist::documented()),
        ("notifications", notifications::documented()),
    ]
}

/// The routes' own documents, merged.
#[must_use]
pub fn document() -> OpenApi {
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .schema_from::<shared::http::fault::Fault>()
        .build();
    let mut document = OpenApiBuilder::new().components(Some(components)).build();
    for (_, routes) in functions() {
        document.merge(routes.into_openapi());
    }
    document
}

/// The finished document.
///
/// # Errors
/// The first thing that an operation lacks.
pub fn finished() -> Result<Value, Lack> {
    let mut document = serde_json::to_value(document()).map_err(|it| Lack(it.to_string()))?;
    document["info"] = json!({
        "title": "User and settings API",
        "description": DESCRIPTION,
        "version": env!("CARGO_PKG_VERSION"),
        "contact": {"name": "The operators of this deployment"},
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    // Beside the document, wherever that is served from.
    document["servers"] = json!([{"url": ".", "description": "This deployment"}]);
    finish::finish(&mut document)?;
    closed::close(&mut document);
    links::link(&mut document);
    let used = used_tags(&mut document);
    let tags = text::TAGS.iter().filter(|(name, _)| used.iter().any(|tag| tag == name));
    document["tags"] = tags.map(|(name, it)| json!({"name": name, "description": it})).collect();
    document["components"]["headers"] = headers::components();
    document["components"]["examples"] = problems::examples();
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "An API key (`plnx_live_…`) or a session's token (`plnx_sess_…`).",
        },
        "apiKeyHeader": {
            "type": "apiKey", "in": "header", "name": "X-Planasonix-Api-Key",
            "description": "The legacy spelling of an API key's header; it takes no session's token.",
        },
    });
    Ok(document)
}

fn used_tags(document: &mut Value) -> Vec<String> {
    let tags = finish::operations(document)
        .flat_map(|(_, operation)| operation["tags"].as_array().cloned().unwrap_or_default());
    tags.filter_map(|tag| tag.as_str().map(ToOwned::to_owned)).collect()
}

/// The document's text, as it is checked in.
///
/// # Errors
/// The first thing that an operation lacks.
pub fn text() -> Result<String, Lack> {
    serde_json::to_string_pretty(&finished()?)
        .map(|text| text + "\n")
        .map_err(|error| Lack(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::http::kind::Kind;

    use super::*;

    #[test]
    fn the_checked_in_document_is_the_routes_own() {
        let checked_in = include_str!("../openapi.json");
        assert!(text().unwrap() == checked_in, "run `make openapi` and look at what has changed");
    }

    #[test]
    fn request_bodies_refuse_unknown_fields() {
        let document = finished().unwrap();
        let schemas = &document["components"]["schemas"];
        for name in ["Login", "CreateApiKey", "ToggleIpWhitelist", "SlackConfig", "QuietHours"] {
            assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        }
        assert_ne!(schemas["EventData"]["additionalProperties"], false);
    }

    #[test]
    fn what_has_been_made_is_linked_to_what_can_be_done_with_it() {
        let document = finished().unwrap();
        let links = |path: &str| {
            let links = &document["paths"][path]["post"]["responses"]["201"]["links"];
            links.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>()
        };
        let keys = ["delete_api_key", "get_api_key", "regenerate_api_key"];
        assert_eq!(links("/api/user/api-keys"), keys);
        assert_eq!(links("/api/settings/ip-whitelist"), ["remove_ip_whitelist_entry"]);
        for (path, item) in document["paths"].as_object().unwrap() {
            let created = item.pointer("/post/responses/201");
            let id = created.is_some_and(|created| created.to_string().contains("links"));
            assert_eq!(id, created.is_some(), "{path}");
        }
    }

    #[test]
    fn everything_that_is_named_is_there_and_everything_that_is_there_is_named() {
        let (document, text) = (finished().unwrap(), text().unwrap());
        let references = text.split("\"#/").skip(1).filter_map(|rest| rest.split('"').next());
        let references: BTreeSet<_> = references.map(|path| format!("/{path}")).collect();
        for path in &references {
            assert!(document.pointer(path).is_some(), "{path}");
        }
        for kind in ["schemas", "responses", "examples", "headers"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let path = format!("/components/{kind}/{name}");
                assert!(references.contains(&path), "{path} is not used");
            }
        }
    }

    #[test]
    fn every_operation_says_what_it_is_and_its_tag_is_described() {
        let mut document = finished().unwrap();
        let mut ids = BTreeSet::new();
        for (name, operation) in finish::operations(&mut document) {
            for field in ["summary", "description", "operationId"] {
                assert!(!operation[field].as_str().unwrap().is_empty(), "{name}: {field}");
            }
            assert!(!operation["description"].as_str().unwrap().contains("# "), "{name}");
            assert!(
                ids.insert(operation["operationId"].to_string()),
                "{name}: its id is another's"
            );
            let tag = operation["tags"][0].as_str().unwrap();
            assert!(text::TAGS.iter().any(|(name, _)| *name == tag), "{name}: {tag}");
        }
    }

    #[test]
    fn a_request_s_headers_are_named_where_they_are_looked_at() {
        let mut document = finished().unwrap();
        for (name, operation) in finish::operations(&mut document) {
            let has = |header: &str| {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                parameters.filter(|it| it["in"] == "header").any(|it| it["name"] == header)
            };
            let responses = operation["responses"].to_string();
            assert_eq!(has("If-Match"), responses.contains("precondition_failed"), "{name}");
            assert_eq!(has("Idempotency-Key"), responses.contains("key_reused"), "{name}");
        }
    }

    #[test]
    fn every_kind_of_problem_is_some_operation_s() {
        let text = text().unwrap();
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::MethodNotAllowed) {
            assert!(text.contains(&format!("- `{}`: ", kind.code())), "{kind:?}");
        }
    }
}
