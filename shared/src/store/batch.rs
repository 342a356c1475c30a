//! Batches of writes, without conditions: for what may be done twice.

use std::time::Duration;

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, WriteRequest};

use super::{Store, failure::failure, transaction::wait};
use crate::{
    error::Error,
    random::{self, Random},
};

/// How many items one batch can write or delete.
pub const BATCH: usize = 25;

/// How often a batch is sent of which the table leaves something undone.
const ATTEMPTS: u32 = 8;

/// The pause before the second attempt, in milliseconds; it doubles from there, and each is
/// jittered down to half of itself.
const FIRST_PAUSE: u64 = 10;

impl Store {
    /// Sends a batch, and tells how many of its parts are done. What the table leaves undone is tried
    /// again, a few times and with jitter. An attempt uses up what it sends, so `batch` makes the whole
    /// of it for each that needs it: nearly always for one.
    pub(super) async fn write_batch(
        &self,
        batch: impl Fn() -> Vec<WriteRequest>,
        random: &dyn Random,
    ) -> usize {
        let mut requests = batch();
        let all = requests.len();
        let mut left: Option<Vec<_>> = None;
        for attempt in 1..=ATTEMPTS {
            match self.try_write(requests).await {
                Ok(undone) if undone.is_empty() => return all,
                Ok(undone) => left = Some(undone),
                Err(Error::Unavailable { cause }) if attempt < ATTEMPTS => {
                    tracing::debug!(%cause, "a batch is tried again");
                }
                Err(Error::Unavailable { cause } | Error::Internal { cause }) => {
                    tracing::error!(%cause, "a batch is left undone");
                    break;
                }
                Err(_) => break,
            }
            let pause = FIRST_PAUSE << (attempt - 1);
            let jitter = u64::from(random::bytes::<1>(random)[0]) * pause / 512;
            wait(Duration::from_millis(pause - jitter)).await;
            requests = left.clone().unwrap_or_else(&batch);
        }
        all - left.map_or(all, |left| left.len())
    }

    /// Sends a batch; what the table left undone of it.
    async fn try_write(&self, requests: Vec<WriteRequest>) -> Result<Vec<WriteRequest>, Error> {
        self.meter.call();
        let output = self
            .client
            .batch_write_item()
            .request_items(&*self.table, requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure("BatchWriteItem", &error))?;
        self.meter.consumed(output.consumed_capacity());
        let mut undone = output.unprocessed_items.unwrap_or_default();
        Ok(undone.remove(&*self.table).unwrap_or_default())
    }
}
