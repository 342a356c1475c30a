//! Queries.

use aws_sdk_dynamodb::{operation::query::QueryOutput, types::ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::interceptors::context::Output;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{
    Store,
    encode::Attributes,
    expression::{Expression, Parts},
    failure::failure,
    item::Item,
    meter::Consumed,
    undecoded::Undecoded,
};
use crate::error::Error;

/// A query of a partition, or of a part of it: strongly consistent, but in an index.
#[derive(Debug, Clone)]
pub(super) struct Query {
    parts: Parts,
    index: Option<&'static str>,
    projection: Option<&'static str>,
    backwards: bool,
    limit: Option<usize>,
    start: Option<Attributes>,
}

/// Some of what a query finds.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: DeserializeOwned")]
pub(super) struct Page<T> {
    /// The items, in the order of their sort keys.
    #[serde(default = "Vec::new")]
    pub(super) items: Vec<T>,
    /// Where the next page begins, if there is one.
    #[serde(rename = "LastEvaluatedKey", default, deserialize_with = "key")]
    pub(super) end: Option<Attributes>,
    consumed_capacity: Option<Consumed>,
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Attributes>, D::Error> {
    Ok(Option::<serde_dynamo::Item>::deserialize(deserializer)?.map(Into::into))
}

impl Query {
    /// The items whose keys meet a condition.
    pub(super) fn new(condition: Expression) -> Self {
        let parts = condition.into_parts();
        Self { parts, index: None, projection: None, backwards: false, limit: None, start: None }
    }

    /// By the keys of an index.
    pub(super) fn in_index(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    /// One attribute, and no others.
    pub(super) fn only(self, attribute: &'static str) -> Self {
        Self { projection: Some(attribute), ..self }
    }

    /// The last one first.
    pub(super) fn backwards(self) -> Self {
        Self { backwards: true, ..self }
    }

    /// At most so many at once.
    pub(super) fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// From where another page has ended, or a key.
    pub(super) fn after(self, start: Option<Attributes>) -> Self {
        Self { start, ..self }
    }
}

impl Store {
    /// Makes a query, for one page of what it finds.
    pub(super) async fn query<T: DeserializeOwned>(&self, query: Query) -> Result<Page<T>, Error> {
        let Query { parts, index, projection, backwards, limit, start } = query;
        let Parts { condition, names, values, .. } = parts;
        let answer = Undecoded::new(|| Output::erase(QueryOutput::builder().build()));
        self.meter.call();
        self.client
            .query()
            .table_name(&*self.table)
            .set_index_name(index.map(str::to_owned))
            .set_key_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_projection_expression(projection.map(str::to_owned))
            .scan_index_forward(!backwards)
            .set_limit(limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(start)
            .consistent_read(index.is_none())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| failure("Query", &error))?;
        let mut page: Page<T> = answer.decode("Query")?;
        self.meter.consumed(page.consumed_capacity.take());
        Ok(page)
    }

    /// Makes a query for all that it finds, page after page.
    pub(super) async fn query_all(&self, query: Query) -> Result<Vec<Item>, Error> {
        let (mut items, mut next) = (Vec::new(), Some(query));
        while let Some(query) = next {
            let page = self.query(query.clone()).await?;
            items.extend(page.items);
            next = page.end.map(|end| query.after(Some(end)));
        }
        Ok(items)
    }
}
