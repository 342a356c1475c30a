//! What the table's stream tells of: new deliveries, which are tried at once, and new audit records, of
//! which some are events.
//!
//! A record that does not decode is told to the log and passed by: it would stop all that comes after
//! it. Only what the table could not answer is handed back; what was done before it is done once, since
//! it is claimed, or put only where it is not there yet.
//!
//! A batch is answered before its slowest receivers have: what is under way then is claimed, and what
//! waits is due, so nothing is lost if the instance dies.

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use shared::{
    clock::Timestamp,
    error::Error,
    model::notifications::{channel::Channel, delivery::Delivery},
    store::{Inserted, MAX_AT_ONCE, inserted},
};
use tokio::task::JoinSet;

use crate::{courier::Courier, lanes::Lanes, schedule::wait};

/// How long a batch begins attempts, in seconds. What it has not come to by then is the schedule's.
const SECONDS: i64 = 5;

/// How long a batch waits for receivers before it is answered nevertheless, and the next one begins: so
/// a receiver that does not answer keeps nobody waiting but those who send to it. A batch that lasts
/// longer has its execution environment for itself. Without this pause a few slow receivers could take
/// all environments that an account has; with it a part of the stream takes ten more a second at most.
const PATIENCE: Duration = Duration::from_millis(100);

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
    /// answer for, and what is still under way.
    pub(crate) async fn stream(
        &self,
        deadline: Timestamp,
        records: &[Value],
    ) -> (Failures, Option<Lanes>) {
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
        let ((mut failed, lanes), told) =
            tokio::join!(self.try_new(deadline, deliveries), audits.join_all());
        for (number, result) in told {
            if let Err(error) = result {
                tracing::warn!(%error, number, "a record is handed back");
                failed.push(number);
            }
        }
        let batch_item_failures =
            failed.into_iter().map(|item_identifier| FailedRecord { item_identifier }).collect();
        (Failures { batch_item_failures }, lanes)
    }

    /// Makes the first attempts of new deliveries; tells the records of those that the table had no
    /// answer for, and what of them lasts. What it does not come to stays due, and is the schedule's.
    async fn try_new(
        &self,
        deadline: Timestamp,
        deliveries: Vec<(String, Delivery)>,
    ) -> (Vec<String>, Option<Lanes>) {
        let mut lanes = Lanes::new(self.clone(), self.until(deadline, SECONDS));
        let mut failed = Vec::new();
        for some in deliveries.chunks(MAX_AT_ONCE) {
            if let Err(error) = self.add_new(some, &mut lanes).await {
                tracing::warn!(%error, "channels were not read");
                failed.extend(some.iter().map(|(number, _)| number.clone()));
            }
        }
        let mut numbers: HashMap<_, _> =
            deliveries.into_iter().map(|(number, it)| (it.id, number)).collect();
        let mut claimed = lanes.begin_first();
        let mut enough = pin!(async { tokio::join!(wait(PATIENCE), claimed.recv()) });
        loop {
            tokio::select! {
                biased;
                landed = lanes.land() => match landed {
                    None => return (failed, None),
                    Some((_, Ok(()))) => {}
                    Some((delivery, Err(error))) => {
                        tracing::warn!(%delivery, %error, "a record is handed back");
                        failed.extend(numbers.remove(&delivery));
                    }
                },
                _ = &mut enough => return (failed, Some(lanes)),
            }
        }
    }

    /// Lets deliveries wait for their first attempts. Those of channels that fail are left to the
    /// schedule, which tries such a channel with one delivery, and not with each that is new.
    async fn add_new(
        &self,
        deliveries: &[(String, Delivery)],
        lanes: &mut Lanes,
    ) -> Result<(), Error> {
        let key = |it: &Delivery| (it.organization_id, it.channel_id);
        let wanted: BTreeSet<_> = deliveries.iter().map(|(_, it)| key(it)).collect();
        let channels = self.app.store.channels_now(&wanted).await?;
        for (_, delivery) in deliveries {
            let fails = |channel: &Channel| channel.failing_since.is_some();
            let channel = match channels.get(&key(delivery)) {
                Some(None) => continue,
                Some(Some(channel)) if fails(channel) && delivery.letter_to.is_none() => continue,
                Some(channel) => channel.as_ref(),
                None => None,
            };
            lanes.add(delivery.clone(), channel);
        }
        Ok(())
    }
}
