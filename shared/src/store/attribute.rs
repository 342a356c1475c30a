//! Attributes as they came from the table, for serde to read as they are. `serde_dynamo` reads a copy
//! of its own: every map of an item hashed anew, for a third of what a request takes beside the SDK.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Deserializer,
    de::{
        Error as _, IntoDeserializer, Visitor,
        value::{Error, MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::decode::Item;

/// An attribute to read. A set is none: the table has lists.
pub(super) struct Attribute(pub(super) AttributeValue);

/// Reads a map of attributes.
pub(super) fn entries(item: Item) -> MapDeserializer<'static, Entries, Error> {
    MapDeserializer::new(Entries(item.into_iter()))
}

/// A map's attributes, by name.
pub(super) struct Entries(std::collections::hash_map::IntoIter<String, AttributeValue>);

impl Iterator for Entries {
    type Item = (String, Attribute);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name, Attribute(value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'de> Deserializer<'de> for Attribute {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(text) => visitor.visit_string(text),
            AttributeValue::N(number) => visit_number(&number, visitor),
            AttributeValue::Bool(flag) => visitor.visit_bool(flag),
            AttributeValue::Null(_) => visitor.visit_unit(),
            AttributeValue::B(bytes) => visitor.visit_byte_buf(bytes.into_inner()),
            AttributeValue::M(map) => visitor.visit_map(entries(map)),
            AttributeValue::L(list) => {
                visitor.visit_seq(SeqDeserializer::new(list.into_iter().map(Attribute)))
            }
            _ => Err(Error::custom("an attribute of another kind")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(variant) => visitor.visit_enum(variant.into_deserializer()),
            AttributeValue::M(map) => {
                MapAccessDeserializer::new(entries(map)).deserialize_enum(name, variants, visitor)
            }
            _ => Err(Error::custom("an attribute that names no variant")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl IntoDeserializer<'_, Error> for Attribute {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A number as the table writes it.
fn visit_number<'de, V: Visitor<'de>>(number: &str, visitor: V) -> Result<V::Value, Error> {
    if let Ok(number) = number.parse::<u64>() {
        visitor.visit_u64(number)
    } else if let Ok(number) = number.parse::<i64>() {
        visitor.visit_i64(number)
    } else {
        // The number itself is not told: it may be anybody's.
        let number = number.parse().map_err(|_| Error::custom("a number of another kind"))?;
        visitor.visit_f64(number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize, de::DeserializeOwned};

    use super::*;
    use crate::store::decode::encode_attribute;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        text: String,
        nested: BTreeMap<String, Option<Vec<i64>>>,
        kind: Kind,
        other: Kind,
        flag: bool,
        ratio: f64,
        large: u64,
        newtype: Newtype,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Unit,
        Struct { low: i8 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newtype(Vec<u16>);

    fn read<T: DeserializeOwned>(value: AttributeValue) -> Result<T, Error> {
        T::deserialize(Attribute(value))
    }

    #[test]
    fn what_is_encoded_is_read_as_it_was() {
        let nested = BTreeMap::from([
            ("some".to_owned(), Some(vec![i64::MIN, -1, 0, i64::MAX])),
            ("none".to_owned(), None),
        ]);
        let sample = Sample {
            text: "5".to_owned(),
            nested,
            kind: Kind::Unit,
            other: Kind::Struct { low: -128 },
            flag: true,
            ratio: -0.25,
            large: u64::MAX,
            newtype: Newtype(vec![0, u16::MAX]),
            missing: None,
        };
        let mut attribute = encode_attribute(&sample).unwrap();
        assert_eq!(read::<Sample>(attribute.clone()).unwrap(), sample);
        // An attribute that nobody asks for may be of any kind.
        let AttributeValue::M(map) = &mut attribute else { panic!("{attribute:?}") };
        map.insert("unknown".to_owned(), AttributeValue::Ss(vec!["a".to_owned()]));
        assert_eq!(read::<Sample>(attribute).unwrap(), sample);
    }

    #[test]
    fn what_is_of_another_kind_is_refused() {
        let text = || AttributeValue::S("7".to_owned());
        let number = |number: &str| AttributeValue::N(number.to_owned());
        assert!(read::<u64>(text()).is_err());
        assert!(read::<String>(number("7")).is_err());
        assert!(read::<bool>(number("1")).is_err());
        assert!(read::<u8>(number("256")).is_err());
        assert!(read::<u64>(number("-1")).is_err());
        assert!(read::<i64>(number("1.5")).is_err());
        assert!(read::<f64>(number("seven")).is_err());
        assert!(read::<String>(AttributeValue::Null(true)).is_err());
        assert!(read::<Vec<String>>(AttributeValue::Ss(vec!["a".to_owned()])).is_err());
        assert!(read::<Kind>(number("0")).is_err());
        assert!(read::<Kind>(text()).is_err());
    }
}
