//! The page that shows what was caught, and the same as JSON.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::message::{Caught, Kind, Message, Store};

/// How often the page is loaded anew, in seconds.
const REFRESH: u8 = 3;

type Parameters = Query<Vec<(String, String)>>;

/// The style of the page: a file of its own, so that the page needs none that is inline.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("style.css")).into_response()
}

/// The messages of a kind, or all, newest first.
pub(super) async fn messages(State(store): State<Arc<Store>>, query: Parameters) -> Response {
    let Ok(kind) = kind(&query) else { return no_kind() };
    let messages: Vec<_> = store.list(kind).iter().map(Caught::to_json).collect();
    let body = json!({"data": messages}).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The page. It loads itself anew unless `paused` is asked for.
pub(super) async fn show(State(store): State<Arc<Store>>, query: Parameters) -> Response {
    let Ok(kind) = kind(&query) else { return no_kind() };
    let paused = query.iter().any(|(name, _)| name == "paused");
    Html(page(&store.list(kind), kind, paused)).into_response()
}

fn kind(Query(query): &Parameters) -> Result<Option<Kind>, ()> {
    match query.iter().find(|(name, _)| name == "kind") {
        Some((_, name)) => Kind::named(name).map(Some).ok_or(()),
        None => Ok(None),
    }
}

fn no_kind() -> Response {
    let names = Kind::ALL.map(Kind::name).join(", ");
    (StatusCode::BAD_REQUEST, format!("kind is one of {names}\n")).into_response()
}

fn page(messages: &[Caught], kind: Option<Kind>, paused: bool) -> String {
    let here = kind.map_or_else(|| "/?".to_owned(), |kind| format!("/?kind={}&amp;", kind.name()));
    let refresh = if paused {
        String::new()
    } else {
        format!("<meta http-equiv=\"refresh\" content=\"{REFRESH}\">")
    };
    let toggle = if paused {
        format!("<a href=\"{here}\">go on</a>")
    } else {
        format!("<a href=\"{here}paused\">pause</a>")
    };
    let links = Kind::ALL.iter().map(|of| {
        let current = if kind == Some(*of) { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"/?kind={0}\"{current}>{0}</a>", of.name())
    });
    let links: Vec<_> = links.collect();
    let shown: String = messages.iter().map(article).collect();
    let empty = "<p>Nothing has come yet. What the functions send is shown here.</p>";
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
{refresh}
<meta name=\"viewport\" content=\"width=device-width\">
<title>Inbox ({count})</title>
<link rel=\"stylesheet\" href=\"/style.css\">
</head>
<body>
<header><h1>Inbox</h1><nav><a href=\"/\">all</a> {links} {toggle}</nav></header>
<main>
{shown}
</main>
</body>
</html>
",
        count = messages.len(),
        links = links.join(" "),
        shown = if shown.is_empty() { empty } else { &shown },
    )
}

fn article(caught: &Caught) -> String {
    let Message { kind, to, title, body, source, answer } = &caught.message;
    let [to, title, body, answer] = [to, title, body, answer].map(|text| escape(text));
    let time = &caught.received_at;
    let mut article = format!(
        "<article id=\"m{id}\">
<h2><span class=\"kind\">{kind}</span> <span class=\"to\">{to}</span> <time>{time}</time></h2>
<p class=\"title\">{title}</p>
<pre>{body}</pre>
<details><summary>as it came; answered with {answer}</summary>",
        id = caught.id,
        kind = kind.name(),
    );
    let parts = source.as_object().into_iter().flatten();
    for (name, value) in parts {
        let text = match value {
            Value::String(text) => text.clone(),
            other => format!("{other:#}"),
        };
        // Writing to a string cannot fail.
        let _ = write!(article, "<h3>{}</h3><pre>{}</pre>", escape(name), escape(&text));
    }
    article + "</details>\n</article>\n"
}

/// Text as HTML shows it, and nothing but text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            '\r' => {}
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(text: &str) -> Caught {
        let text = text.to_owned();
        let message = Message {
            kind: Kind::Mail,
            to: text.clone(),
            title: text.clone(),
            body: text.clone(),
            source: json!({ text.clone(): text }),
            answer: text,
        };
        Caught { id: 1, received_at: "2026-03-27T10:00:00Z".to_owned(), message }
    }

    #[test]
    fn nothing_of_a_message_becomes_markup() {
        let plain = page(&[caught("x")], None, false);
        let hostile = page(&[caught("</pre><script src='//evil'>\"&\u{0}")], None, false);
        let marks = |page: &str| page.matches(['<', '>', '"', '\'']).count();
        assert_eq!(marks(&hostile), marks(&plain));
        assert!(
            hostile.contains("&lt;/pre&gt;&lt;script src=&#39;//evil&#39;&gt;&quot;&amp;\u{fffd}")
        );
    }

    #[test]
    fn the_page_loads_itself_anew_unless_it_is_paused() {
        assert!(page(&[], None, false).contains("http-equiv=\"refresh\""));
        assert!(!page(&[], None, true).contains("http-equiv"));
        assert!(page(&[], Some(Kind::Slack), false).contains("href=\"/?kind=slack&amp;paused\""));
    }
}
