//! Updates of one item that are no change of anybody's, and leave no audit record: notes and counts.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, UpdateItemOutput},
    types::{ReturnConsumedCapacity, ReturnValue},
};

use aws_smithy_runtime_api::client::interceptors::context::Output;
use serde::Deserialize;

use super::{
    Store,
    expression::{Expression, Parts},
    failure::failure,
    item::Item,
    key::Key,
    meter::Consumed,
    undecoded::Undecoded,
};
use crate::error::Error;

/// The answer of `UpdateItem`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Updated {
    attributes: Option<Item>,
    consumed_capacity: Option<Consumed>,
}

impl Store {
    /// Updates an item, and answers with what it then is; `None` where the condition does not hold.
    pub(super) async fn update(
        &self,
        key: Key,
        expression: Expression,
    ) -> Result<Option<Item>, Error> {
        let updated = self.send_update(key, expression, ReturnValue::AllNew).await?;
        Ok(updated.and_then(|updated| updated.attributes))
    }

    /// Updates an item, and has nothing of it sent back. Tells whether the condition held.
    pub(super) async fn touch(&self, key: Key, expression: Expression) -> Result<bool, Error> {
        Ok(self.send_update(key, expression, ReturnValue::None).await?.is_some())
    }

    async fn send_update(
        &self,
        key: Key,
        expression: Expression,
        returned: ReturnValue,
    ) -> Result<Option<Updated>, Error> {
        let Parts { update, condition, names, values } = expression.into_parts();
        let answer = Undecoded::new(|| Output::erase(UpdateItemOutput::builder().build()));
        self.meter.call();
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(returned)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await;
        if let Err(error) = sent {
            return match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(failure("UpdateItem", &error)),
            };
        }
        let mut updated: Updated = answer.decode("UpdateItem")?;
        self.meter.consumed(updated.consumed_capacity.take());
        Ok(Some(updated))
    }
}
