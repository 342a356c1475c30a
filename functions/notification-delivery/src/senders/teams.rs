//! Microsoft Teams, by an incoming webhook that takes an Adaptive Card.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{clock::Timestamp, model::notifications::delivery::Delivery};

use super::{Outcome, Senders, Verdict, judge_strictly};
use crate::message::{facts, heading, text};

/// With what a body begins by which older webhooks tell of a failure, under status 200.
const FAILURE: &[u8] = b"Webhook message delivery failed";

pub(super) async fn send(
    senders: &Senders,
    delivery: &Delivery,
    sealed_url: &str,
    now: Timestamp,
) -> Result<Outcome, Outcome> {
    let (organization, channel) = (delivery.organization_id, delivery.channel_id);
    let url = senders.open(organization, channel, sealed_url).await?;
    let body = card(delivery).to_string();
    let answer = senders.http.post(url.expose_secret(), &[], body).await?;
    if answer.status == 200 && answer.body.starts_with(FAILURE) {
        let verdict = Verdict::failed("Teams has not taken the message.");
        return Ok(Outcome { status: Some(200), ..verdict.into() });
    }
    Ok(judge_strictly(&answer, now))
}

fn card(delivery: &Delivery) -> Value {
    // A text block would read Markdown out of it, links among it; a run of text does not.
    let block = |run: Value| json!({"type": "RichTextBlock", "inlines": [run]});
    let event = &delivery.event;
    let mut body = vec![
        block(json!({"type": "TextRun", "text": heading(event), "weight": "Bolder"})),
        block(json!({"type": "TextRun", "text": text(event)})),
    ];
    body.extend(facts(delivery).into_iter().map(|(name, value)| {
        block(json!({"type": "TextRun", "text": format!("{name}: {value}"), "isSubtle": true}))
    }));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}
