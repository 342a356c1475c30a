//! Deletions on their way.

use shared::{
    error::Error,
    model::retention::LogKind,
    store::{BATCH, Counts},
};
use tokio::task::JoinSet;

use crate::{pass::Pass, reader::Round};

/// Batches on their way.
#[derive(Default)]
pub(crate) struct Deletions {
    under_way: JoinSet<(Vec<LogKind>, usize)>,
    /// How many records they are.
    pub(crate) records: usize,
    /// How many records were sent in all.
    pub(crate) sent: u64,
    /// In how many batches.
    pub(crate) batches: u64,
}

impl Deletions {
    /// Sends a round on its way.
    pub(crate) fn send(&mut self, pass: Pass<'_>, round: Round) {
        self.records += round.len();
        self.sent += round.len() as u64;
        let mut keys = round.into_iter().peekable();
        while keys.peek().is_some() {
            let (kinds, logs): (Vec<_>, Vec<_>) = keys.by_ref().take(BATCH).unzip();
            let (store, random) = (pass.call.store.clone(), pass.call.random.clone());
            self.under_way.spawn(async move {
                let gone = store.delete_logs(logs, &*random).await;
                (kinds, gone)
            });
            self.batches += 1;
        }
    }

    /// Waits until a batch has ended; what it has deleted, or `None` where none is on its way.
    ///
    /// # Errors
    /// 500 where it cannot be told what came of it.
    pub(crate) async fn next(&mut self) -> Result<Option<Counts>, Error> {
        let Some(ended) = self.under_way.join_next().await else { return Ok(None) };
        let (kinds, gone) = ended.map_err(|error| Error::internal(error.to_string()))?;
        self.records -= kinds.len();
        // Of a batch that is not done in the end, which records are gone is not told; its first ones
        // are taken for them.
        Ok(Some(counts(&kinds[..gone])))
    }
}

/// How many there are of each kind.
pub(crate) fn counts<'a>(kinds: impl IntoIterator<Item = &'a LogKind>) -> Counts {
    let mut counts = Counts::new();
    for kind in kinds {
        *counts.entry(*kind).or_default() += 1;
    }
    counts
}
