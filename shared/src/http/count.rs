//! Counts in bodies.

use std::borrow::Cow;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::{fault::Faults, field::whole};

/// The largest number that every reader of JSON knows: 2^53 - 1 (RFC 8259, section 6).
const MAX_COUNT: u64 = 9_007_199_254_740_991;

/// A whole number, zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl Deserr<Faults> for Count {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        match whole(value, location)? {
            Some(number) if number <= MAX_COUNT => Ok(Self(number)),
            _ => {
                let detail = format!("Must be from 0 to {MAX_COUNT}.");
                Err(Faults::at(location, "out_of_range", detail))
            }
        }
    }
}

impl PartialSchema for Count {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(MAX_COUNT))
            .into()
    }
}

impl ToSchema for Count {
    fn name() -> Cow<'static, str> {
        "Count".into()
    }
}
