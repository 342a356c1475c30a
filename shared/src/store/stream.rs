//! The table's stream: what was put into the table, as Lambda hands it over.

use serde::Deserialize as _;
use serde_json::Value;

use super::{item::Item, key::Key};
use crate::{
    error::Error,
    ids::OrganizationId,
    model::{audit::StoredRecord, notifications::delivery::Delivery},
};

/// An item that is new.
#[derive(Debug)]
pub enum Inserted {
    /// A delivery.
    Delivery(Box<Delivery>),
    /// An audit record, and whose it is.
    Audit(OrganizationId, Box<StoredRecord>),
}

/// What a record of the stream tells of; `None` where it is neither a delivery nor an audit record, or
/// is not new.
///
/// # Errors
/// 500 where it does not decode.
pub fn inserted(record: &Value) -> Result<Option<Inserted>, Error> {
    if record["eventName"] != "INSERT" {
        return Ok(None);
    }
    // Serde's message could quote the item, so it goes nowhere.
    let item = Item::deserialize(&record["dynamodb"]["NewImage"])
        .map_err(|_| Error::internal("an image in the stream does not decode"))?;
    if Key::delivery_of(&item).is_some() {
        return Ok(Some(Inserted::Delivery(item.decode("delivery")?)));
    }
    if let Some(organization) = Key::auditor_of(&item) {
        return Ok(Some(Inserted::Audit(organization, item.decode("audit record")?)));
    }
    Ok(None)
}
