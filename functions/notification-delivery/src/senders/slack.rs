//! Slack, by `chat.postMessage`. The bot's token is the deployment's.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use shared::{clock::Timestamp, model::notifications::delivery::Delivery};

use super::{Outcome, Senders, Verdict, judge, retry_after};
use crate::message::{facts, heading, subject, text};

/// How long a section may be, in characters.
const MAX_SECTION: usize = 3000;

/// What Slack says of trouble that passes. All else it says of the request, and would say again.
const PASSING: [&str; 7] = [
    "fatal_error",
    "internal_error",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
];

/// How long the name of an error may be, in bytes.
const MAX_ERROR: usize = 64;

/// What Slack answers.
#[derive(Deserialize)]
struct Told {
    ok: bool,
    #[serde(default)]
    error: String,
}

pub(super) async fn send(
    senders: &Senders,
    delivery: &Delivery,
    workspace: &str,
    channel: &str,
    now: Timestamp,
) -> Result<Outcome, Outcome> {
    let deployment = senders.deployment.value().await?;
    let token = deployment.slack_token(delivery.organization_id, workspace);
    let token = token.ok_or_else(|| {
        Verdict::failed("The deployment has no token for the organization's Slack workspace.")
    })?;
    let authorization = format!("Bearer {}", token.expose_secret());
    let url = format!("{}/chat.postMessage", senders.settings.slack_url);
    let body = body(delivery, channel).to_string();
    let answer = senders.http.post(&url, &[("authorization", &authorization)], body).await?;
    if answer.status != 200 {
        return Ok(judge(&answer, now));
    }
    let verdict = match serde_json::from_slice::<Told>(&answer.body) {
        Ok(told) if told.ok => Verdict::Delivered,
        Ok(told) => {
            let reason = format!("Slack answered {}.", name_of(&told.error));
            if PASSING.contains(&told.error.as_str()) {
                Verdict::Failed { reason, retry_after: retry_after(&answer, now) }
            } else {
                Verdict::refused(reason)
            }
        }
        Err(_) => Verdict::failed("Slack's answer is not of its form."),
    };
    Ok(Outcome { status: Some(answer.status), ..verdict.into() })
}

/// An error's name, if it is one.
fn name_of(error: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let named = !error.is_empty() && error.len() <= MAX_ERROR && error.bytes().all(is_name);
    if named { error } else { "an error without a name" }
}

fn body(delivery: &Delivery, channel: &str) -> serde_json::Value {
    let event = &delivery.event;
    let facts = facts(delivery).into_iter();
    let facts: Vec<_> = facts.map(|(name, value)| format!("{name}: {}", escape(&value))).collect();
    let mrkdwn = |text: String| json!({"type": "mrkdwn", "text": text, "verbatim": true});
    json!({
        "channel": channel,
        "text": escape(&subject(event)),
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": heading(event), "emoji": false},
            },
            {"type": "section", "text": mrkdwn(cut_escaped(text(event)))},
            {"type": "context", "elements": [mrkdwn(facts.join("\n"))]},
        ],
        "unfurl_links": false,
        "unfurl_media": false,
        // By it a program that reads the channel knows a message that was sent twice.
        "metadata": {
            "event_type": "planasonix_notification",
            "event_payload": {"delivery_id": delivery.id, "event_id": event.id},
        },
    })
}

/// What Slack's markup wants: otherwise `<!channel>` in a summary would call everybody.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text that is within Slack's bound when it is escaped.
fn cut_escaped(text: &str) -> String {
    let mut length = 0;
    let fitting = text.chars().take_while(|it| {
        length += match it {
            '&' => 5,
            '<' | '>' => 4,
            _ => 1,
        };
        length <= MAX_SECTION
    });
    escape(&fitting.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_the_bound_kept() {
        assert_eq!(escape("a & <!channel>"), "a &amp; &lt;!channel&gt;");
        assert_eq!(cut_escaped(&"<".repeat(1000)).len(), MAX_SECTION);
        assert_eq!(cut_escaped("short"), "short");
    }

    #[test]
    fn what_is_no_error_s_name_is_not_told() {
        assert_eq!(name_of("channel_not_found"), "channel_not_found");
        for text in ["", "<b>", "xoxb-secret-1", "Not A Name", &"a".repeat(65)] {
            assert_eq!(name_of(text), "an error without a name");
        }
    }
}
