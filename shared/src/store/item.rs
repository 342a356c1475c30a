//! Items as they were read.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

use super::{key::Key, wire};
use crate::error::Error;

/// An item as the table sent it: its key, and its attributes undecoded.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The partition key; empty where the read left it out.
    pub(super) partition: String,
    /// The sort key; empty where the read left it out.
    pub(super) sort: String,
    attributes: Box<RawValue>,
}

/// The key of an item.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "PK", default)]
    partition: Text,
    #[serde(rename = "SK", default)]
    sort: Text,
}

/// An item of which nothing but the sort key was read.
#[derive(Deserialize)]
pub(super) struct SortKey {
    #[serde(rename = "SK")]
    sort: Text,
}

impl SortKey {
    pub(super) fn text(self) -> String {
        self.sort.text
    }
}

/// A text, as an attribute.
#[derive(Deserialize, Default)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attributes = Box::<RawValue>::deserialize(deserializer)?;
        let head: Head = serde_json::from_str(attributes.get()).map_err(D::Error::custom)?;
        Ok(Self { partition: head.partition.text, sort: head.sort.text, attributes })
    }
}

impl Item {
    /// Whether it has this key.
    pub(super) fn is_at(&self, key: &Key) -> bool {
        key.partition() == self.partition && key.sort() == self.sort
    }

    /// Decodes it. The error names the entity, the key and the attribute, and never a value.
    pub(super) fn decode<T: DeserializeOwned>(&self, entity: &str) -> Result<T, Error> {
        wire::read_item(&*self.attributes).map_err(|error| {
            // Serde's messages name the attribute, and can quote a value: the latter is cut off.
            let message = error.to_string();
            let attribute = message.split(['"', ':']).next().unwrap_or_default();
            let Self { partition, sort, .. } = self;
            Error::internal(format!("{entity} {partition}/{sort} does not decode: {attribute}"))
        })
    }

    /// Decodes one attribute; `None` where there is none of the name.
    pub(super) fn attribute<T: DeserializeOwned>(
        &self,
        entity: &str,
        name: &str,
    ) -> Result<Option<T>, Error> {
        wire::read_attribute(&*self.attributes, name).map_err(|_| {
            let Self { partition, sort, .. } = self;
            Error::internal(format!("{entity} {partition}/{sort}: {name} does not decode"))
        })
    }
}
