//! Event patterns, as far as the template's filters need them: exact values, nested keys, `prefix`,
//! `exists` and `anything-but`. What else Lambda knows is refused, rather than taken for a value.

use serde_json::{Map, Value};

/// A pattern: what an event has to have for every key that is named.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Vec<(String, Rule)>);

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// An object that itself matches.
    Nested(Pattern),
    /// A value that one of these accepts.
    AnyOf(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    Prefix(String),
    Exists(bool),
    NoneOf(Vec<Value>),
    NoPrefix(String),
}

impl Pattern {
    /// Reads a pattern's JSON.
    ///
    /// # Errors
    /// What of it is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let object = value.as_object().ok_or("a pattern is an object")?;
        Self::of(object)
    }

    fn of(object: &Map<String, Value>) -> Result<Self, String> {
        if object.is_empty() {
            return Err("a pattern without a key matches nothing".to_owned());
        }
        let rules = object.iter().map(|(key, value)| {
            let rule = match value {
                _ if key.starts_with('$') => return Err(unknown(key)),
                Value::Object(nested) => Rule::Nested(Self::of(nested)?),
                Value::Array(tests) if !tests.is_empty() => {
                    Rule::AnyOf(tests.iter().map(Test::of).collect::<Result<_, _>>()?)
                }
                _ => return Err(format!("{key}: expected an object, or a list of values")),
            };
            Ok((key.clone(), rule))
        });
        Ok(Self(rules.collect::<Result<_, String>>()?))
    }

    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(key, rule)| {
            let value = event.get(key);
            match rule {
                // Of an object that is not there, that something in it is not is still true.
                Rule::Nested(pattern) => pattern.matches(value.unwrap_or(&Value::Null)),
                Rule::AnyOf(tests) => tests.iter().any(|test| test.accepts(value)),
            }
        })
    }
}

impl Test {
    fn of(value: &Value) -> Result<Self, String> {
        let Value::Object(object) = value else {
            return match value {
                Value::Array(_) => Err("a list in a list of values".to_owned()),
                exact => Ok(Self::Equals(exact.clone())),
            };
        };
        let mut operators = object.iter();
        let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
            return Err("expected just one operator in an object of a list".to_owned());
        };
        match (operator.as_str(), operand) {
            ("prefix", Value::String(prefix)) => Ok(Self::Prefix(prefix.clone())),
            ("exists", Value::Bool(exists)) => Ok(Self::Exists(*exists)),
            ("anything-but", Value::String(_) | Value::Number(_)) => {
                Ok(Self::NoneOf(vec![operand.clone()]))
            }
            ("anything-but", Value::Array(values))
                if values.iter().all(|value| value.is_string() || value.is_number()) =>
            {
                Ok(Self::NoneOf(values.clone()))
            }
            ("anything-but", Value::Object(inner)) if inner.len() == 1 => match inner.get("prefix")
            {
                Some(Value::String(prefix)) => Ok(Self::NoPrefix(prefix.clone())),
                _ => Err(unknown(operator)),
            },
            _ => Err(unknown(operator)),
        }
    }

    fn accepts(&self, value: Option<&Value>) -> bool {
        // A key that holds an object has no value of its own: `exists` is about leaves.
        let value = match value {
            Some(Value::Object(_)) | None => return *self == Self::Exists(false),
            Some(Value::Array(elements)) => {
                return elements.iter().any(|element| self.accepts(Some(element)));
            }
            Some(leaf) => leaf,
        };
        let starts_with =
            |prefix: &str| value.as_str().is_some_and(|text| text.starts_with(prefix));
        match self {
            Self::Equals(expected) => same(expected, value),
            Self::Prefix(prefix) => starts_with(prefix),
            Self::Exists(exists) => *exists,
            Self::NoneOf(values) => !values.iter().any(|other| same(other, value)),
            Self::NoPrefix(prefix) => !starts_with(prefix),
        }
    }
}

/// Whether two values are one: 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

fn unknown(operator: &str) -> String {
    format!("the local stack does not know {operator}, or not in this form")
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pattern: &Value, matching: &[Value], others: &[Value]) {
        let parsed = Pattern::parse(&pattern.to_string()).unwrap();
        for event in matching {
            assert!(parsed.matches(event), "{pattern} does not match {event}");
        }
        for event in others {
            assert!(!parsed.matches(event), "{pattern} matches {event}");
        }
    }

    #[test]
    fn an_exact_value_is_one_of_the_list() {
        let [insert, modify] = [json!({"eventName": "INSERT"}), json!({"eventName": "MODIFY"})];
        let others =
            [json!({"eventName": "REMOVE"}), json!({}), json!({"eventName": {"S": "INSERT"}})];
        check(&json!({"eventName": ["INSERT", "MODIFY"]}), &[insert, modify], &others);
        check(
            &json!({"n": [1, null, true]}),
            &[json!({"n": 1.0}), json!({"n": null}), json!({"n": true})],
            &[json!({"n": "1"}), json!({"n": 2}), json!({"n": false}), json!({})],
        );
    }

    #[test]
    fn every_nested_key_has_to_match() {
        let pattern = json!({"eventName": ["INSERT"], "dynamodb": {"Keys": {"PK": {"S": [{"prefix": "EVENT#"}]}}}});
        let event = |name: &str, key: &str| json!({"eventName": name, "dynamodb": {"Keys": {"PK": {"S": key}}}});
        check(
            &pattern,
            &[event("INSERT", "EVENT#1")],
            &[
                event("REMOVE", "EVENT#1"),
                event("INSERT", "USER#1"),
                json!({"eventName": "INSERT"}),
                json!({"eventName": "INSERT", "dynamodb": "EVENT#"}),
            ],
        );
    }

    #[test]
    fn a_value_exists_or_not() {
        let [there, missing] = [json!({"a": {"b": null}}), json!({"a": {}})];
        check(
            &json!({"a": {"b": [{"exists": true}]}}),
            slice::from_ref(&there),
            &[missing.clone(), json!({})],
        );
        check(&json!({"a": {"b": [{"exists": false}]}}), &[missing, json!({})], &[there]);
    }

    #[test]
    fn anything_but_is_something_else() {
        let [a, b, n] = [json!({"k": "a"}), json!({"k": "b"}), json!({"k": 1})];
        check(
            &json!({"k": [{"anything-but": "a"}]}),
            &[b.clone(), n.clone()],
            &[a.clone(), json!({})],
        );
        check(&json!({"k": [{"anything-but": ["a", 1]}]}), slice::from_ref(&b), &[a.clone(), n]);
        check(&json!({"k": [{"anything-but": {"prefix": "a"}}]}), &[b], &[a, json!({"k": "ab"})]);
    }

    #[test]
    fn of_a_list_one_element_is_enough() {
        check(
            &json!({"k": ["a"]}),
            &[json!({"k": ["b", "a"]})],
            &[json!({"k": ["b"]}), json!({"k": []})],
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for pattern in [
            json!({"k": [{"suffix": "a"}]}),
            json!({"k": [{"numeric": [">", 1]}]}),
            json!({"k": [{"anything-but": {"suffix": "a"}}]}),
            json!({"k": [{"anything-but": [null]}]}),
            json!({"k": [{"prefix": {"equals-ignore-case": "a"}}]}),
            json!({"k": [{"prefix": "a", "exists": true}]}),
            json!({"$or": [{"a": ["b"]}]}),
            json!({"k": "a"}),
            json!({"k": []}),
            json!({"k": [["a"]]}),
            json!({}),
            json!(["a"]),
        ] {
            assert!(Pattern::parse(&pattern.to_string()).is_err(), "{pattern}");
        }
        assert!(Pattern::parse("{").is_err());
    }
}
