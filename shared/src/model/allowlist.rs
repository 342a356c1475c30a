//! The allowlist's entries, and what it would have refused.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    auth::allowlist::{Networks, Rules},
    clock::{Timestamp, epoch},
    ids::AllowlistEntryId,
    random::Random,
};

/// How many entries an organization may have.
pub const MAX_ENTRIES: usize = 1000;

/// How many credentials are told of that would have been refused: those seen last.
const MAX_REFUSED: usize = 100;

/// How old a noted evaluation has to be before another is noted, in seconds.
pub const NOTE_SECONDS: i64 = 60;

/// An entry. Its id tells when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which entry.
    pub id: AllowlistEntryId,
    /// The network, without host bits, and IPv4 where it is an IPv4-mapped one.
    #[serde(with = "text")]
    pub network: IpNet,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it ends. It is the table's TTL attribute, too; what ends here does not wait for that.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// Whether its time is over: it ends in the very second that was promised.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }
}

/// All entries of an organization that have not ended.
#[derive(Debug, Clone, Default)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// Those of `entries` that have not ended at that moment.
    #[must_use]
    pub fn live(entries: Vec<Entry>, now: Timestamp) -> Self {
        Self(entries.into_iter().filter(|entry| !entry.has_ended(now)).collect())
    }

    /// Whether there is no room for another.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.0.len() >= MAX_ENTRIES
    }

    /// An entry by its id.
    #[must_use]
    pub fn get(&self, id: AllowlistEntryId) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.id == id)
    }

    /// The entry of exactly this network.
    #[must_use]
    pub fn of(&self, network: IpNet) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.network == network)
    }

    /// The narrowest entry that contains a network.
    #[must_use]
    pub fn covering(&self, network: IpNet) -> Option<&Entry> {
        let covering = self.0.iter().filter(|entry| entry.network.contains(&network));
        covering.max_by_key(|entry| entry.network.prefix_len())
    }

    /// The narrowest entry that contains an address.
    #[must_use]
    pub fn matching(&self, address: IpAddr) -> Option<&Entry> {
        self.covering(address.to_canonical().into())
    }

    /// These entries and another.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.0.push(entry);
        self
    }

    /// These entries without one.
    #[must_use]
    pub fn without(mut self, id: AllowlistEntryId) -> Self {
        self.0.retain(|entry| entry.id != id);
        self
    }

    /// The rules with these entries compiled into them.
    #[must_use]
    pub fn compiled_into(&self, rules: &Rules, random: &dyn Random) -> Rules {
        let networks = self.0.iter().map(|entry| (entry.network, entry.expires_at));
        Rules {
            networks: Networks::pack(networks, random),
            lasting_entries: self.0.iter().filter(|entry| entry.expires_at.is_none()).count(),
            ..rules.clone()
        }
    }
}

/// A credential whose requests the list would have refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// In how many minutes there was one.
    pub count: u64,
    /// When there was one last, to the minute.
    #[serde(with = "epoch")]
    pub last_at: Timestamp,
}

/// What the list has come to, as far as it is noted: beside the answers, and at most once a minute.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Evaluations {
    /// When it was evaluated last, to the minute.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub last_evaluated_at: Option<Timestamp>,
    /// Which credentials it would have refused, by their ids.
    pub would_be_refused: BTreeMap<String, Refused>,
    /// Counts the changes.
    pub version: u64,
}

impl Evaluations {
    /// Notes an evaluation, and the credential that would have been refused. Tells whether anything
    /// was there to be noted.
    pub fn note(&mut self, credential: Option<String>, now: Timestamp) -> bool {
        let old = |last: Timestamp| now.seconds_since(last) >= NOTE_SECONDS;
        let evaluated = self.last_evaluated_at.is_none_or(old);
        if evaluated {
            self.last_evaluated_at = Some(now);
        }
        let Some(credential) = credential else { return evaluated };
        let before = self.would_be_refused.get(&credential).copied();
        if before.is_some_and(|before| !old(before.last_at)) {
            return evaluated;
        }
        let count = before.map_or(0, |before| before.count) + 1;
        self.would_be_refused.insert(credential, Refused { count, last_at: now });
        while self.would_be_refused.len() > MAX_REFUSED {
            let oldest = self.would_be_refused.iter().min_by_key(|(_, refused)| refused.last_at);
            let Some(oldest) = oldest.map(|(credential, _)| credential.clone()) else { break };
            self.would_be_refused.remove(&oldest);
        }
        true
    }
}

/// A network as its text.
mod text {
    use std::borrow::Cow;

    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        network: &IpNet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(network)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IpNet, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom("no network"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

    #[test]
    fn a_credential_is_counted_once_a_minute() {
        let mut evaluations = Evaluations::default();
        let mut note =
            |seconds| evaluations.note(Some("key".to_owned()), NOW.plus_seconds(seconds));
        assert!(note(0));
        assert!(!note(1) && !note(59));
        assert!(note(60));
        let expected = Refused { count: 2, last_at: NOW.plus_seconds(60) };
        assert_eq!(evaluations.would_be_refused["key"], expected);
        assert_eq!(evaluations.last_evaluated_at, Some(NOW.plus_seconds(60)));
        assert!(!evaluations.note(None, NOW.plus_seconds(61)));
    }

    #[test]
    fn of_too_many_credentials_those_seen_last_stay() {
        let mut evaluations = Evaluations::default();
        for index in 0..=100 {
            assert!(evaluations.note(Some(format!("{index:03}")), NOW.plus_seconds(index)));
        }
        assert_eq!(evaluations.would_be_refused.len(), 100);
        assert!(!evaluations.would_be_refused.contains_key("000"));
        assert!(evaluations.would_be_refused.contains_key("100"));
    }
}
