//! Batches that wait to be delivered, in order, and what becomes of one that fails: the rules of
//! Lambda's event source mappings.

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;

use crate::{events::Stream, invoke::Failure};

/// How long is waited after a first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// How long is waited at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The batches.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Batch>);

/// Records for one invocation.
#[derive(Debug)]
pub(super) struct Batch {
    /// In order, and never none.
    pub(super) records: Vec<Value>,
    /// How often the function has failed at just these.
    pub(super) failures: u32,
}

/// What an invocation has led to.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Up to which record nothing is left to do, where that has moved on.
    pub(super) through: Option<String>,
    /// What is given up.
    pub(super) dead: Option<Batch>,
    /// How long to wait before the next invocation.
    pub(super) wait: Duration,
}

impl Queue {
    /// Appends records, in batches.
    pub(super) fn extend(&mut self, records: Vec<Value>, batch_size: usize) {
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let records = records.by_ref().take(batch_size).collect();
            self.0.push_back(Batch { records, failures: 0 });
        }
    }

    /// The batch whose turn it is.
    pub(super) fn first(&self) -> Option<&Batch> {
        self.0.front()
    }

    /// Takes note of how the function answered to the first batch.
    pub(super) fn settle(&mut self, answer: &Result<Value, Failure>, stream: &Stream) -> Settled {
        let Some(batch) = self.0.pop_front() else { return Settled::default() };
        let failed_from = match answer {
            Ok(answer) if stream.reports_failures => first_failure(answer, &batch.records),
            Ok(_) => None,
            Err(Failure::Function(_)) => Some(FailedFrom::All),
            Err(Failure::Unavailable(_)) => {
                // The function has not seen them, so that is none of its failures.
                self.0.push_front(batch);
                return Settled { wait: FIRST_WAIT, ..Settled::default() };
            }
        };
        match failed_from {
            None => Settled { through: last(&batch.records), ..Settled::default() },
            Some(FailedFrom::Record(index)) => self.retry_from(index, batch, stream),
            Some(FailedFrom::All) if stream.bisects && batch.records.len() > 1 => self.halve(batch),
            Some(FailedFrom::All) => self.retry_from(0, batch, stream),
        }
    }

    /// What came before the record is done; it and all that follow are tried again.
    fn retry_from(&mut self, index: usize, mut batch: Batch, stream: &Stream) -> Settled {
        let rest = batch.records.split_off(index);
        let through = last(&batch.records);
        let failures = if index == 0 { batch.failures.saturating_add(1) } else { 1 };
        let batch = Batch { records: rest, failures };
        if stream.retries.is_some_and(|retries| failures > retries) {
            let through = last(&batch.records);
            return Settled { through, dead: Some(batch), wait: Duration::ZERO };
        }
        self.0.push_front(batch);
        Settled { through, dead: None, wait: wait(failures) }
    }

    /// Splits a batch, to come nearer to the record that is at fault. It counts for no retry.
    fn halve(&mut self, mut batch: Batch) -> Settled {
        let failures = batch.failures;
        let second = batch.records.split_off(batch.records.len().div_ceil(2));
        self.0.push_front(Batch { records: second, failures });
        self.0.push_front(batch);
        Settled { wait: FIRST_WAIT, ..Settled::default() }
    }
}

enum FailedFrom {
    Record(usize),
    All,
}

/// The first record that an answer names as failed. What names none that was handed over counts as a
/// failure of all, as in Lambda: to go on would lose records.
fn first_failure(answer: &Value, records: &[Value]) -> Option<FailedFrom> {
    let failures = answer["batchItemFailures"].as_array().filter(|list| !list.is_empty())?;
    let indexes = failures.iter().map(|failure| {
        let sequence = failure["itemIdentifier"].as_str()?;
        records.iter().position(|record| sequence_number(record) == Some(sequence))
    });
    let first = indexes.collect::<Option<Vec<_>>>().and_then(|indexes| indexes.into_iter().min());
    Some(first.map_or(FailedFrom::All, FailedFrom::Record))
}

/// The sequence number of a record.
pub(super) fn sequence_number(record: &Value) -> Option<&str> {
    record["dynamodb"]["SequenceNumber"].as_str()
}

fn last(records: &[Value]) -> Option<String> {
    records.last().and_then(sequence_number).map(ToOwned::to_owned)
}

fn wait(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits: Vec<_> = [1, 2, 3, 7, 64].into_iter().map(|n| wait(n).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 30_000, 30_000]);
    }
}
