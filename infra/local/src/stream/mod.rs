//! The table's stream: its records are handed to the functions that the template names, in order,
//! at least once.

mod consumer;
mod feed;
mod position;
mod queue;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::task::JoinSet;

use self::consumer::{Consumer, Progress};
pub use self::feed::{Feed, TableStream};
use crate::{error::Error, invoke::Invoke, place::Place, template::Template};

/// How often records are removed that nobody needs any longer.
const TRIM: Duration = Duration::from_secs(30);

/// How long is waited after trouble of the local stack's own.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Serves every function that the template feeds by the stream, for as long as it is polled.
///
/// # Errors
/// [`Error::Io`] or [`Error::Engine`] where it cannot begin.
pub async fn serve(
    stream: TableStream,
    place: &Place,
    template: &Template,
    invoke: Arc<impl Invoke>,
    tell: impl Fn(&str) + Clone + Send + 'static,
) -> Result<(), Error> {
    let stream = Arc::new(stream);
    let mut consumers = JoinSet::new();
    let mut progress = Vec::new();
    for (function, of) in &template.functions {
        for of in &of.streams {
            let (stream, invoke) = (Arc::clone(&stream), Arc::clone(&invoke));
            let consumer = Consumer::resume(place, function, of, stream, invoke)?;
            progress.push(consumer.progress());
            consumers.spawn(feed(consumer, tell.clone()));
        }
    }
    let mut timer = tokio::time::interval(TRIM);
    loop {
        timer.tick().await;
        let (stream, progress) = (Arc::clone(&stream), progress.clone());
        // What fails is tried again half a minute later.
        let _ = tokio::task::spawn_blocking(move || trim(&stream, &progress)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the engine tells of no new record: it is asked")]
async fn feed<F: Feed, I: Invoke>(mut consumer: Consumer<F, I>, tell: impl Fn(&str)) {
    let mut trouble = String::new();
    loop {
        let wait = match consumer.step().await {
            Ok(step) => {
                trouble.clear();
                if let Some(text) = step.told {
                    tell(&text);
                }
                step.wait
            }
            Err(error) => {
                let text = format!("==> the table's stream: {error}");
                if text != trouble {
                    tell(&text);
                    trouble = text;
                }
                AFTER_TROUBLE
            }
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Removes what every consumer is done with: the engine keeps records for good, and becomes slower.
fn trim(stream: &TableStream, progress: &[Progress]) -> Result<(), Error> {
    let positions =
        progress.iter().map(|it| it.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let before = if progress.is_empty() {
        stream.newest()?
    } else {
        // One that is still at the beginning needs all.
        positions.collect::<Option<Vec<_>>>().and_then(|positions| positions.into_iter().min())
    };
    before.map_or(Ok(()), |before| stream.trim(&before))
}
