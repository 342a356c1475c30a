//! Reads by key, all of them strongly consistent.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    operation::{batch_get_item::BatchGetItemOutput, get_item::GetItemOutput},
    types::{KeysAndAttributes, ReturnConsumedCapacity},
};
use aws_smithy_runtime_api::client::interceptors::context::Output;
use serde::{Deserialize, Serialize};

use super::{Store, failure::failure, item::Item, key::Key, meter::Consumed, undecoded::Undecoded};
use crate::error::Error;

/// The answer of `GetItem`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    item: Option<Item>,
    consumed_capacity: Option<Consumed>,
}

/// The answer of `BatchGetItem`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotBatch {
    #[serde(default)]
    responses: HashMap<String, Vec<Item>>,
    #[serde(default)]
    unprocessed_keys: HashMap<String, serde_json::Value>,
    #[serde(default)]
    consumed_capacity: Vec<Consumed>,
}

/// What `BatchGetItem` is asked.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AskedBatch<'a> {
    request_items: BTreeMap<&'a str, Asked<'a>>,
    return_consumed_capacity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asked<'a> {
    keys: Vec<Named<'a>>,
    consistent_read: bool,
}

/// A key.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(rename = "PK")]
    partition: S<'a>,
    #[serde(rename = "SK")]
    sort: S<'a>,
}

/// A text.
#[derive(Serialize)]
struct S<'a> {
    #[serde(rename = "S")]
    text: &'a str,
}

impl Store {
    pub(super) async fn get(&self, key: Key) -> Result<Option<Item>, Error> {
        self.get_part(key, &[]).await
    }

    /// Reads the attributes of an item that have these names; all of them where none is named.
    pub(super) async fn get_part(
        &self,
        key: Key,
        attributes: &[&str],
    ) -> Result<Option<Item>, Error> {
        let name = |(index, name): (usize, &&str)| (format!("#n{index}"), (*name).to_owned());
        let names: HashMap<_, _> = attributes.iter().enumerate().map(name).collect();
        let projection = names.keys().cloned().collect::<Vec<_>>().join(", ");
        let some = !names.is_empty();
        let answer = Undecoded::new(|| Output::erase(GetItemOutput::builder().build()));
        self.meter.call();
        self.client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .set_projection_expression(some.then_some(projection))
            .set_expression_attribute_names(some.then_some(names))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| failure("GetItem", &error))?;
        let got: Got = answer.decode("GetItem")?;
        self.meter.consumed(got.consumed_capacity);
        Ok(got.item)
    }

    /// Reads the items of these keys, each in its key's place.
    pub(super) async fn batch_get<const N: usize>(
        &self,
        keys: [Option<Key>; N],
    ) -> Result<[Option<Item>; N], Error> {
        let mut items = self.batch_get_all(keys.iter().flatten().cloned()).await?;
        Ok(keys.map(|key| {
            let index = items.iter().position(|item| key.as_ref().is_some_and(|it| item.is_at(it)));
            index.map(|index| items.swap_remove(index))
        }))
    }

    /// Reads the items of these keys, in whatever order: at most [`MAX_AT_ONCE`](super::MAX_AT_ONCE).
    pub(super) async fn batch_get_all(
        &self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<Item>, Error> {
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.meter.call();
        let mut got = match self.batch_get_directly(&keys).await {
            Some(got) => got,
            None => self.batch_get_by_sdk(keys).await?,
        };
        self.meter.consumed(got.consumed_capacity);
        // An item left unread is not an item that is missing: taking it for one would refuse a valid
        // credential with a 401, forget a replay, or fail the deliveries of a channel that is there.
        if !got.unprocessed_keys.is_empty() {
            return Err(Error::unavailable("BatchGetItem: keys left unprocessed"));
        }
        Ok(got.responses.remove(&*self.table).unwrap_or_default())
    }

    async fn batch_get_directly(&self, keys: &[Key]) -> Option<GotBatch> {
        let direct = self.direct.as_ref()?;
        let keys = keys.iter().map(|key| Named {
            partition: S { text: key.partition() },
            sort: S { text: key.sort() },
        });
        let of_table = Asked { keys: keys.collect(), consistent_read: true };
        let request_items = BTreeMap::from([(&*self.table, of_table)]);
        let asked = AskedBatch { request_items, return_consumed_capacity: "TOTAL" };
        direct.call("DynamoDB_20120810.BatchGetItem", &asked).await
    }

    async fn batch_get_by_sdk(&self, keys: Vec<Key>) -> Result<GotBatch, Error> {
        let keys = keys.into_iter().map(Key::attributes).collect();
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        let answer = Undecoded::new(|| Output::erase(BatchGetItemOutput::builder().build()));
        self.client
            .batch_get_item()
            .request_items(&*self.table, request)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| failure("BatchGetItem", &error))?;
        answer.decode("BatchGetItem")
    }
}
