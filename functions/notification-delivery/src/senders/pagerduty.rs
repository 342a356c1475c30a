//! `PagerDuty`, by the Events API v2.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use shared::{
    clock::Timestamp,
    model::notifications::{Severity, delivery::Delivery},
};

use super::{Outcome, Senders, judge_strictly};
use crate::message::{facts, subject};

pub(super) async fn send(
    senders: &Senders,
    delivery: &Delivery,
    sealed_routing_key: &str,
    now: Timestamp,
) -> Result<Outcome, Outcome> {
    let (organization, channel) = (delivery.organization_id, delivery.channel_id);
    let key = senders.open(organization, channel, sealed_routing_key).await?;
    let body = body(delivery, key.expose_secret()).to_string();
    let answer = senders.http.post(&senders.settings.pagerduty_url, &[], body).await?;
    Ok(judge_strictly(&answer, now))
}

fn body(delivery: &Delivery, routing_key: &str) -> Value {
    let event = &delivery.event;
    let facts = facts(delivery).into_iter();
    let details: Map<String, Value> =
        facts.map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        // What is sent twice is one incident.
        "dedup_key": delivery.id,
        "payload": {
            "summary": subject(event),
            "source": event.pipeline_id.as_deref().unwrap_or("planasonix"),
            "severity": severity(event.severity),
            "timestamp": event.occurred_at,
            "class": event.name,
            "custom_details": details,
        },
    })
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "info",
    }
}
