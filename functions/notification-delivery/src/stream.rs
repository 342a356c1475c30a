//! What the table's stream tells of: new deliveries, which are tried at once, and new audit records, of
//! which some are events.
//!
//! A record that does not decode is told to the log and passed by: it would stop all that comes after
//! it. Only what the table could not answer is handed back; what was done before it is done once, since
//! it is claimed, or put only where it is not there yet.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use shared::{
    error::Error,
    model::notifications::delivery::Delivery,
    store::{Inserted, MAX_AT_ONCE, inserted},
};
use tokio::task::JoinSet;

use crate::courier::Courier;

/// What Lambda is to hand over again.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// The records.
    pub batch_item_failures: Vec<FailedRecord>,
}

/// A record that is to be handed over again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRecord {
    /// Its sequence number.
    pub item_identifier: String,
}

/// The records whose work is under way.
type Works = JoinSet<(String, Result<(), Error>)>;

impl Courier {
    /// Does what the records of a batch call for, all at once; tells which of them the table had no
    /// answer for.
    pub async fn stream(&self, records: &[Value]) -> Failures {
        let (mut deliveries, mut works) = (Vec::new(), Works::new());
        for record in records {
            let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
            match inserted(record) {
                Ok(Some(Inserted::Delivery(delivery))) => {
                    deliveries.push((number.to_owned(), *delivery));
                }
                Ok(Some(Inserted::Audit(organization, record))) => {
                    let (courier, number) = (self.clone(), number.to_owned());
                    works.spawn(async move { (number, courier.tell(organization, *record).await) });
                }
                Ok(None) => {}
                Err(error) => tracing::error!(cause = %error, number, "a record is passed by"),
            }
        }
        let mut failed = Vec::new();
        let mut deliveries = deliveries.into_iter().peekable();
        while deliveries.peek().is_some() {
            let some: Vec<_> = deliveries.by_ref().take(MAX_AT_ONCE).collect();
            let numbers: Vec<_> = some.iter().map(|(number, _)| number.clone()).collect();
            if let Err(error) = self.try_new(some, &mut works).await {
                tracing::warn!(%error, "channels were not read");
                failed.extend(numbers);
            }
        }
        for (number, result) in works.join_all().await {
            if let Err(error) = result {
                tracing::warn!(%error, number, "a record is handed back");
                failed.push(number);
            }
        }
        let batch_item_failures =
            failed.into_iter().map(|item_identifier| FailedRecord { item_identifier }).collect();
        Failures { batch_item_failures }
    }

    /// Begins the first attempts of some deliveries. Those of channels that fail are left to the
    /// schedule: they would keep all others waiting for an answer that does not come.
    async fn try_new(
        &self,
        deliveries: Vec<(String, Delivery)>,
        works: &mut Works,
    ) -> Result<(), Error> {
        let key = |it: &Delivery| (it.organization_id, it.channel_id);
        let wanted: BTreeSet<_> = deliveries.iter().map(|(_, it)| key(it)).collect();
        let channels = self.app.store.channels_now(&wanted).await?;
        for (number, delivery) in deliveries {
            let channel = match channels.get(&key(&delivery)) {
                Some(None) => continue,
                Some(Some(channel)) if channel.failing_since.is_some() => continue,
                Some(Some(channel)) => Some(channel.clone()),
                None => None,
            };
            let courier = self.clone();
            works.spawn(async move { (number, courier.attempt(delivery, channel.as_ref()).await) });
        }
        Ok(())
    }
}
