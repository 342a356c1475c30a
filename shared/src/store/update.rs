//! Updates of one item that are no change of anybody's, and leave no audit record: notes and counts.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{ReturnConsumedCapacity, ReturnValue},
};

use super::{
    Store,
    decode::Item,
    expression::{Expression, Parts},
    failure::failure,
    key::Key,
};
use crate::error::Error;

impl Store {
    /// Updates an item, and answers with what it then is; `None` where the condition does not hold.
    pub(super) async fn update(
        &self,
        key: Key,
        expression: Expression,
    ) -> Result<Option<Item>, Error> {
        self.send_update(key, expression, ReturnValue::AllNew).await
    }

    /// Updates an item, and has nothing of it sent back. Tells whether the condition held.
    pub(super) async fn touch(&self, key: Key, expression: Expression) -> Result<bool, Error> {
        self.send_update(key, expression, ReturnValue::None).await.map(|item| item.is_some())
    }

    async fn send_update(
        &self,
        key: Key,
        expression: Expression,
        returned: ReturnValue,
    ) -> Result<Option<Item>, Error> {
        let Parts { update, condition, names, values } = expression.into_parts();
        self.meter.call();
        let result = self
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
            .send()
            .await;
        match result {
            Ok(output) => {
                self.meter.consumed(output.consumed_capacity());
                Ok(Some(output.attributes.unwrap_or_default()))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(failure("UpdateItem", &error)),
            },
        }
    }
}
