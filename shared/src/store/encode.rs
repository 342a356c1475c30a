//! From types to items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::key::Key;
use crate::{auth::allowlist::Rules, error::Error};

/// Attributes by name, as the SDK sends them.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The attribute of an organization's allowlist.
pub(super) const ALLOWLIST: &str = "allowlist";

/// Encodes an item under its key.
pub(super) fn encode(key: Key, value: &impl Serialize) -> Result<Attributes, Error> {
    let mut item: Attributes = serde_dynamo::to_item(value)
        .map_err(|error| Error::internal(format!("an item does not encode: {error}")))?;
    item.extend(key.attributes());
    Ok(item)
}

/// Encodes an attribute.
pub(super) fn encode_attribute(value: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|error| Error::internal(format!("an attribute does not encode: {error}")))
}

/// Adds an organization's allowlist to its item.
pub(super) fn put_allowlist(item: &mut Attributes, allowlist: &Rules) -> Result<(), Error> {
    item.insert(ALLOWLIST.to_owned(), encode_attribute(allowlist)?);
    Ok(())
}
