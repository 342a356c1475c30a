//! Many requests at once.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

/// Runs futures side by side, however many; their outputs, in the order of the futures.
pub async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|it| Running::Going(Box::pin(it))).collect();
    poll_fn(|context| {
        let going = running.iter_mut().filter_map(|it| it.poll(context)).count();
        if going == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outputs = running.into_iter().map(|it| match it {
        Running::Done(output) => output,
        Running::Going(_) => unreachable!("all are done"),
    });
    outputs.collect()
}

enum Running<F: Future> {
    Going(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future> Running<F> {
    /// Goes on with it; `Some` where it is still going then.
    fn poll(&mut self, context: &mut Context<'_>) -> Option<()> {
        let Self::Going(future) = self else { return None };
        match future.as_mut().poll(context) {
            Poll::Ready(output) => {
                *self = Self::Done(output);
                None
            }
            Poll::Pending => Some(()),
        }
    }
}
