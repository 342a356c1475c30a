//! The other ends of what the functions send over HTTP, with their ways of saying no.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use super::message::{Kind, Message, Store};
use crate::clock::now;

/// What Slack's `chat.postMessage` takes of a text, in characters.
const SLACK_TEXT: usize = 40_000;

/// Errors of `chat.postMessage` that a channel of the same name answers, for trying what a sender does.
const SLACK_ERRORS: [&str; 6] = [
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "restricted_action",
    "token_revoked",
    "internal_error",
];

type Shared = State<Arc<Store>>;
type Parameters = Query<Vec<(String, String)>>;

/// Slack's `chat.postMessage`. It says almost everything with a 200.
pub(super) async fn slack(State(store): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text_of = |name: &str| request[name].as_str().unwrap_or_default();
    let channel = text_of("channel");
    let refusal = slack_refusal(&headers, &request);
    let time = now();
    let ts = format!("{}.{:06}", time.as_second(), time.subsec_microsecond());
    let answer = match refusal {
        Some(error) => json!({"ok": false, "error": error}),
        None => json!({"ok": true, "channel": channel, "ts": ts}),
    };
    store.add(Message {
        kind: Kind::Slack,
        to: channel.to_owned(),
        title: block_texts(&request, true).join("\n"),
        body: slack_body(&request),
        source: request.clone(),
        answer: answer.to_string(),
    });
    if refusal == Some("ratelimited") {
        let wait = [(header::RETRY_AFTER, "1")];
        return (StatusCode::TOO_MANY_REQUESTS, wait, json_text(&answer)).into_response();
    }
    json_text(&answer)
}

/// What Slack shows below the header: the blocks, and the text only where there are none.
fn slack_body(request: &Value) -> String {
    let blocks = block_texts(request, false);
    if blocks.is_empty() {
        return request["text"].as_str().unwrap_or_default().to_owned();
    }
    blocks.join("\n\n")
}

/// The texts of a message's headers, or of its other blocks.
fn block_texts(request: &Value, headers: bool) -> Vec<&str> {
    let blocks = request["blocks"].as_array().into_iter().flatten();
    let blocks = blocks.filter(|block| (block["type"] == "header") == headers);
    let texts = blocks.flat_map(|block| {
        let elements = block["elements"].as_array().into_iter().flatten();
        let elements = elements.filter_map(|element| element["text"].as_str());
        block["text"]["text"].as_str().into_iter().chain(elements)
    });
    texts.collect()
}

fn slack_refusal(headers: &HeaderMap, request: &Value) -> Option<&'static str> {
    let value = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let channel = request["channel"].as_str().unwrap_or_default().trim_start_matches('#');
    let text = request["text"].as_str().unwrap_or_default();
    let has_blocks = request["blocks"].as_array().is_some_and(|blocks| !blocks.is_empty());
    match value(header::AUTHORIZATION).strip_prefix("Bearer ") {
        None => return Some("not_authed"),
        Some(token) if !token.starts_with("xoxb-") => return Some("invalid_auth"),
        Some(_) => {}
    }
    if !value(header::CONTENT_TYPE).starts_with("application/json") || !request.is_object() {
        Some("invalid_json")
    } else if channel.is_empty() {
        Some("channel_not_found")
    } else if text.is_empty() && !has_blocks {
        Some("no_text")
    } else if text.chars().count() > SLACK_TEXT {
        Some("msg_too_long")
    } else if channel == "ratelimited" {
        Some("ratelimited")
    } else {
        SLACK_ERRORS.into_iter().find(|error| *error == channel)
    }
}

/// The receiver of a webhook, under any name. `?status=500` lets it answer so.
pub(super) async fn webhook(
    State(store): Shared,
    Path(name): Path<String>,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(status) = wanted_status(&query, StatusCode::OK) else { return no_status() };
    let title = body_text(&body, &["type", "event", "title"]);
    caught(&store, Kind::Webhook, name, title, &headers, &body, status);
    status.into_response()
}

/// An incoming webhook of Teams. `?status=429` lets it answer so.
pub(super) async fn teams(
    State(store): Shared,
    Path(name): Path<String>,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(mut status) = wanted_status(&query, StatusCode::ACCEPTED) else { return no_status() };
    if !serde_json::from_slice::<Value>(&body).is_ok_and(|body| body.is_object()) {
        status = StatusCode::BAD_REQUEST;
    }
    caught(
        &store,
        Kind::Teams,
        name,
        body_text(&body, &["summary", "title"]),
        &headers,
        &body,
        status,
    );
    status.into_response()
}

/// `PagerDuty`'s Events API, version 2.
pub(super) async fn pagerduty(State(store): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let faults = pagerduty_faults(&event);
    let (status, answer) = if faults.is_empty() {
        let key = event["dedup_key"].as_str().unwrap_or("local");
        let answer = json!({"status": "success", "message": "Event processed", "dedup_key": key});
        (StatusCode::ACCEPTED, answer)
    } else {
        let answer = json!({
            "status": "invalid event", "message": "Event object is invalid", "errors": faults,
        });
        (StatusCode::BAD_REQUEST, answer)
    };
    let to = event["routing_key"].as_str().unwrap_or_default().to_owned();
    let title = event["payload"]["summary"].as_str().unwrap_or_default().to_owned();
    caught(&store, Kind::PagerDuty, to, title, &headers, &body, status);
    (status, json_text(&answer)).into_response()
}

fn pagerduty_faults(event: &Value) -> Vec<&'static str> {
    let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let one_of =
        |value: &Value, allowed: &[&str]| value.as_str().is_some_and(|it| allowed.contains(&it));
    let payload = &event["payload"];
    let triggers = event["event_action"] == "trigger";
    let checks = [
        (has(&event["routing_key"]), "'routing_key' is missing or blank"),
        (
            one_of(&event["event_action"], &["trigger", "acknowledge", "resolve"]),
            "'event_action' is invalid",
        ),
        (triggers || has(&event["dedup_key"]), "'dedup_key' is missing or blank"),
        (!triggers || has(&payload["summary"]), "'payload.summary' is missing or blank"),
        (!triggers || has(&payload["source"]), "'payload.source' is missing or blank"),
        (
            !triggers || one_of(&payload["severity"], &["critical", "error", "warning", "info"]),
            "'payload.severity' is invalid",
        ),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
}

fn caught(
    store: &Store,
    kind: Kind,
    to: String,
    title: String,
    headers: &HeaderMap,
    body: &[u8],
    status: StatusCode,
) {
    let text = String::from_utf8_lossy(body).into_owned();
    let headers: Map<_, _> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value.into())
        })
        .collect();
    let source = json!({"headers": headers, "body": text});
    let readable =
        serde_json::from_slice::<Value>(body).map(|it| format!("{it:#}")).unwrap_or(text);
    store.add(Message { kind, to, title, body: readable, source, answer: status.to_string() });
}

/// The first text in a JSON body that goes by one of these names.
fn body_text(body: &[u8], names: &[&str]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    names.iter().find_map(|name| body[*name].as_str()).unwrap_or_default().to_owned()
}

/// The status that a request asks to be answered with; none where it is not one.
fn wanted_status(Query(query): &Parameters, otherwise: StatusCode) -> Option<StatusCode> {
    let Some((_, wanted)) = query.iter().find(|(name, _)| name == "status") else {
        return Some(otherwise);
    };
    let status = wanted.parse().ok().filter(|status| (200..600).contains(status))?;
    StatusCode::from_u16(status).ok()
}

fn no_status() -> Response {
    (StatusCode::BAD_REQUEST, "status is a number from 200 to 599\n").into_response()
}

fn json_text(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
