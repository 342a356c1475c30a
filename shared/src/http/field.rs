//! Types of body fields. Each states its bounds once: they are checked when the body is read and
//! written into the OpenAPI document.

use std::{borrow::Cow, marker::PhantomData};

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::fault::Faults;
use crate::{
    clock::Timestamp,
    ids::{Id, Kind},
};

/// Refuses a value of the wrong kind.
pub fn wrong_kind<V: IntoValue>(
    actual: Value<V>,
    accepted: &[ValueKind],
    location: ValuePointerRef,
) -> Faults {
    deserr::take_cf_content(<Faults as deserr::DeserializeError>::error(
        None,
        deserr::ErrorKind::IncorrectValueKind { actual, accepted },
        location,
    ))
}

/// Reads a whole number, zero or more; `None` for one that no `u64` is. `5.0` is whole, too (JSON
/// Schema's validation, section 6.1.1): some programs write all their numbers so.
///
/// # Errors
/// The fault of a value of another kind.
pub fn whole<V: IntoValue>(
    value: Value<V>,
    location: ValuePointerRef,
) -> Result<Option<u64>, Faults> {
    match value {
        Value::Integer(number) => Ok(Some(number)),
        Value::NegativeInteger(_) => Ok(None),
        // Written without a fraction, and never with an exponent. -0 is a number of its own, which 0 makes 0.
        Value::Float(number) if number.fract() == 0.0 => {
            Ok((number + 0.0).to_string().parse().ok())
        }
        other => Err(wrong_kind(other, &[ValueKind::Integer], location)),
    }
}

/// The id of something that exists, or else is a fault at its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Existing<K: Kind>(pub Id<K>);

impl<K: Kind> Deserr<Faults> for Existing<K> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let id = match value {
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        id.map(Self).ok_or_else(|| {
            let detail = format!("Must be an id that begins with {}.", K::PREFIX);
            Faults::at(location, "invalid_value", detail)
        })
    }
}

impl<K: Kind> PartialSchema for Existing<K> {
    fn schema() -> RefOr<Schema> {
        Id::<K>::schema()
    }
}

impl<K: Kind> ToSchema for Existing<K> {
    fn name() -> Cow<'static, str> {
        K::NAME.into()
    }
}

/// Text of `MIN` to `MAX` characters (Unicode scalar values), without control characters or
/// blanks at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(pub String);

impl<const MIN: usize, const MAX: usize> Deserr<Faults> for Text<MIN, MAX> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let Value::String(text) = value else {
            return Err(wrong_kind(value, &[ValueKind::String], location));
        };
        let length = text.chars().count();
        if length < MIN || length > MAX {
            let detail = format!("Must have {MIN} to {MAX} characters.");
            return Err(Faults::at(location, "invalid_length", detail));
        }
        if text.chars().any(char::is_control) || text.trim().len() != text.len() {
            let detail = "Must not have control characters, nor blanks at its ends.";
            return Err(Faults::at(location, "invalid_value", detail));
        }
        Ok(Self(text))
    }
}

/// The characters that are not control characters, as a class of regular expressions. The ranges are
/// spelled out: `\s` is not the same to ECMA-262 and to Python, and `\p` is unknown to Python.
const PRINTABLE: &str = r"[^\u0000-\u001f\u007f-\u009f]";
/// Of these the ones that are no blanks (Unicode's `White_Space`).
const VISIBLE: &str =
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";

impl<const MIN: usize, const MAX: usize> PartialSchema for Text<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let some = format!("{VISIBLE}({PRINTABLE}*{VISIBLE})?");
        let pattern = if MIN == 0 { format!("^({some})?$") } else { format!("^{some}$") };
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(pattern))
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Text<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }
}

/// An integer from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Deserr<Faults> for Int<MIN, MAX> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        match whole(value, location)?.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(Faults::at(location, "out_of_range", format!("Must be from {MIN} to {MAX}."))),
        }
    }
}

impl<const MIN: u32, const MAX: u32> PartialSchema for Int<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

impl<const MIN: u32, const MAX: u32> ToSchema for Int<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Integer{MIN}To{MAX}").into()
    }
}

/// A field of a merging `PUT`: left out, it keeps its value; a `null` clears it where `T` can be
/// cleared (`Option<…>`), and is a fault where it cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The field was left out.
    #[default]
    Keep,
    /// The field's new value.
    Set(T),
}

impl<T> Change<T> {
    /// Applies the change to what is stored. Answers with the values before and after where they
    /// differ.
    pub fn apply<U: PartialEq + Clone>(
        self,
        current: &mut U,
        convert: impl FnOnce(T) -> U,
    ) -> Option<(U, U)> {
        let Self::Set(value) = self else { return None };
        let value = convert(value);
        (value != *current).then(|| (std::mem::replace(current, value.clone()), value))
    }
}

impl<T: Deserr<Faults>> Deserr<Faults> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        T::deserialize_from_value(value, location).map(Self::Set)
    }
}

/// A rule for one text field: how it is read, and what it is called in OpenAPI.
pub trait TextRule {
    /// What a valid text becomes.
    type Output;
    /// The field's type, for OpenAPI.
    const NAME: &'static str;
    /// OpenAPI's `format`.
    const FORMAT: &'static str;
    /// What every valid text matches, as far as a regular expression can say it that ECMA-262 and
    /// Python read alike; `None` where the format says all.
    const PATTERN: Option<&'static str>;
    /// The longest text that is looked at, in bytes.
    const MAX: usize;
    /// Reads the text.
    ///
    /// # Errors
    /// A sentence for people that says what is expected.
    fn read(text: &str) -> Result<Self::Output, &'static str>;
}

/// A text field read by `R`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled<R: TextRule>(pub R::Output, PhantomData<R>);

impl<R: TextRule> Deserr<Faults> for Ruled<R> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let Value::String(text) = value else {
            return Err(wrong_kind(value, &[ValueKind::String], location));
        };
        if text.is_empty() || text.len() > R::MAX {
            let detail = format!("Must have 1 to {} bytes.", R::MAX);
            return Err(Faults::at(location, "invalid_length", detail));
        }
        match R::read(&text) {
            Ok(value) => Ok(Self(value, PhantomData)),
            Err(detail) => Err(Faults::at(location, "invalid_value", detail)),
        }
    }
}

impl<R: TextRule> PartialSchema for Ruled<R> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::Custom(R::FORMAT.into())))
            .pattern(R::PATTERN)
            .min_length(Some(1))
            .max_length(Some(R::MAX))
            .into()
    }
}

impl<R: TextRule> ToSchema for Ruled<R> {
    fn name() -> Cow<'static, str> {
        R::NAME.into()
    }
}

/// A moment; fractions of its second are dropped.
pub type Moment = Ruled<MomentRule>;

/// How a moment is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentRule;

impl TextRule for MomentRule {
    type Output = Timestamp;
    const NAME: &'static str = "Moment";
    const FORMAT: &'static str = "date-time";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 40;

    fn read(text: &str) -> Result<Timestamp, &'static str> {
        Timestamp::parse(text)
            .map(Timestamp::whole_second)
            .ok_or("Must be a moment as in RFC 3339.")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn code_of(value: Value) -> Result<u32, &'static str> {
        let read = deserr::deserialize::<Int<5, 10>, _, Faults>(value);
        read.map(|number| number.0).map_err(|faults| faults.into_sorted()[0].code)
    }

    #[test]
    fn an_integer_is_whole_however_it_is_written() {
        for value in [json!(7), json!(7.0), serde_json::from_str("0.7e1").unwrap()] {
            assert_eq!(code_of(value.clone()), Ok(7), "{value}");
        }
        for value in [json!(4), json!(11.0), json!(-7), json!(-0.0), json!(4_294_967_303.0)] {
            assert_eq!(code_of(value.clone()), Err("out_of_range"), "{value}");
        }
        assert_eq!(code_of(json!(1e300)), Err("out_of_range"));
        for value in [json!(7.5), json!("7"), json!([7]), json!(true)] {
            assert_eq!(code_of(value.clone()), Err("invalid_type"), "{value}");
        }
        assert_eq!(code_of(Value::Null), Err("not_nullable"));
        let zero = deserr::deserialize::<Int<0, 10>, _, Faults>(json!(-0.0));
        assert_eq!(zero.map(|number| number.0).ok(), Some(0));
    }
}
