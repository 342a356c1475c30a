//! Typed identifiers: a prefix that names the kind, and a lowercase ULID.
//!
//! Each kind is a type of its own, so that a user's id cannot be handed to code that wants an
//! organization's. Only the canonical spelling parses: one thing, one name.

use std::{fmt, marker::PhantomData, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{clock::Timestamp, random::Random};

/// What an identifier names.
pub trait Kind: Copy + Send + Sync + 'static {
    /// The text before the ULID, underscore included.
    const PREFIX: &'static str;
    /// The name of the identifier's type, for OpenAPI and for error messages.
    const NAME: &'static str;
}

/// An identifier of kind `K`: `K::PREFIX` and 26 characters of Crockford's base 32, lowercase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(Ulid, PhantomData<K>);

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $id:ident, $prefix:literal;)*) => {$(
        #[doc = concat!("Marks identifiers that begin with `", $prefix, "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = stringify!($id);
        }
        $(#[$doc])*
        pub type $id = Id<$kind>;
    )*};
}

kinds! {
    /// Names a user.
    UserKind, UserId, "usr_";
    /// Names an organization, the tenant.
    OrganizationKind, OrganizationId, "org_";
    /// Names an API key.
    ApiKeyKind, ApiKeyId, "key_";
    /// Names a signed-in session.
    SessionKind, SessionId, "ses_";
    /// Names the setting up of a second factor.
    EnrollmentKind, EnrollmentId, "mfaenr_";
    /// Names a sign-in that waits for its second factor.
    ChallengeKind, ChallengeId, "mfachl_";
    /// Names an entry of the allowlist.
    AllowlistEntryKind, AllowlistEntryId, "ipw_";
    /// Names an audit record.
    AuditKind, AuditId, "aud_";
    /// Names a notification channel.
    ChannelKind, ChannelId, "nch_";
    /// Names a notification rule.
    RuleKind, RuleId, "nrl_";
    /// Names an event that its publisher has not named.
    EventKind, EventId, "evt_";
    /// Names a delivery of an event to a channel.
    DeliveryKind, DeliveryId, "ndl_";
}

impl<K: Kind> Id<K> {
    /// A new identifier: 48 bits of `now` in milliseconds, 80 random bits.
    #[must_use]
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes[6..]);
        Self::new(Ulid::from_parts(
            now.as_millisecond().cast_unsigned(),
            u128::from_be_bytes(bytes),
        ))
    }

    /// The identifier that everybody derives from this moment and these names: 80 bits of a digest
    /// take the place of chance.
    #[must_use]
    pub fn derived(moment: Timestamp, names: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for name in names {
            // With its length before it, a name cannot pass for the end of one and the beginning of
            // another.
            digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(name);
        }
        let mut bytes = [0; 16];
        bytes[6..].copy_from_slice(&digest.finalize()[..10]);
        Self::new(Ulid::from_parts(
            moment.as_millisecond().cast_unsigned(),
            u128::from_be_bytes(bytes),
        ))
    }

    /// The first identifier that can be generated at `moment`.
    #[must_use]
    pub const fn first_at(moment: Timestamp) -> Self {
        Self::new(Ulid::from_parts(moment.as_millisecond().cast_unsigned(), 0))
    }

    const fn new(ulid: Ulid) -> Self {
        Self(ulid, PhantomData)
    }

    /// The identifier whose 128 bits are `bits`.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self::new(Ulid(bits))
    }

    /// The identifier in 22 characters, as a key of what an item has many of.
    #[must_use]
    pub fn short(self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bits().to_be_bytes())
    }

    fn from_short(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self::from_bits(u128::from_be_bytes(bytes.try_into().ok()?)))
    }

    /// The identifier's 128 bits, without its kind.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0.0
    }

    /// The least identifier of a millisecond, as a bound of all that are generated from then on.
    /// Before the Unix epoch none is.
    #[must_use]
    pub const fn first_of(moment: Timestamp) -> Self {
        let millisecond = moment.as_millisecond();
        let millisecond = if millisecond < 0 { 0 } else { millisecond };
        Self::from_bits((millisecond.cast_unsigned() as u128) << 80)
    }

    /// When the identifier was generated, which is when the thing it names was created.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        Timestamp::from_millisecond(self.0.timestamp_ms().cast_signed())
    }

    /// The moment that the first characters of an encoded ULID tell, as far as they are spelled as ours
    /// are.
    #[must_use]
    pub fn moment_of(time: &str) -> Option<Timestamp> {
        let (mut encoded, mut again) = ([b'0'; ulid::ULID_LEN], [0; ulid::ULID_LEN]);
        encoded.get_mut(..time.len())?.copy_from_slice(time.as_bytes());
        let ulid = Ulid::from_string(str::from_utf8(&encoded).ok()?).ok()?;
        let again = ulid.array_to_str(&mut again);
        again.make_ascii_lowercase();
        again.starts_with(time).then(|| Self::new(ulid).created_at())
    }

    /// A regular expression of what is one, without anchors.
    #[must_use]
    pub fn expression() -> String {
        format!("{}[0-7][0-9a-hjkmnp-tv-z]{{25}}", K::PREFIX)
    }
}

/// The text is not an identifier of the kind that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("not an identifier that begins with {0}")]
pub struct InvalidId(&'static str);

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(K::PREFIX);
        let encoded = text.strip_prefix(K::PREFIX).ok_or_else(invalid)?;
        let id = Self::new(Ulid::from_string(encoded).map_err(|_| invalid())?);
        // Crockford's alphabet has aliases (case, I and L for 1, O for 0); only one spelling is ours.
        if id.to_string() == text { Ok(id) } else { Err(invalid()) }
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; ulid::ULID_LEN];
        let encoded = self.0.array_to_str(&mut buffer);
        encoded.make_ascii_lowercase();
        write!(f, "{}{encoded}", K::PREFIX)
    }
}

impl<K: Kind> From<Id<K>> for String {
    fn from(id: Id<K>) -> Self {
        id.to_string()
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Maps whose keys are identifiers in their short form.
pub(crate) mod by_short_id {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Id, Kind};

    pub(crate) fn serialize<S: Serializer, K: Kind, V: Serialize>(
        map: &BTreeMap<Id<K>, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(id, value)| (id.short(), value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, K: Kind + Ord, V: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Id<K>, V>, D::Error> {
        let map = BTreeMap::<String, V>::deserialize(deserializer)?;
        let invalid = || de::Error::custom("a short identifier is not one");
        map.into_iter()
            .map(|(id, value)| Ok((Id::from_short(&id).ok_or_else(invalid)?, value)))
            .collect()
    }
}

impl<K: Kind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^{}$", Self::expression())))
            .into()
    }
}

impl<K: Kind> ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        K::NAME.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "usr_01jq8me0000000000000000000";

    #[test]
    fn the_canonical_spelling_survives_a_round_trip() {
        let id: UserId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(UserId::from_bits(id.to_bits()), id);
    }

    #[test]
    fn the_same_names_derive_the_same_identifier() {
        let derived =
            |names: &[&[u8]]| UserId::derived(Timestamp::from_second(1_743_087_600), names);
        assert_eq!(derived(&[b"ab", b"c"]), derived(&[b"ab", b"c"]));
        assert_ne!(derived(&[b"ab", b"c"]), derived(&[b"a", b"bc"]));
        assert_eq!(derived(&[b"ab"]).created_at(), Timestamp::from_second(1_743_087_600));
    }

    #[test]
    fn the_short_form_is_of_22_characters_and_one_identifier() {
        let id: UserId = TEXT.parse().unwrap();
        assert_eq!((id.short().len(), UserId::from_short(&id.short())), (22, Some(id)));
        for text in ["", "A", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", TEXT] {
            assert!(UserId::from_short(text).is_none(), "{text}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "",
            "usr_",
            "01jq8me0000000000000000000",
            "org_01jq8me0000000000000000000",
            "usr_01JQ8ME0000000000000000000",
            "usr_o1jq8me0000000000000000000",
            "usr_81jq8me0000000000000000000",
            "usr_01jq8me000000000000000000",
            "usr_01jq8me00000000000000000000",
            "usr_01jq8me000000000000000000é",
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text}");
        }
    }
}
