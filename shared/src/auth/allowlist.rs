//! The IP allowlist: what is let in from where.
//!
//! All that decides it lies in the organization's item, which every request reads anyway: how the
//! list is enforced, and the entries, compiled. The compiled form is changed in the transaction that
//! changes an entry, on the condition of the organization's version.

use std::net::IpAddr;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Credential;
pub use super::networks::{LAST_END, Networks, canonical};
use crate::{
    clock::{Timestamp, epoch},
    http::fault::Faults,
};

/// An organization's allowlist as the auth path needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Allowlist {
    /// The list, which may be off.
    Known(Rules),
    /// The attribute is missing or does not decode: nobody is let in. It is the default, so that
    /// forgetting to decode it shuts out instead of letting in.
    #[default]
    Unreadable,
}

/// How the list is enforced, and the compiled entries: the attribute of the organization's item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Whether requests are evaluated at all.
    pub enabled: bool,
    /// What becomes of a request from elsewhere.
    pub mode: Mode,
    /// Which requests are evaluated.
    pub applies_to: AppliesTo,
    /// When the list turns itself off unless it is confirmed before.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub confirm_by: Option<Timestamp>,
    /// How many entries have no end.
    pub lasting_entries: usize,
    /// The entries, compiled.
    pub networks: Networks,
}

/// What becomes of a request from an address that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is let in, and counted.
    #[deserr(rename = "report_only")]
    ReportOnly,
}

/// By what means a request is made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, Deserr,
)]
#[serde(rename_all = "lowercase")]
#[deserr(error = Faults, rename_all = lowercase)]
pub enum Means {
    /// An API key.
    Api,
    /// A session, or the sign-in that begins one.
    Ui,
}

/// The means of the requests that are evaluated: one or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Means>", try_from = "Vec<Means>")]
pub struct AppliesTo {
    api: bool,
    ui: bool,
}

/// What the list says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request is not evaluated: it is let in.
    NotAsked,
    /// The address is on the list.
    LetIn,
    /// The address is not on the list, and that is only reported.
    WouldBeRefused,
    /// The address is not on the list.
    Refused,
}

impl Allowlist {
    /// A list that is off and has no entries.
    #[must_use]
    pub fn off() -> Self {
        Self::Known(Rules::default())
    }

    /// Judges a request. An `address` of `None`, one that the gateway did not tell, is on no list.
    #[must_use]
    pub fn judge(&self, address: Option<IpAddr>, means: Means, now: Timestamp) -> Verdict {
        match self {
            Self::Known(rules) => rules.judge(address, means, now),
            Self::Unreadable => Verdict::Refused,
        }
    }
}

impl Rules {
    fn judge(&self, address: Option<IpAddr>, means: Means, now: Timestamp) -> Verdict {
        if !self.is_on(now) || !self.applies_to.contains(means) {
            Verdict::NotAsked
        } else if self.has(address, now) {
            Verdict::LetIn
        } else if self.mode == Mode::ReportOnly {
            Verdict::WouldBeRefused
        } else {
            Verdict::Refused
        }
    }

    /// Whether requests are evaluated at that moment: an enforcement that was to be confirmed, and
    /// was not, has turned itself off.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.enabled && self.confirm_by.is_none_or(|confirm_by| now < confirm_by)
    }

    /// Whether requests are refused at that moment.
    #[must_use]
    pub fn is_enforced(&self, now: Timestamp) -> bool {
        self.is_on(now) && self.mode == Mode::Enforce
    }

    /// Whether an address is on the list at that moment, enforced or not.
    #[must_use]
    pub fn has(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        address.is_some_and(|address| self.networks.contains(address, now))
    }

    /// Whether a request would be refused at that moment.
    #[must_use]
    pub fn shuts_out(&self, address: Option<IpAddr>, means: Means, now: Timestamp) -> bool {
        self.judge(address, means, now) == Verdict::Refused
    }

    /// How many entries there are at that moment.
    #[must_use]
    pub fn entry_count(&self, now: Timestamp) -> usize {
        self.lasting_entries + self.networks.ending(now)
    }
}

impl Means {
    /// The means that a credential is.
    #[must_use]
    pub const fn of(credential: Credential) -> Self {
        match credential {
            Credential::ApiKey(..) => Self::Api,
            Credential::Session(_) => Self::Ui,
        }
    }
}

impl AppliesTo {
    /// Whether requests by these means are evaluated.
    #[must_use]
    pub const fn contains(self, means: Means) -> bool {
        match means {
            Means::Api => self.api,
            Means::Ui => self.ui,
        }
    }
}

impl Default for AppliesTo {
    fn default() -> Self {
        Self { api: true, ui: true }
    }
}

/// A list of means that is empty: what applies to nothing would be off without saying so.
#[derive(Debug, thiserror::Error)]
#[error("applies to nothing")]
pub struct AppliesToNothing;

impl TryFrom<Vec<Means>> for AppliesTo {
    type Error = AppliesToNothing;

    fn try_from(means: Vec<Means>) -> Result<Self, AppliesToNothing> {
        let (api, ui) = (means.contains(&Means::Api), means.contains(&Means::Ui));
        if api || ui { Ok(Self { api, ui }) } else { Err(AppliesToNothing) }
    }
}

impl From<AppliesTo> for Vec<Means> {
    fn from(applies_to: AppliesTo) -> Self {
        [Means::Api, Means::Ui].into_iter().filter(|means| applies_to.contains(*means)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

    fn rules(networks: &[&str]) -> Rules {
        let networks = networks.iter().map(|text| (text.parse().unwrap(), None));
        Rules {
            enabled: true,
            networks: Networks::pack(networks, &SystemRandom),
            ..Rules::default()
        }
    }

    fn judge(rules: &Rules, address: &str, means: Means) -> Verdict {
        Allowlist::Known(rules.clone()).judge(Some(address.parse().unwrap()), means, NOW)
    }

    #[test]
    fn an_address_that_is_not_told_is_let_in_only_where_the_list_is_off() {
        let judge = |list: Allowlist| list.judge(None, Means::Ui, NOW);
        assert_eq!(judge(Allowlist::off()), Verdict::NotAsked);
        assert_eq!(judge(Allowlist::Known(rules(&["0.0.0.0/0", "::/0"]))), Verdict::Refused);
        assert_eq!(judge(Allowlist::Unreadable), Verdict::Refused);
    }

    #[test]
    fn who_forgets_to_decode_the_list_shuts_out() {
        let address = Some("127.0.0.1".parse().unwrap());
        assert_eq!(Allowlist::default().judge(address, Means::Api, NOW), Verdict::Refused);
    }

    #[test]
    fn only_what_it_applies_to_is_evaluated() {
        for (means, other) in [(Means::Api, Means::Ui), (Means::Ui, Means::Api)] {
            let rules = Rules { applies_to: vec![means].try_into().unwrap(), ..rules(&[]) };
            assert_eq!(judge(&rules, "192.0.2.1", means), Verdict::Refused);
            assert_eq!(judge(&rules, "192.0.2.1", other), Verdict::NotAsked);
        }
        assert!(AppliesTo::try_from(Vec::new()).is_err());
    }

    #[test]
    fn a_report_refuses_nobody() {
        let rules = Rules { mode: Mode::ReportOnly, ..rules(&["203.0.113.0/24"]) };
        assert_eq!(judge(&rules, "192.0.2.1", Means::Ui), Verdict::WouldBeRefused);
        assert_eq!(judge(&rules, "203.0.113.1", Means::Ui), Verdict::LetIn);
    }

    #[test]
    fn what_is_not_confirmed_is_off_in_the_very_second() {
        let rules = Rules { confirm_by: Some(NOW.plus_seconds(60)), ..rules(&[]) };
        let address = Some("192.0.2.1".parse().unwrap());
        let last = Timestamp::from_millisecond(NOW.plus_seconds(60).as_millisecond() - 1);
        assert!(rules.shuts_out(address, Means::Ui, last));
        assert!(!rules.shuts_out(address, Means::Ui, NOW.plus_seconds(60)));
    }
}
