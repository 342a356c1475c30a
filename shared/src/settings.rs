//! What a deployment chooses. It is read once, in the bootstrap.

use std::sync::Arc;

/// The settings of a deployment that handlers go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Hours until a shorter retention is in force: what it deletes is gone for good.
    pub retention_cooling_off_hours: u16,
    /// How notifications leave the house.
    pub outbound: Outbound,
}

/// How notifications leave the house. Only the local stack and tests choose any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Whether channels may lead to loopback addresses, and over plain HTTP.
    pub allow_insecure: bool,
    /// Slack's API, without a method.
    pub slack_url: Arc<str>,
    /// Where `PagerDuty` takes events.
    pub pagerduty_url: Arc<str>,
    /// How long one attempt may take, in milliseconds: connecting, sending and the whole answer.
    pub timeout_milliseconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention_cooling_off_hours: 24, outbound: Outbound::default() }
    }
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            allow_insecure: false,
            slack_url: "https://slack.com/api".into(),
            pagerduty_url: "https://events.pagerduty.com/v2/enqueue".into(),
            timeout_milliseconds: 15_000,
        }
    }
}
