//! Items as they were read.

use std::{fmt, slice};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer as _, MapAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::value::RawValue;

use super::{
    key::{Key, PARTITION, SORT},
    wire::{self, Tagged},
};
use crate::error::Error;

/// An item as the table sent it: its key, and its other attributes undecoded. What it says is read
/// twice, once to find where its attributes end, and once to decode them.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    /// The partition key; empty where the read left it out.
    pub(super) partition: String,
    /// The sort key; empty where the read left it out.
    pub(super) sort: String,
    attributes: Vec<(String, Box<RawValue>)>,
}

/// An item of which nothing but the sort key was read.
#[derive(Deserialize)]
pub(super) struct SortKey {
    #[serde(rename = "SK")]
    sort: Text,
}

/// A text, as an attribute.
#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl SortKey {
    pub(super) fn text(self) -> String {
        self.sort.text
    }
}

impl Item {
    /// Whether it has this key.
    pub(super) fn is_at(&self, key: &Key) -> bool {
        key.partition() == self.partition && key.sort() == self.sort
    }

    /// Decodes it. The error names the entity, the key and the attribute, and never a value.
    pub(super) fn decode<T: DeserializeOwned>(&self, entity: &str) -> Result<T, Error> {
        let attributes = Attributes { left: self.attributes.iter(), value: None };
        T::deserialize(MapAccessDeserializer::new(attributes)).map_err(|error| {
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
        let found = self.attributes.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| wire::read(&**value)).transpose().map_err(|_| {
            let Self { partition, sort, .. } = self;
            Error::internal(format!("{entity} {partition}/{sort}: {name} does not decode"))
        })
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Split;

        impl<'de> Visitor<'de> for Split {
            type Value = Item;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an item")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
                let mut item = Item::default();
                while let Some(name) = map.next_key::<String>()? {
                    match &*name {
                        PARTITION => item.partition = map.next_value::<Text>()?.text,
                        SORT => item.sort = map.next_value::<Text>()?.text,
                        _ => item.attributes.push((name, map.next_value()?)),
                    }
                }
                Ok(item)
            }
        }

        deserializer.deserialize_map(Split)
    }
}

/// An item's attributes, to decode.
struct Attributes<'a> {
    left: slice::Iter<'a, (String, Box<RawValue>)>,
    value: Option<&'a RawValue>,
}

impl<'de> MapAccess<'de> for Attributes<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        let value =
            self.value.take().ok_or_else(|| Self::Error::custom("a value without a name"))?;
        Tagged(seed).deserialize(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Person {
        name: String,
        logins: u32,
    }

    fn item(value: &Value) -> Item {
        // From a text, as answers come, and from a value, as the stream's records do.
        let read: Item = serde_json::from_str(&value.to_string()).unwrap();
        assert_eq!(format!("{:?}", Item::deserialize(value).unwrap()), format!("{read:?}"));
        read
    }

    #[test]
    fn its_key_is_told_from_what_it_says() {
        let key = Key::log("RUNLOG#org#2026-03-27", "run_1");
        let item = item(&json!({
            "SK": {"S": "run_1"}, "name": {"S": "Ada \"L\""}, "tags": {"SS": ["a"]},
            "PK": {"S": "RUNLOG#org#2026-03-27"}, "logins": {"N": "5"},
        }));
        assert!(item.is_at(&key));
        assert!(!item.is_at(&Key::log("RUNLOG#org#2026-03-27", "run_2")));
        let person = Person { name: "Ada \"L\"".to_owned(), logins: 5 };
        assert_eq!(item.decode::<Person>("person").unwrap(), person);
        assert_eq!(item.attribute("person", "logins").unwrap(), Some(5));
        assert_eq!(item.attribute::<u32>("person", "logouts").unwrap(), None);
        assert!(item.attribute::<u32>("person", "name").is_err());
    }

    #[test]
    fn an_error_names_the_key_and_the_attribute_and_no_value() {
        let keyed = |rest: Value| {
            let mut whole = json!({"PK": {"S": "P"}, "SK": {"S": "S"}});
            whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            let error = item(&whole).decode::<Person>("person").unwrap_err();
            format!("{error:?}")
        };
        let missing = keyed(json!({"logins": {"N": "5"}}));
        assert!(missing.contains("person P/S does not decode: missing field `name`"), "{missing}");
        let secret = keyed(json!({"name": {"S": "Ada"}, "logins": {"S": "hunter2"}}));
        assert!(secret.contains("person P/S does not decode"), "{secret}");
        assert!(!secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn what_has_no_key_of_text_is_no_item() {
        for none in [json!("item"), json!([]), json!({"PK": {"N": "1"}}), json!({"SK": "S"})] {
            assert!(Item::deserialize(&none).is_err(), "{none}");
        }
    }
}
