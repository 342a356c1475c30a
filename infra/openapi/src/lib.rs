//! The OpenAPI document, put together from the routes of all functions.

use shared::http::problem::Problem;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder,
    security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

const DESCRIPTION: &str = "\
User and organization settings of a data platform. Successes are `{\"data\": …}`; refusals are \
RFC 9457 problem documents with a stable `code`, and list every fault of a body with a JSON \
pointer. Send an API key (`plnx_live_…`) or a session's token (`plnx_sess_…`) as \
`Authorization: Bearer …`. The scopes named with an operation are those that an API key needs; \
where none is named, only a session will do. An answer to a session tells in \
`Session-Idle-Expires` when it ends if it is not used again, and in `Session-Expires` when it ends \
whatever happens (RFC 3339); a moment in the past says that the session has ended. Unknown fields are refused. A `PUT` merges: a field \
that is left out keeps its value.";

/// The routes of every HTTP function, by the function's name.
#[must_use]
pub fn functions() -> [(&'static str, OpenApiRouter); 11] {
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
    ]
}

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("User and settings API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .schema_from::<shared::http::fault::Fault>()
        .security_scheme("bearer", bearer)
        .build();
    let mut document = OpenApiBuilder::new().info(info).components(Some(components)).build();
    for (_, routes) in functions() {
        document.merge(routes.into_openapi());
    }
    document
}

/// The document's text, as it is checked in.
///
/// # Errors
/// Where a schema has no JSON form.
pub fn text() -> Result<String, impl std::error::Error> {
    document().to_pretty_json().map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_document_is_the_routes_own() {
        let checked_in = include_str!("../openapi.json");
        assert!(text().unwrap() == checked_in, "run `make openapi` and look at what has changed");
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = text().unwrap();
        for name in
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next())
        {
            assert!(text.contains(&format!("\n      \"{name}\": {{")), "{name}");
        }
    }
}
