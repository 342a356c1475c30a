//! The page of problems: what each code stands for, why it is answered, and what to do about it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use shared::{
    error::Error,
    http::{fault::Faults, kind::Kind, problem::Problem},
};

/// The id of the request in the examples.
const REQUEST_ID: &str = "7d4e1d1c-0a5c-4f0e-9b8e-2f6a1f6c9a11";

/// A refusal of each kind.
fn sample(kind: Kind) -> Error {
    let fault = |pointer: &str, code, detail: &str| Faults::new(pointer, code, detail);
    let role = "Your roles do not grant `settings:write`.";
    let scope = "The API key's scopes do not contain `settings:write`.";
    match kind {
        Kind::MalformedJson => Error::MalformedJson,
        Kind::MalformedQuery => Error::MalformedQuery(fault(
            "/limit",
            "out_of_range",
            "Must be an integer from 1 to 100.",
        )),
        Kind::InvalidCursor => Error::InvalidCursor,
        Kind::InvalidIdempotencyKey => Error::InvalidIdempotencyKey,
        Kind::InvalidIfMatch => Error::InvalidIfMatch,
        Kind::MissingCredential => Error::MissingCredential,
        Kind::InvalidCredential => Error::InvalidCredential,
        Kind::ApiKeyExpired => Error::ApiKeyExpired,
        Kind::SessionIdle => Error::SessionIdle,
        Kind::SessionAbsolute => Error::SessionAbsolute,
        Kind::InvalidLogin => Error::WrongEmailOrPassword,
        Kind::InvalidCode => Error::WrongCode,
        Kind::IncorrectPassword => Error::IncorrectPassword,
        Kind::IncorrectCode => Error::IncorrectCode,
        Kind::ReauthenticationRequired => Error::ReauthenticationRequired,
        Kind::IpNotAllowed => Error::IpNotAllowed,
        Kind::SessionRequired => Error::SessionRequired,
        Kind::RoleRequired => Error::RoleRequired(role.into()),
        Kind::InsufficientScope => Error::InsufficientScope(scope.into()),
        Kind::SsoRequired => Error::SsoRequired,
        Kind::FeatureNotAvailable => {
            Error::FeatureNotAvailable("Your plan has no single sign-on.".into())
        }
        Kind::NotFound => Error::NotFound,
        Kind::MethodNotAllowed => Error::MethodNotAllowed,
        Kind::PreconditionFailed => Error::PreconditionFailed,
        Kind::BodyTooLarge => Error::BodyTooLarge,
        Kind::UnsupportedMediaType => Error::UnsupportedMediaType,
        Kind::ValidationFailed => Error::Validation(
            fault("/colour", "unknown_field", "There is no such field.").and(fault(
                "/name",
                "missing_field",
                "This field is required.",
            )),
        ),
        Kind::IdempotencyKeyReused => Error::IdempotencyKeyReused,
        Kind::EventIdReused => Error::EventIdReused,
        Kind::TooManyAttempts => Error::TooManyAttempts { retry_after: 900 },
        Kind::RateLimited => Error::RateLimited { retry_after: 1 },
        Kind::Internal => Error::internal("an example"),
        Kind::Unavailable => Error::unavailable("an example"),
        conflict => Error::conflict(conflict.code(), conflict.cause()),
    }
}

/// An example of each kind, but for the one that no operation has, for the document's components.
pub(crate) fn examples() -> Value {
    let example = |kind: &Kind| {
        let problem = json!(Problem::new(&sample(*kind), REQUEST_ID));
        (kind.code().to_owned(), json!({"summary": kind.title(), "value": problem}))
    };
    let kinds = Kind::ALL.iter().filter(|kind| **kind != Kind::MethodNotAllowed);
    Value::Object(kinds.map(example).collect::<Map<_, _>>())
}

/// The page, as it is checked in.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for kind in Kind::ALL {
        let (code, status) = (kind.code(), kind.status());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<section id=\"{code}\">\n<h2><a href=\"#{code}\">{code}</a></h2>\n\
             <p class=\"status\">{status}: {title}</p>\n\
             <dl>\n<dt>Cause</dt><dd>{cause}</dd>\n<dt>Cure</dt><dd>{cure}</dd>\n</dl>\n</section>",
            status = status.as_u16(),
            title = kind.title(),
            cause = html(kind.cause()),
            cure = html(kind.cure()),
        );
    }
    text + "</main>\n</body>\n</html>\n"
}

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems</title>
<link rel="stylesheet" href="docs/page.css">
</head>
<body class="problems">
<main>
<h1>Problems</h1>
<p>A refusal is an <code>application/problem+json</code> document (RFC 9457). Its <code>code</code> is stable
and tells programs what it is; its <code>type</code> leads here. Which codes an operation can answer is in the
<a href="docs">reference</a>.</p>
"#;

/// Text as HTML; what stands between backticks is code.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = escaped.split('`').enumerate();
    parts.fold(String::new(), |html, (index, part)| {
        if index % 2 == 1 { html + "<code>" + part + "</code>" } else { html + part }
    })
}

#[cfg(test)]
mod tests {
    use shared::http::problem::PAGE;

    use super::*;

    #[test]
    fn the_checked_in_page_is_the_table_s_own() {
        let checked_in = include_str!("../problems.html");
        assert!(page() == checked_in, "run `make openapi` and look at what has changed");
    }

    #[test]
    fn the_type_of_a_problem_of_each_kind_leads_to_its_entry_with_cause_and_cure() {
        let page = page();
        for kind in Kind::ALL {
            let problem = Problem::new(&sample(*kind), REQUEST_ID);
            assert_eq!((problem.code, problem.status), (kind.code(), kind.status().as_u16()));
            assert_eq!(problem.title, kind.title());
            let anchor = problem.r#type.strip_prefix(PAGE).unwrap().strip_prefix('#').unwrap();
            let (_, entry) = page.split_once(&format!("<section id=\"{anchor}\">")).unwrap();
            let (entry, _) = entry.split_once("</section>").unwrap();
            assert!(entry.contains(&html(kind.cause())) && entry.contains(&html(kind.cure())));
            assert!(kind.cause().len() > 20 && kind.cure().ends_with(['.', '`']), "{kind:?}");
        }
    }
}
