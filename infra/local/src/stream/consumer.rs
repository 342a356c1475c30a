//! One function that is fed by the stream.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    feed::Feed,
    position::Position,
    queue::{Batch, Queue, sequence_number},
};
use crate::{error::Error, events::Stream, invoke::Invoke, place::Place};

/// How often the stream is looked at.
const POLL: Duration = Duration::from_millis(100);

/// How many records are read at once.
const READ_AT_ONCE: usize = 1_000;

/// Where batches that were given up are written down, one a line, with their records.
const DEAD_LETTERS: &str = "dead-letters.jsonl";

/// How far a consumer is, for who removes what nobody needs any longer.
pub(super) type Progress = Arc<Mutex<Option<String>>>;

/// A function that is fed by the stream.
pub(super) struct Consumer<F, I> {
    function: String,
    stream: Stream,
    feed: Arc<F>,
    invoke: Arc<I>,
    position: Position,
    progress: Progress,
    /// What was read and is not done with.
    queue: Queue,
    /// The last record that was read, whether it is handed over or not.
    read_through: Option<String>,
    dead_letters: PathBuf,
    failing: bool,
}

/// What a step has led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// How long to wait before the next.
    pub(super) wait: Duration,
    /// What to tell the developer.
    pub(super) told: Option<String>,
}

impl<F: Feed, I: Invoke> Consumer<F, I> {
    /// A consumer that goes on where it was.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Engine`].
    pub(super) fn resume(
        place: &Place,
        function: &str,
        stream: &Stream,
        feed: Arc<F>,
        invoke: Arc<I>,
    ) -> Result<Self, Error> {
        let file = place.data(&format!("stream-{function}-{}.json", stream.name));
        let kept = Position::read(file.clone(), feed.arn());
        let position = if let Some(position) = kept {
            position
        } else {
            let after = if stream.from_beginning { None } else { feed.newest()? };
            Position::begin(file, feed.arn(), after)?
        };
        Ok(Self {
            function: function.to_owned(),
            stream: stream.clone(),
            feed,
            invoke,
            progress: Arc::new(Mutex::new(position.after().map(ToOwned::to_owned))),
            read_through: position.after().map(ToOwned::to_owned),
            position,
            queue: Queue::default(),
            dead_letters: place.log(DEAD_LETTERS),
            failing: false,
        })
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        Arc::clone(&self.progress)
    }

    /// Invokes the function with the next batch, or reads on where there is none.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Engine`].
    pub(super) async fn step(&mut self) -> Result<Step, Error> {
        let Some(batch) = self.queue.first() else {
            return self.read().await;
        };
        let payload = json!({"Records": batch.records});
        let answer = self.invoke.invoke(&self.function, payload).await;
        let settled = self.queue.settle(&answer, &self.stream);
        let mut told = self.changed(answer.as_ref().err().map(ToString::to_string));
        if let Some(batch) = settled.dead {
            if let Err(error) = self.bury(&batch) {
                // They are read again, since nothing of them is written down.
                self.queue = Queue::default();
                self.read_through = None;
                return Err(error);
            }
            told = Some(format!(
                "==> {}, by the table's stream: records given up: {}; see .local/log/{DEAD_LETTERS}",
                self.function,
                batch.records.len(),
            ));
        }
        if let Some(through) = settled.through {
            self.advance(through)?;
        }
        Ok(Step { wait: settled.wait, told })
    }

    async fn read(&mut self) -> Result<Step, Error> {
        // What came after the last record of a batch and was for nobody is done with, too.
        if let Some(through) = self.read_through.take_if(|it| self.position.after() != Some(it)) {
            self.advance(through)?;
        }
        let (feed, after) = (Arc::clone(&self.feed), self.position.after().map(ToOwned::to_owned));
        let reading =
            tokio::task::spawn_blocking(move || feed.after(after.as_deref(), READ_AT_ONCE));
        let records = reading.await.map_err(|error| Error::Engine(error.to_string()))??;
        let Some(last) = records.last() else {
            return Ok(Step { wait: POLL, told: None });
        };
        self.read_through = sequence_number(last).map(ToOwned::to_owned);
        let filters = &self.stream.filters;
        let wanted =
            |record: &Value| filters.is_empty() || filters.iter().any(|it| it.matches(record));
        let records = records.into_iter().filter(wanted).collect();
        self.queue.extend(records, self.stream.batch_size);
        Ok(Step::default())
    }

    fn advance(&mut self, through: String) -> Result<(), Error> {
        self.position.advance(through.clone())?;
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(through);
        Ok(())
    }

    /// What to tell where the function has begun to fail, or has ceased to.
    fn changed(&mut self, failure: Option<String>) -> Option<String> {
        let was_failing = std::mem::replace(&mut self.failing, failure.is_some());
        let function = &self.function;
        match failure {
            Some(failure) if !was_failing => {
                Some(format!("==> {function}, by the table's stream: {failure}; tried again"))
            }
            None if was_failing => {
                Some(format!("==> {function}, by the table's stream: works again"))
            }
            _ => None,
        }
    }

    /// Writes a batch down that is given up, as Lambda tells of one, and with the records.
    fn bury(&self, batch: &Batch) -> Result<(), Error> {
        let letter = json!({
            "requestContext": {
                "functionArn": self.function,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": batch.failures,
            },
            "DDBStreamBatchInfo": {
                "streamArn": self.feed.arn(),
                "startSequenceNumber": batch.records.first().and_then(sequence_number),
                "endSequenceNumber": batch.records.last().and_then(sequence_number),
                "batchSize": batch.records.len(),
            },
            "records": batch.records,
        });
        let append = || {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.dead_letters)?;
            file.write_all(format!("{letter}\n").as_bytes())?;
            file.sync_all()
        };
        append().map_err(Error::io(self.dead_letters.display().to_string()))
    }
}
