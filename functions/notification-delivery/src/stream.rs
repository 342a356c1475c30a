//! What the table's stream tells of: new deliveries, which are tried at once, and new audit records, of
//! which some are events.
//!
//! A record that does not decode is told to the log and passed by: it would stop all that comes after
//! it. Only what the table could not answer is handed back; what was done before it is done once, since
//! it is claimed, or put only where it is not there yet.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;
use shared::{
    clock::Timestamp,
    error::Error,
    model::notifications::delivery::Delivery,
    store::{Inserted, MAX_AT_ONCE, inserted},
};
use tokio::task::JoinSet;

use crate::{courier::Courier, lanes::Lanes};

/// How long a batch begins attempts, in seconds: the next one waits for its end. What it has not come to
/// by then is the schedule's.
const SECONDS: i64 = 5;

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

impl Courier {
    /// Does what the records of a batch call for, all at once; tells which of them the table had no
    /// answer for.
    pub async fn stream(&self, deadline: Timestamp, records: &[Value]) -> Failures {
        let (mut deliveries, mut audits) = (Vec::new(), JoinSet::new());
        for record in records {
            let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
            match inserted(record) {
                Ok(Some(Inserted::Delivery(delivery))) => {
                    deliveries.push((number.to_owned(), *delivery));
                }
                Ok(Some(Inserted::Audit(organization, record))) => {
                    let (courier, number) = (self.clone(), number.to_owned());
                    audits
                        .spawn(async move { (number, courier.tell(organization, *record).await) });
                }
                Ok(None) => {}
                Err(error) => tracing::error!(cause = %error, number, "a record is passed by"),
            }
        }
        let (mut failed, told) =
            tokio::join!(self.try_new(deadline, deliveries), audits.join_all());
        for (number, result) in told {
            if let Err(error) = result {
                tracing::warn!(%error, number, "a record is handed back");
                failed.push(number);
            }
        }
        let batch_item_failures =
            failed.into_iter().map(|item_identifier| FailedRecord { item_identifier }).collect();
        Failures { batch_item_failures }
    }

    /// Makes the first attempts of new deliveries; tells the records of those that the table had no
    /// answer for. What it does not come to stays due, and is the schedule's.
    async fn try_new(
        &self,
        deadline: Timestamp,
        deliveries: Vec<(String, Delivery)>,
    ) -> Vec<String> {
        let mut lanes = Lanes::new(self, self.until(deadline, SECONDS));
        let (mut failed, mut numbers) = (Vec::new(), HashMap::new());
        for some in deliveries.chunks(MAX_AT_ONCE) {
            if let Err(error) = self.begin_new(some, &mut lanes).await {
                tracing::warn!(%error, "channels were not read");
                failed.extend(some.iter().map(|(number, _)| number.clone()));
            }
        }
        numbers.extend(deliveries.into_iter().map(|(number, it)| (it.id, number)));
        while let Some((delivery, result)) = lanes.land().await {
            if let Err(error) = result {
                tracing::warn!(%delivery, %error, "a record is handed back");
                failed.extend(numbers.remove(&delivery));
            }
        }
        failed
    }

    /// Begins the first attempts of some deliveries. Those of channels that fail are left to the
    /// schedule: they would keep the next batch waiting for an answer that does not come.
    async fn begin_new(
        &self,
        deliveries: &[(String, Delivery)],
        lanes: &mut Lanes<'_>,
    ) -> Result<(), Error> {
        let key = |it: &Delivery| (it.organization_id, it.channel_id);
        let wanted: BTreeSet<_> = deliveries.iter().map(|(_, it)| key(it)).collect();
        let channels = self.app.store.channels_now(&wanted).await?;
        for (_, delivery) in deliveries {
            let channel = match channels.get(&key(delivery)) {
                Some(None) => continue,
                Some(Some(channel)) if channel.failing_since.is_some() => continue,
                Some(channel) => channel.as_ref(),
                None => None,
            };
            lanes.add(delivery.clone(), channel);
        }
        lanes.begin();
        Ok(())
    }
}
