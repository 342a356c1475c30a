//! A user's preferences: small JSON values under keys that programs choose.
//!
//! One item, the index, tells which there are, and has the text of each small value; a large one
//! has an item of its own. So the usual read is of one small item, and 200 values of 4 KiB need
//! not fit into the 400 KB of one.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    clock::{Timestamp, epoch},
    http::etag::ETag,
    random::{self, Random},
};

/// How many preferences a user may have.
pub const MAX_PREFERENCES: usize = 200;

/// The longest value, in bytes of its compact JSON.
pub const MAX_VALUE_BYTES: usize = 4096;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 128;

/// The longest value that the index has itself, in bytes of its compact JSON: 200 of them make an
/// item of under 100 KB.
const MAX_INDEXED_BYTES: usize = 256;

/// A preference's key: one to five names with dots between them, each a lowercase letter and then
/// lowercase letters, digits and underscores; at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PreferenceKey(String);

impl PreferenceKey {
    /// What a key looks like, for people and for OpenAPI.
    pub const PATTERN: &'static str = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,4}$";

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PreferenceKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_name = |name: &str| {
            let known =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(known)
        };
        let names = || text.split('.');
        if text.len() <= MAX_KEY_BYTES && names().count() <= 5 && names().all(is_name) {
            Ok(Self(text))
        } else {
            Err("not a preference's key")
        }
    }
}

impl PartialSchema for PreferenceKey {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(Self::PATTERN))
            .max_length(Some(MAX_KEY_BYTES))
            .into()
    }
}

impl ToSchema for PreferenceKey {
    fn name() -> Cow<'static, str> {
        "PreferenceKey".into()
    }
}

/// A JSON value as its compact text.
///
/// It is text in the table, too: the table's numbers end at 38 digits and its nesting at 32 levels,
/// JSON's do not.
#[derive(Debug, Clone)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// The text of `value`.
    ///
    /// # Errors
    /// None: every value has a text.
    pub fn new(value: &serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value, to be written into an answer.
    #[must_use]
    pub fn into_json(self) -> Box<RawValue> {
        self.0
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        RawValue::from_string(text).map(Self).map_err(|_| de::Error::custom("value is not JSON"))
    }
}

/// One preference.
#[derive(Debug, Clone, PartialEq)]
pub struct Preference {
    /// Its value.
    pub value: JsonText,
    /// When it was last set to another value.
    pub updated_at: Timestamp,
    pub(crate) version: u64,
    /// Whether the value has an item of its own.
    pub(crate) large: bool,
}

impl Preference {
    /// A preference that is set now.
    ///
    /// Its version is drawn by lot: the entity tag of a deleted preference must not come back with
    /// the next one of that key. A counter would have to outlive the preference, and would make
    /// every two writes of a user contend for it; a clock can stand behind another instance's.
    #[must_use]
    pub fn new(value: JsonText, now: Timestamp, random: &dyn Random) -> Self {
        let large = value.as_str().len() > MAX_INDEXED_BYTES;
        let version = u64::from_be_bytes(random::bytes(random));
        Self { value, updated_at: now, version, large }
    }

    /// Its entity tag.
    #[must_use]
    pub const fn etag(&self) -> ETag {
        ETag::of(self.version)
    }

    pub(crate) fn entry(&self) -> Entry {
        let value = (!self.large).then(|| self.value.clone());
        Entry { value, updated_at: self.updated_at, version: self.version }
    }

    pub(crate) fn large_value(&self) -> Option<LargeValue> {
        let value = LargeValue { value: self.value.clone(), version: self.version };
        self.large.then_some(value)
    }
}

/// The index item of a user's preferences.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) entries: BTreeMap<PreferenceKey, Entry>,
}

/// A preference in the index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Missing where the value has an item of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<JsonText>,
    #[serde(with = "epoch")]
    updated_at: Timestamp,
    version: u64,
}

/// The item of a large value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LargeValue {
    value: JsonText,
    version: u64,
}

/// A user's preferences, as one read has found them. Items that are read together need not be of
/// one moment: a large value counts only where it is of the version that the index names.
#[derive(Debug, Default)]
pub struct Preferences {
    pub(crate) index: Option<Index>,
    pub(crate) large: BTreeMap<PreferenceKey, LargeValue>,
}

/// The index names a large value that was not read, or not as it was when the index was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incomplete;

impl Preferences {
    /// Whether there are as many as there may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.index.as_ref().is_some_and(|index| index.entries.len() >= MAX_PREFERENCES)
    }

    /// Whether there is one of that key, whatever its value.
    #[must_use]
    pub fn contains(&self, key: &PreferenceKey) -> bool {
        self.index.as_ref().is_some_and(|index| index.entries.contains_key(key))
    }

    pub(crate) fn one(&self, key: &PreferenceKey) -> Result<Option<Preference>, Incomplete> {
        let entry = self.index.as_ref().and_then(|index| index.entries.get(key));
        entry.map(|entry| self.whole(key, entry)).transpose()
    }

    pub(crate) fn all(&self) -> Result<BTreeMap<PreferenceKey, Preference>, Incomplete> {
        let entries = self.index.iter().flat_map(|index| &index.entries);
        entries.map(|(key, entry)| Ok((key.clone(), self.whole(key, entry)?))).collect()
    }

    fn whole(&self, key: &PreferenceKey, entry: &Entry) -> Result<Preference, Incomplete> {
        let Entry { updated_at, version, .. } = *entry;
        if let Some(value) = entry.value.clone() {
            return Ok(Preference { value, updated_at, version, large: false });
        }
        let large = self.large.get(key).filter(|large| large.version == version);
        let value = large.ok_or(Incomplete)?.value.clone();
        Ok(Preference { value, updated_at, version, large: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_key(text: &str) -> bool {
        PreferenceKey::try_from(text.to_owned()).is_ok()
    }

    #[test]
    fn a_key_is_one_to_five_names() {
        for text in ["a", "canvas.snap_to_grid", "a1_.b__2.c.d.e", &"k".repeat(128)] {
            assert!(is_key(text), "{text}");
        }
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "A",
            "aB",
            "1a",
            "_a",
            "a.1",
            "a.b.c.d.e.f",
            "a-b",
            "a b",
            "é",
            "a\n",
            "a#b",
            "{key}",
            &"k".repeat(129),
        ] {
            assert!(!is_key(text), "{text}");
        }
    }
}
