//! What an event says to people. Senders escape it, each as its receiver wants.

use shared::model::notifications::{delivery::Delivery, event::Event};

/// How long a subject may be, in characters.
const MAX_SUBJECT: usize = 150;

/// What a message begins with whose text comes after it: `[HIGH] pipeline.run.failed`.
pub(crate) fn heading(event: &Event) -> String {
    format!("[{}] {}", event.severity.as_str().to_uppercase(), event.name)
}

/// The one line that says it all: `[HIGH] pipeline.run.failed: …`.
pub(crate) fn subject(event: &Event) -> String {
    let summary = event.summary.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    let line = format!("{}{summary}", heading(event));
    // Nothing in a line may end it.
    let line: String = line.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    cut(&line, MAX_SUBJECT)
}

/// What has happened.
pub(crate) fn text(event: &Event) -> &str {
    event.summary.as_deref().unwrap_or_else(|| event.name.description())
}

/// What else is known, by name.
pub(crate) fn facts(delivery: &Delivery) -> Vec<(&'static str, String)> {
    let event = &delivery.event;
    let mut facts = vec![
        ("Event", event.name.to_string()),
        ("Severity", event.severity.as_str().to_owned()),
        ("Occurred at", event.occurred_at.to_string()),
    ];
    facts.extend(event.pipeline_id.clone().map(|pipeline| ("Pipeline", pipeline)));
    facts.extend(event.value.map(|value| ("Value", value.to_string())));
    facts.push(("Event id", event.id.clone()));
    facts.push(("Delivery id", delivery.id.to_string()));
    facts
}

/// A text, cut to a number of characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(characters.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_has_its_length_in_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
