//! From items to types and back. An item that does not decode is an error that names the entity,
//! the key and the attribute, never its value.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Deserialize as _, Serialize,
    de::{DeserializeOwned, value::MapAccessDeserializer},
};

use super::{
    attribute::{Attribute, entries},
    key::{Key, PARTITION, SORT},
};
use crate::{
    auth::allowlist::{Allowlist, Rules},
    error::Error,
    model::organization::Organization,
};

pub(super) type Item = HashMap<String, AttributeValue>;

const ALLOWLIST: &str = "allowlist";

/// Decodes an item.
pub(super) fn decode<T: DeserializeOwned>(
    entity: &'static str,
    mut item: Item,
) -> Result<T, Error> {
    let key = (item.remove(PARTITION), item.remove(SORT));
    T::deserialize(MapAccessDeserializer::new(entries(item))).map_err(|error| {
        // Serde's messages name the attribute, and can quote a value: the latter is cut off.
        let message = error.to_string();
        let attribute = message.split(['"', ':']).next().unwrap_or_default();
        let (partition, sort) = (text(key.0.as_ref()), text(key.1.as_ref()));
        Error::internal(format!("{entity} {partition}/{sort} does not decode: {attribute}"))
    })
}

/// Decodes an organization. Its allowlist is decoded apart: an unreadable one shuts everybody out,
/// and the request gets the 403 of a stranger's address.
pub(super) fn decode_organization(mut item: Item) -> Result<Organization, Error> {
    let allowlist = item
        .remove(ALLOWLIST)
        .and_then(|value| Rules::deserialize(Attribute(value)).ok())
        .map_or(Allowlist::Unreadable, Allowlist::Known);
    let organization = decode::<Organization>("organization", item)?;
    if allowlist == Allowlist::Unreadable {
        tracing::error!(organization = %organization.id, "the allowlist does not decode: nobody is let in");
    }
    Ok(Organization { allowlist, ..organization })
}

/// Encodes an item under its key.
pub(super) fn encode(key: Key, value: &impl Serialize) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(value)
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
pub(super) fn put_allowlist(item: &mut Item, allowlist: &Rules) -> Result<(), Error> {
    item.insert(ALLOWLIST.to_owned(), encode_attribute(allowlist)?);
    Ok(())
}

fn text(value: Option<&AttributeValue>) -> &str {
    value.and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}
