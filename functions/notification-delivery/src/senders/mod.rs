//! Senders: one for each type of channel. What a sender says of its attempt is all that the retries go
//! by; nothing of a receiver's answer goes into it that was not checked.

mod email;
mod pagerduty;
mod slack;
mod teams;
mod webhook;

use std::time::SystemTime;

use secrecy::SecretString;
use shared::{
    clock::Timestamp,
    error::Error,
    ids::{ChannelId, OrganizationId},
    model::notifications::{
        channel::{Channel, Config},
        delivery::Delivery,
        secret::ChannelCipher,
    },
    outbound::guard::Refusal,
    random::Random,
    secrets::{Keyring, Secret},
    settings::Outbound,
};

use crate::{
    deployment::Deployment,
    http::{Answer, HttpClient, NoAnswer},
};

/// How long a receiver's wish to be left alone is respected, in seconds: a day.
const MAX_RETRY_AFTER: i64 = 86_400;

/// What senders work with.
#[derive(Clone)]
pub struct Senders {
    /// HTTP to the receivers.
    pub http: HttpClient,
    /// What the deployment itself sends with.
    pub deployment: Secret<Deployment>,
    /// Opens the channels' secrets.
    pub keyring: Keyring,
    /// Where the services are.
    pub settings: Outbound,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status of the receiver's answer, where there was one of HTTP or SMTP.
    pub status: Option<u16>,
    /// What it means.
    pub verdict: Verdict,
    /// The recipients who have taken it now, where there are several.
    pub taken_by: Vec<String>,
    /// The recipients who have refused it for good.
    pub refused_by: Vec<String>,
}

/// What an attempt has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has taken it.
    Delivered,
    /// It is tried again.
    Failed {
        /// Why.
        reason: String,
        /// How long the receiver wants to be left alone, in seconds.
        retry_after: Option<i64>,
    },
    /// It would be refused again.
    Refused {
        /// Why.
        reason: String,
    },
    /// The receiver wants nothing more, ever.
    Gone {
        /// Why.
        reason: String,
    },
    /// Nothing was sent, by no fault of the channel.
    Postponed {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), retry_after: None }
    }

    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { status: None, verdict, taken_by: Vec::new(), refused_by: Vec::new() }
    }
}

impl From<Error> for Outcome {
    /// A secret that cannot be had now. One that does not open never will.
    fn from(error: Error) -> Self {
        if let Error::Unavailable { cause } = error {
            tracing::warn!(%cause, "a secret is out of reach");
            let reason = "The service's secrets are out of reach.".to_owned();
            return Verdict::Postponed { reason }.into();
        }
        tracing::error!(%error, "a channel's secret does not open");
        Verdict::refused("The channel's secret cannot be read. Set it anew.").into()
    }
}

impl From<NoAnswer> for Outcome {
    fn from(none: NoAnswer) -> Self {
        let reason = none.to_string();
        let verdict = match none {
            // The DNS may know the name tomorrow.
            NoAnswer::Refused(Refusal::Unresolved) => Verdict::failed(reason),
            NoAnswer::Refused(_) => Verdict::refused(reason),
            _ => Verdict::failed(reason),
        };
        verdict.into()
    }
}

impl Senders {
    /// Sends an event to a channel, once.
    pub async fn send(&self, delivery: &Delivery, channel: &Channel, now: Timestamp) -> Outcome {
        let sent = match &channel.config {
            Config::Slack { workspace, channel } => {
                slack::send(self, delivery, workspace, channel, now).await
            }
            Config::Email { recipients, .. } => email::send(self, delivery, recipients, now).await,
            Config::Webhook { url, secrets } => {
                webhook::send(self, delivery, url, secrets, now).await
            }
            Config::Pagerduty { sealed_routing_key, .. } => {
                pagerduty::send(self, delivery, sealed_routing_key, now).await
            }
            Config::Teams { sealed_url, .. } => teams::send(self, delivery, sealed_url, now).await,
        };
        sent.unwrap_or_else(|none| none)
    }

    /// Mails an event to one address, once.
    pub(crate) async fn mail(&self, delivery: &Delivery, to: &str, now: Timestamp) -> Outcome {
        email::send(self, delivery, &[to.to_owned()], now).await.unwrap_or_else(|none| none)
    }

    async fn open(
        &self,
        organization: OrganizationId,
        channel: ChannelId,
        sealed: &str,
    ) -> Result<SecretString, Outcome> {
        let cipher = ChannelCipher::for_sealed(&self.keyring, organization, [sealed]).await?;
        Ok(cipher.open(channel, sealed)?)
    }

    /// A channel's configuration with the secrets that are used encrypted anew; `None` where they all are
    /// with the current key.
    ///
    /// # Errors
    /// Where one of them does not open, or the deployment's secret is out of reach.
    pub(crate) async fn reseal(
        &self,
        organization: OrganizationId,
        channel: &Channel,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Option<Config>, Error> {
        let mut config = channel.config.clone();
        let sealed = config.sealed(now);
        if sealed.is_empty() {
            return Ok(None);
        }
        let cipher = ChannelCipher::of(&self.keyring, organization).await?;
        let mut changed = false;
        for text in sealed {
            changed |= cipher.reseal(channel.id, text, random)?;
        }
        Ok(changed.then_some(config))
    }
}

/// What an answer means whose status says all.
fn judge(answer: &Answer, now: Timestamp) -> Outcome {
    let status = answer.status;
    let reason = format!("The receiver answered {status}.");
    let verdict = match status {
        200..300 => Verdict::Delivered,
        410 => Verdict::Gone { reason },
        300..400 => Verdict::failed(format!("{reason} Redirects are not followed.")),
        _ => Verdict::Failed { reason, retry_after: retry_after(answer, now) },
    };
    Outcome { status: Some(status), ..verdict.into() }
}

/// The same for a service that says with 4xx that it will never take what it was sent.
fn judge_strictly(answer: &Answer, now: Timestamp) -> Outcome {
    let outcome = judge(answer, now);
    let passes = matches!(answer.status, 408 | 425 | 429);
    match outcome.verdict {
        Verdict::Failed { reason, .. } if (400..500).contains(&answer.status) && !passes => {
            Outcome { verdict: Verdict::Refused { reason }, ..outcome }
        }
        verdict => Outcome { verdict, ..outcome },
    }
}

/// For how many seconds the receiver wants to be left alone: it says a number of them, or a date (RFC
/// 9110, section 10.2.3).
fn retry_after(answer: &Answer, now: Timestamp) -> Option<i64> {
    let text = answer.retry_after.as_deref()?.trim();
    let seconds = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(MAX_RETRY_AFTER)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        since.cast_signed().saturating_sub(now.as_second())
    };
    Some(seconds.clamp(0, MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        Answer { status, retry_after: retry_after.map(Into::into), body: Vec::new() }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_most() {
        let read = |text| retry_after(&answer(429, Some(text)), NOW);
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("99999999999999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(read("Fri, 27 Mar 2026 15:10:00 GMT"), Some(600));
        assert_eq!(read("Fri, 27 Mar 2026 14:00:00 GMT"), Some(0));
        assert_eq!(read("Fri, 27 Mar 2099 14:00:00 GMT"), Some(MAX_RETRY_AFTER));
        for nonsense in ["", "-5", "soon", "1.5", "Fri, 99 Mar 2026 14:00:00 GMT"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&answer(429, None), NOW), None);
    }

    #[test]
    fn what_a_status_means() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(&answer(status, None), NOW).verdict, Verdict::Delivered);
        }
        for status in [301, 302, 307, 308, 400, 401, 404, 408, 418, 429, 500, 503, 599] {
            let verdict = judge(&answer(status, None), NOW).verdict;
            assert!(matches!(verdict, Verdict::Failed { .. }), "{status}");
        }
        assert!(matches!(judge(&answer(410, None), NOW).verdict, Verdict::Gone { .. }));
        for status in [400, 401, 403, 404, 413, 422] {
            let verdict = judge_strictly(&answer(status, None), NOW).verdict;
            assert!(matches!(verdict, Verdict::Refused { .. }), "{status}");
        }
        for status in [301, 408, 425, 429, 500, 502] {
            let verdict = judge_strictly(&answer(status, None), NOW).verdict;
            assert!(matches!(verdict, Verdict::Failed { .. }), "{status}");
        }
    }
}
