//! Credentials as the user's item holds them. Every request reads all of a user's, so each is packed:
//! what seldom changes to one run of bytes, and beside it, since it is written by itself, when it was
//! last used. Named attributes would take half as much again, and a user with many keys one read unit
//! more for every request.
//!
//! A run begins with a byte that tells which parts are there, and ends with a text of what is left.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::user::{ApiKey, PreviousSecret, Session};
use crate::{
    auth::{
        permissions::Scopes,
        token::{KeyPrefix, TokenHash},
    },
    clock::{Timestamp, epoch},
};

/// The attribute of what seldom changes. Its name is short because it is there once a credential.
pub(crate) const FACTS: &str = "f";
/// The attribute of the last use.
pub(crate) const LAST_USE: &str = "l";

/// A credential's attributes.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(rename = "f")]
    facts: Facts,
    #[serde(
        rename = "l",
        with = "epoch::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    last_use: Option<Timestamp>,
}

/// The packed bytes of all but the last use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts(Vec<u8>);

/// The bytes are not a credential's.
#[derive(Debug, thiserror::Error)]
#[error("not a packed credential")]
pub(super) struct NotPacked;

const EXPIRES: u8 = 1;
const ROTATED: u8 = 2;
const PREVIOUS: u8 = 4;
const PROVED: u8 = 1;
const V4: u8 = 2;
const V6: u8 = 4;

impl ApiKey {
    /// The key without its last use.
    pub(crate) fn facts(&self) -> Facts {
        let Self { name, hash, prefix, scopes, expires_at, rotated_at, previous, version, .. } =
            self;
        let mut facts = Writer::new();
        facts.put(hash.as_bytes());
        facts.put(prefix.as_bytes());
        facts.number(scopes.to_bits().into());
        facts.number(*version);
        facts.moment(EXPIRES, *expires_at);
        facts.moment(ROTATED, *rotated_at);
        facts.moment(PREVIOUS, previous.as_ref().map(|previous| previous.valid_until));
        if let Some(previous) = previous {
            facts.put(previous.hash.as_bytes());
        }
        facts.text(name)
    }
}

impl Session {
    /// The session without its last use.
    pub(crate) fn facts(&self) -> Facts {
        let Self { hash, proved_at, ip_address, user_agent, .. } = self;
        let mut facts = Writer::new();
        facts.put(hash.as_bytes());
        facts.moment(PROVED, *proved_at);
        match ip_address {
            Some(IpAddr::V4(address)) => facts.part(V4, &address.octets()),
            Some(IpAddr::V6(address)) => facts.part(V6, &address.octets()),
            None => {}
        }
        facts.text(user_agent.as_deref().unwrap_or_default())
    }
}

impl From<ApiKey> for Stored {
    fn from(key: ApiKey) -> Self {
        Self { facts: key.facts(), last_use: key.last_used_at }
    }
}

impl From<Session> for Stored {
    fn from(session: Session) -> Self {
        Self { facts: session.facts(), last_use: Some(session.last_active_at) }
    }
}

impl TryFrom<Stored> for ApiKey {
    type Error = NotPacked;

    fn try_from(stored: Stored) -> Result<Self, NotPacked> {
        let read = |mut facts: Reader<'_>| {
            let hash = TokenHash::from(facts.array()?);
            let prefix = KeyPrefix::from(facts.array()?);
            let scopes = Scopes::from_bits(u32::try_from(facts.number()?).ok()?)?;
            let version = facts.number()?;
            let expires_at = facts.moment(EXPIRES)?;
            let rotated_at = facts.moment(ROTATED)?;
            let previous = match facts.moment(PREVIOUS)? {
                Some(valid_until) => {
                    Some(PreviousSecret { hash: TokenHash::from(facts.array()?), valid_until })
                }
                None => None,
            };
            let (name, last_used_at) = (facts.text()?, stored.last_use);
            Some(Self {
                name,
                hash,
                prefix,
                scopes,
                expires_at,
                last_used_at,
                rotated_at,
                previous,
                version,
            })
        };
        Reader::new(&stored.facts.0).and_then(read).ok_or(NotPacked)
    }
}

impl TryFrom<Stored> for Session {
    type Error = NotPacked;

    fn try_from(stored: Stored) -> Result<Self, NotPacked> {
        let read = |mut facts: Reader<'_>| {
            let hash = TokenHash::from(facts.array()?);
            let proved_at = facts.moment(PROVED)?;
            let ip_address = if facts.has(V4) {
                Some(IpAddr::from(Ipv4Addr::from(facts.array::<4>()?)))
            } else if facts.has(V6) {
                Some(IpAddr::from(Ipv6Addr::from(facts.array::<16>()?)))
            } else {
                None
            };
            let user_agent = Some(facts.text()?).filter(|text| !text.is_empty());
            let last_active_at = stored.last_use?;
            Some(Self { hash, last_active_at, proved_at, ip_address, user_agent })
        };
        Reader::new(&stored.facts.0).and_then(read).ok_or(NotPacked)
    }
}

/// Writes a run. Numbers are of three bytes and moments seconds of four, both big endian.
struct Writer(Vec<u8>);

impl Writer {
    fn new() -> Self {
        Self(vec![0])
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// A part that need not be there.
    fn part(&mut self, flag: u8, bytes: &[u8]) {
        self.0[0] |= flag;
        self.put(bytes);
    }

    /// A number below 2^24: a set of scopes, or a version, which the limits of requests keep far below.
    fn number(&mut self, number: u64) {
        let [.., high, middle, low] = number.min(0xff_ffff).to_be_bytes();
        self.put(&[high, middle, low]);
    }

    fn moment(&mut self, flag: u8, moment: Option<Timestamp>) {
        if let Some(moment) = moment {
            let second = u32::try_from(moment.as_second().clamp(0, LAST)).unwrap_or_default();
            self.part(flag, &second.to_be_bytes());
        }
    }

    fn text(mut self, text: &str) -> Facts {
        self.put(text.as_bytes());
        Facts(self.0)
    }
}

/// The last second that a moment can be: 2106-02-07T06:28:15Z.
const LAST: i64 = 0xffff_ffff;

struct Reader<'a> {
    flags: u8,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(facts: &'a [u8]) -> Option<Self> {
        let (flags, left) = facts.split_first()?;
        // What this version does not know must not be taken for something else.
        (*flags < 8).then_some(Self { flags: *flags, left })
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(*array)
    }

    fn number(&mut self) -> Option<u64> {
        let bytes: [u8; 3] = self.array()?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A moment that need not be there; `None` where it should be and is not.
    #[expect(clippy::option_option, reason = "not there, and not readable, are two things")]
    fn moment(&mut self, flag: u8) -> Option<Option<Timestamp>> {
        if !self.has(flag) {
            return Some(None);
        }
        let second = u32::from_be_bytes(self.array()?);
        Some(Some(Timestamp::from_second(second.into())))
    }

    fn text(self) -> Option<String> {
        String::from_utf8(self.left.to_vec()).ok()
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Facts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a packed credential")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Facts, E> {
                Ok(Facts(bytes.to_vec()))
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Facts, E> {
                Ok(Facts(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

    /// A key and a session with every part, and one each with none.
    fn some() -> ([ApiKey; 2], [Session; 2]) {
        let hash = |byte| TokenHash::from([byte; 32]);
        let previous = PreviousSecret { hash: hash(2), valid_until: NOW.plus_seconds(3) };
        let full = ApiKey {
            name: "Späte Läufe".to_owned(),
            hash: hash(1),
            prefix: KeyPrefix::from(*b"aZ09"),
            scopes: Scopes::ALL,
            expires_at: Some(NOW.plus_seconds(1)),
            last_used_at: Some(NOW),
            rotated_at: Some(NOW.plus_seconds(2)),
            previous: Some(previous),
            version: 65_537,
        };
        let (expires_at, last_used_at, rotated_at) = (None, None, None);
        let bare = ApiKey { expires_at, last_used_at, rotated_at, previous: None, ..full.clone() };
        let session = Session {
            hash: hash(3),
            last_active_at: NOW,
            proved_at: Some(NOW.plus_seconds(4)),
            ip_address: "2001:db8::7".parse().ok(),
            user_agent: Some("curl/8.5.0".to_owned()),
        };
        let (proved_at, ip_address, user_agent) = (None, None, None);
        let plain = Session { proved_at, ip_address, user_agent, ..session.clone() };
        ([full, bare], [session, plain])
    }

    #[test]
    fn what_is_packed_is_read_as_it_was() {
        let (keys, sessions) = some();
        for key in keys {
            assert_eq!(ApiKey::try_from(Stored::from(key.clone())).unwrap(), key);
        }
        let v4 = Session { ip_address: "192.0.2.1".parse().ok(), ..sessions[0].clone() };
        for session in sessions.into_iter().chain([v4]) {
            assert_eq!(Session::try_from(Stored::from(session.clone())).unwrap(), session);
        }
    }

    #[test]
    fn each_fact_is_told_apart_and_the_last_use_is_none() {
        let ([full, bare], _) = some();
        let used = ApiKey { last_used_at: Some(NOW), ..bare.clone() };
        assert_eq!(used.facts(), bare.facts());
        let renewed = ApiKey { version: bare.version + 1, ..bare.clone() };
        assert_ne!(renewed.facts(), bare.facts());
        assert_ne!(full.facts(), bare.facts());
    }

    #[test]
    fn bytes_that_are_no_credential_are_refused() {
        let ([key, _], [session, _]) = some();
        let last_use = Some(NOW);
        let read = |facts: &[u8]| {
            let stored = || Stored { facts: Facts(facts.to_vec()), last_use };
            (ApiKey::try_from(stored()).is_ok(), Session::try_from(stored()).is_ok())
        };
        let (key, session) = (key.facts().0, session.facts().0);
        // The text is what is left: a shorter one is another text.
        let (names, agents) = (key.len() - "Späte Läufe".len(), session.len() - "curl/8.5.0".len());
        for length in 0..names {
            assert!(!read(&key[..length]).0, "{length}");
        }
        for length in 0..agents {
            assert!(!read(&session[..length]).1, "{length}");
        }
        for flag in [8, 16, 32, 64, 128] {
            let unknown = |facts: &[u8]| [&[facts[0] | flag], &facts[1..]].concat();
            assert!(!read(&unknown(&key)).0 && !read(&unknown(&session)).1, "{flag}");
        }
        let scopes = 1 + 32 + 4;
        let mut other = key.clone();
        other[scopes] = 0xff;
        assert!(!read(&other).0);
        let text = [&key[..names], &[0xff]].concat();
        assert!(!read(&text).0);
    }
}
