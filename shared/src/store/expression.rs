//! Update and condition expressions, built from paths and values: placeholders are numbered here,
//! so no name can collide with a reserved word and no value is ever spliced into an expression.

use std::{collections::HashMap, fmt::Write as _};

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use serde::Serialize;

use super::{
    encode::{Attributes, encode_attribute},
    key::{Key, PARTITION},
};
use crate::error::Error;

/// The names, values and conditions of one expression.
#[derive(Debug, Default)]
pub(super) struct Expression {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
}

impl Expression {
    fn path(&mut self, path: &[&str]) -> String {
        let mut text = String::new();
        for part in path {
            let name = format!("#n{}", self.names.len());
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&name);
            self.names.insert(name, (*part).to_owned());
        }
        text
    }

    fn value(&mut self, value: &impl Serialize) -> Result<String, Error> {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), encode_attribute(value)?);
        Ok(name)
    }

    /// Sets the attribute at `path`.
    pub(super) fn set(mut self, path: &[&str], value: &impl Serialize) -> Result<Self, Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.sets.push(format!("{path} = {value}"));
        Ok(self)
    }

    /// Sets the attribute at `path`, or removes it where there is no value.
    pub(super) fn put<T: Serialize>(self, path: &[&str], value: Option<&T>) -> Result<Self, Error> {
        match value {
            Some(value) => self.set(path, value),
            None => Ok(self.remove(path)),
        }
    }

    /// Removes the attribute at `path`.
    pub(super) fn remove(mut self, path: &[&str]) -> Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    /// Adds one to the number at `path`.
    pub(super) fn increment(mut self, path: &[&str]) -> Result<Self, Error> {
        let (path, one) = (self.path(path), self.value(&1)?);
        self.sets.push(format!("{path} = {path} + {one}"));
        Ok(self)
    }

    /// Adds to the number at `path`, which may be missing.
    pub(super) fn add(mut self, path: &[&str], value: &impl Serialize) -> Result<Self, Error> {
        let (path, none, value) = (self.path(path), self.value(&0)?, self.value(value)?);
        self.sets.push(format!("{path} = if_not_exists({path}, {none}) + {value}"));
        Ok(self)
    }

    /// Requires the attribute at `path` to equal `value`.
    pub(super) fn when_equal(
        mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<Self, Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.conditions.push(format!("{path} = {value}"));
        Ok(self)
    }

    /// Requires the attribute at `path` to be missing or smaller than `value`.
    pub(super) fn when_absent_or_below(
        mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<Self, Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.conditions.push(format!("(attribute_not_exists({path}) OR {path} < {value})"));
        Ok(self)
    }

    /// Requires the attribute at `path` to be `low`, `high` or between them.
    pub(super) fn when_between(
        mut self,
        path: &[&str],
        low: &impl Serialize,
        high: &impl Serialize,
    ) -> Result<Self, Error> {
        let (path, low, high) = (self.path(path), self.value(low)?, self.value(high)?);
        self.conditions.push(format!("{path} BETWEEN {low} AND {high}"));
        Ok(self)
    }

    /// Requires the number at `path` to be smaller than `value`.
    pub(super) fn when_below(
        mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<Self, Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.conditions.push(format!("{path} < {value}"));
        Ok(self)
    }

    /// Requires the number at `path` to be greater than `value`.
    pub(super) fn when_above(
        mut self,
        path: &[&str],
        value: &impl Serialize,
    ) -> Result<Self, Error> {
        let (path, value) = (self.path(path), self.value(value)?);
        self.conditions.push(format!("{path} > {value}"));
        Ok(self)
    }

    /// Requires the attribute at `path` to be there.
    pub(super) fn when_present(mut self, path: &[&str]) -> Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_exists({path})"));
        self
    }

    /// Requires the attribute at `path` not to be there.
    pub(super) fn when_absent(mut self, path: &[&str]) -> Self {
        let path = self.path(path);
        self.conditions.push(format!("attribute_not_exists({path})"));
        self
    }

    /// Requires the map at `path` to have fewer than `limit` entries.
    pub(super) fn when_fewer(mut self, path: &[&str], limit: usize) -> Result<Self, Error> {
        let (path, limit) = (self.path(path), self.value(&limit)?);
        self.conditions.push(format!("size({path}) < {limit}"));
        Ok(self)
    }

    fn update_text(&self) -> String {
        let mut text = String::new();
        for (keyword, clauses) in [("SET", &self.sets), ("REMOVE", &self.removes)] {
            if !clauses.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(text, "{keyword} {} ", clauses.join(", "));
            }
        }
        text
    }

    fn condition_text(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    /// An update, as a part of a transaction.
    pub(super) fn update(self, table: &str, key: Key) -> Result<TransactWriteItem, Error> {
        let parts = self.into_parts();
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .update_expression(parts.update)
            .set_condition_expression(parts.condition)
            .set_expression_attribute_names(parts.names)
            .set_expression_attribute_values(parts.values)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// A deletion, as a part of a transaction.
    pub(super) fn delete(self, table: &str, key: Key) -> Result<TransactWriteItem, Error> {
        let parts = self.into_parts();
        let delete = Delete::builder()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .set_condition_expression(parts.condition)
            .set_expression_attribute_names(parts.names)
            .set_expression_attribute_values(parts.values)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A condition alone, as a part of a transaction.
    pub(super) fn check(self, table: &str, key: Key) -> Result<TransactWriteItem, Error> {
        let parts = self.into_parts();
        let check = ConditionCheck::builder()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .condition_expression(parts.condition.unwrap_or_default())
            .set_expression_attribute_names(parts.names)
            .set_expression_attribute_values(parts.values)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A put, as a part of a transaction.
    pub(super) fn put_item(
        self,
        table: &str,
        item: Attributes,
    ) -> Result<TransactWriteItem, Error> {
        let parts = self.into_parts();
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .set_condition_expression(parts.condition)
            .set_expression_attribute_names(parts.names)
            .set_expression_attribute_values(parts.values)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The condition under which a put creates an item and never replaces one.
    pub(super) fn new_item() -> Self {
        Self::default().when_absent(&[PARTITION])
    }

    /// The texts and placeholders, for a call of its own.
    pub(super) fn into_parts(self) -> Parts {
        Parts {
            update: self.update_text(),
            condition: self.condition_text(),
            names: (!self.names.is_empty()).then_some(self.names),
            values: (!self.values.is_empty()).then_some(self.values),
        }
    }
}

/// What the SDK wants of an expression.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) update: String,
    pub(super) condition: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}
