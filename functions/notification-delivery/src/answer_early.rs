//! The runtime's loop, with a pause between an invocation's answer and the next invocation.
//!
//! Lambda freezes an execution environment when it asks for the next invocation, not when it answers, and
//! hands it no other until then; what wants to be done after an answer has its place between the two
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>, "Cleanup"). The function's
//! timeout covers it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use lambda_runtime::{
    Error, LambdaEvent, Runtime, layers::TracingLayer, service_fn, tower::util::MapFutureLayer,
};
use serde_json::Value;
use shared::clock::Timestamp;

use crate::{courier::Courier, handle};

/// What the invocation that was answered last has left under way.
type Rest = Arc<Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>>;

/// Handles invocations, one after the other, for as long as there are any; for each, a courier is made
/// of its request id.
///
/// # Errors
/// Where the runtime cannot be reached.
pub async fn run(courier: impl Fn(Arc<str>) -> Courier) -> Result<(), Error> {
    let rest = Rest::default();
    let left = Arc::clone(&rest);
    let handler = service_fn(|event: LambdaEvent<Value>| {
        let (courier, rest) = (courier(event.context.request_id.as_str().into()), &rest);
        async move {
            let deadline = event.context.deadline.try_into().unwrap_or(i64::MAX);
            let deadline = Timestamp::from_millisecond(deadline);
            // Boxed: the futures, one inside another, are deeper than the compiler likes to look.
            let handled = Box::pin(handle(&courier, deadline, event.payload)).await?;
            *rest.lock().unwrap_or_else(PoisonError::into_inner) =
                handled.rest.map(|mut lanes| Box::pin(async move { lanes.land_all().await }) as _);
            Ok::<_, Error>(handled.answer)
        }
    });
    let finish = MapFutureLayer::new(move |answered| finish(answered, Arc::clone(&left)));
    Runtime::new(handler).layer(TracingLayer::new()).layer(finish).run().await
}

/// Waits until an invocation is answered, and then for what it has left under way.
async fn finish<T>(answered: impl Future<Output = T>, rest: Rest) -> T {
    let answer = answered.await;
    let rest = rest.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(rest) = rest {
        rest.await;
    }
    answer
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn the_next_invocation_waits_for_what_the_last_one_has_left_under_way() {
        let (answer, answered) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let rest = Rest::default();
        let finishing = tokio::spawn(finish(answered, Arc::clone(&rest)));
        // As the handler does before its answer is sent.
        *rest.lock().unwrap() = Some(Box::pin(async { ended.await.unwrap() }));
        settle().await;
        assert!(rest.lock().unwrap().is_some(), "it has not waited for the answer");
        answer.send("answer").unwrap();
        settle().await;
        assert!(rest.lock().unwrap().is_none() && !finishing.is_finished());
        end.send(()).unwrap();
        assert_eq!(finishing.await.unwrap(), Ok("answer"));
    }

    /// Lets everything go on that can.
    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}
