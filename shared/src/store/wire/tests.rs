use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    text: String,
    nested: BTreeMap<String, Option<Vec<i64>>>,
    kind: Variants,
    other: Variants,
    flag: bool,
    ratio: f64,
    large: u64,
    newtype: Newtype,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Variants {
    Unit,
    Struct { low: i8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Vec<u16>);

/// Reads an attribute from a text, as answers come.
fn read<T: DeserializeOwned>(attribute: &Json) -> Result<T, serde_json::Error> {
    super::read(&mut serde_json::Deserializer::from_str(&attribute.to_string()))
}

#[test]
fn what_is_encoded_is_read_as_it_was() {
    let nested = BTreeMap::from([
        ("some \"one\"".to_owned(), Some(vec![i64::MIN, -1, 0, i64::MAX])),
        ("none".to_owned(), None),
    ]);
    let sample = Sample {
        text: "5 \"\\\u{1f600}\n".to_owned(),
        nested,
        kind: Variants::Unit,
        other: Variants::Struct { low: -128 },
        flag: true,
        ratio: -0.25,
        large: u64::MAX,
        newtype: Newtype(vec![0, u16::MAX]),
        missing: None,
    };
    let encoded: serde_dynamo::AttributeValue = serde_dynamo::to_attribute_value(&sample).unwrap();
    let mut attribute = serde_json::to_value(encoded).unwrap();
    assert_eq!(read::<Sample>(&attribute).unwrap(), sample);
    // An attribute that nobody asks for may be of any kind.
    attribute["M"]["unknown"] = json!({"SS": ["a"]});
    assert_eq!(read::<Sample>(&attribute).unwrap(), sample);
}

#[test]
fn bytes_are_read_out_of_base64() {
    struct Raw(Vec<u8>);
    impl<'de> Deserialize<'de> for Raw {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_byte_buf(Raw(Vec::new()))
        }
    }
    impl Visitor<'_> for Raw {
        type Value = Self;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("bytes")
        }
        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self, E> {
            Ok(Self(bytes))
        }
    }
    assert_eq!(read::<Raw>(&json!({"B": "AP9/gA=="})).unwrap().0, [0, 255, 127, 128]);
    assert!(read::<Raw>(&json!({"B": "AP9/gA="})).is_err());
    assert!(read::<Raw>(&json!({"S": "AP9/gA=="})).is_err());
}

#[test]
fn what_is_of_another_kind_is_refused() {
    let (text, set) = (json!({"S": "7"}), json!({"SS": ["a"]}));
    let number = |number: &str| json!({"N": number});
    assert!(read::<u64>(&text).is_err());
    assert!(read::<String>(&number("7")).is_err());
    assert!(read::<bool>(&number("1")).is_err());
    assert!(read::<u8>(&number("256")).is_err());
    assert!(read::<u64>(&number("-1")).is_err());
    assert!(read::<i64>(&number("1.5")).is_err());
    assert!(read::<f64>(&number("seven")).is_err());
    assert!(read::<String>(&json!({"NULL": true})).is_err());
    assert!(read::<Vec<String>>(&set).is_err());
    assert!(read::<Variants>(&number("0")).is_err());
    assert!(read::<Variants>(&text).is_err());
    for none in
        [json!({}), json!("7"), json!(["S", "7"]), json!({"S": 7}), json!({"S": "7", "N": "7"})]
    {
        assert!(read::<String>(&none).is_err(), "{none}");
    }
}
