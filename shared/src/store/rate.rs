//! The buckets of the credentials' requests. One number says how full a bucket is: the moment at
//! which it is full again.

use serde::Deserialize;

use super::{
    Store,
    expression::Expression,
    key::{EXPIRES_AT, Key},
};
use crate::{
    auth::{
        caller::Credential,
        rate::{Spent, WINDOW_SECONDS, microseconds},
    },
    clock::Timestamp,
    error::Error,
    ids::OrganizationId,
};

const FULL_AT: &str = "full_at";

/// How often a write is tried that meets a bucket in another state than it was taken to be in.
const ATTEMPTS: usize = 3;

#[derive(Deserialize)]
struct Bucket {
    full_at: i64,
}

impl Store {
    /// Takes requests out of a credential's bucket; answers when it is full again, in microseconds
    /// since the Unix epoch. One call, unless the bucket has filled up, or begun to be used, since it
    /// was heard of last.
    ///
    /// # Errors
    /// 503 where the table cannot answer, or others were faster three times.
    pub async fn spend_requests(
        &self,
        organization: OrganizationId,
        credential: Credential,
        spent: Spent,
        now: Timestamp,
    ) -> Result<i64, Error> {
        let mut in_use = spent.in_use;
        // TTL takes buckets away that are full, which is what a missing one is.
        let expires_at = now.plus_seconds(2 * WINDOW_SECONDS).as_second();
        for _ in 0..ATTEMPTS {
            let (moment, expression) = (microseconds(now), Expression::default());
            let expression = if in_use {
                expression.add(&[FULL_AT], &spent.microseconds)?.when_above(&[FULL_AT], &moment)?
            } else {
                let full_at = moment.saturating_add(spent.microseconds);
                let full = moment.saturating_add(1);
                expression.set(&[FULL_AT], &full_at)?.when_absent_or_below(&[FULL_AT], &full)?
            };
            let expression = expression.set(&[EXPIRES_AT], &expires_at)?;
            let item = self.update(Key::rate(organization, credential), expression).await?;
            if let Some(item) = item {
                return Ok(item.decode::<Bucket>("bucket of requests")?.full_at);
            }
            in_use = !in_use;
        }
        Err(Error::unavailable("UpdateItem: a bucket of requests was never as it was taken to be"))
    }
}
