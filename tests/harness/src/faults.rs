//! Failures that the engine never shows: throttling, conflicts, silence. They are put between the
//! SDK and the engine, so that the SDK's own retries and time-outs are part of the test.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::sync::{Barrier, Notify};

use crate::calls::{Access, accesses};

/// What goes wrong with calls to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The table is over its throughput.
    Throttled,
    /// The table has a failure of its own.
    ServerError,
    /// Nobody answers in time.
    TimedOut,
    /// The connection is refused.
    Refused,
    /// A transaction meets another one on its first item.
    Conflict,
    /// A batch comes back without having been read or written.
    Unprocessed,
    /// The call is carried out, and its answer is lost.
    AnswerLost,
}

/// Where faults are ordered: the name of a call, and what happens to the next of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders(
    Arc<Mutex<VecDeque<(&'static str, Order)>>>,
    Arc<Mutex<BTreeSet<Access>>>,
    Arc<Calls>,
);

/// The calls that set out.
#[derive(Debug, Default)]
struct Calls {
    /// Their names and bodies.
    seen: Mutex<Vec<(String, Vec<u8>)>>,
    /// After how many more of them nothing is answered.
    until_death: Mutex<Option<usize>>,
    death: Notify,
}

/// What happens to a call.
#[derive(Debug, Clone)]
enum Order {
    Fail(Fault),
    WaitFor(Arc<Barrier>),
    After(Intrusion),
    Answer(String),
}

/// What somebody else does just before a call sets out.
#[derive(Clone)]
pub(crate) struct Intrusion(pub(crate) Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Intrusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intrusion")
    }
}

impl Orders {
    pub(crate) fn push(&self, call: &'static str, fault: Fault, times: usize) {
        self.repeat(call, &Order::Fail(fault), times);
    }

    pub(crate) fn gather(&self, call: &'static str, count: usize) {
        self.repeat(call, &Order::WaitFor(Arc::new(Barrier::new(count))), count);
    }

    pub(crate) fn intrude(&self, call: &'static str, intrusion: Intrusion) {
        self.repeat(call, &Order::After(intrusion), 1);
    }

    pub(crate) fn answer(&self, call: &'static str, body: String) {
        self.repeat(call, &Order::Answer(body), 1);
    }

    /// What was asked of the table since it was last forgotten.
    pub(crate) fn accesses(&self) -> MutexGuard<'_, BTreeSet<Access>> {
        self.1.lock().unwrap()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Lets `calls` more calls set out; with the next one the instance is dead.
    pub(crate) fn die_after(&self, calls: Option<usize>) {
        *self.2.until_death.lock().unwrap() = calls;
    }

    pub(crate) async fn death(&self) {
        self.2.death.notified().await;
    }

    /// The names and bodies of the calls that set out since they were last taken.
    pub(crate) fn take_calls(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut *self.2.seen.lock().unwrap())
    }

    /// Notes a call; whether the instance is dead.
    fn note(&self, target: &str, body: &[u8]) -> bool {
        let mut left = self.2.until_death.lock().unwrap();
        if *left == Some(0) {
            self.2.death.notify_one();
            return true;
        }
        *left = left.map(|left| left - 1);
        let name = target.rsplit('.').next().unwrap_or_default().to_owned();
        self.2.seen.lock().unwrap().push((name, body.to_vec()));
        false
    }

    fn repeat(&self, call: &'static str, order: &Order, times: usize) {
        self.0.lock().unwrap().extend((0..times).map(|_| (call, order.clone())));
    }

    /// Whether anything is to happen to that call.
    fn are_for(&self, target: &str) -> bool {
        let dying = self.2.until_death.lock().unwrap().is_some();
        dying || self.0.lock().unwrap().iter().any(|(call, _)| target.ends_with(call))
    }

    fn take(&self, target: &str) -> Option<Order> {
        let mut orders = self.0.lock().unwrap();
        let index = orders.iter().position(|(call, _)| target.ends_with(call))?;
        orders.remove(index).map(|(_, order)| order)
    }
}

/// The SDK's HTTP client with faults on order.
#[derive(Debug)]
pub(crate) struct FaultyClient {
    pub(crate) inner: SharedHttpClient,
    pub(crate) orders: Orders,
}

impl HttpClient for FaultyClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(FaultyConnector {
            inner: self.inner.http_connector(settings, components),
            orders: self.orders.clone(),
        })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    orders: Orders,
}

/// The connector of calls that do not go by way of the SDK. Those for which something is ordered fail
/// here, so that the SDK meets it.
#[derive(Debug)]
pub(crate) struct DirectConnector {
    pub(crate) inner: SharedHttpConnector,
    pub(crate) orders: Orders,
}

impl HttpConnector for DirectConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        if self.orders.are_for(&target) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("ordered".into())));
        }
        let body = request.body().bytes().unwrap_or_default();
        self.orders.accesses().extend(accesses(&target, body));
        self.orders.note(&target, body);
        self.inner.call(request)
    }
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let asked = accesses(&target, request.body().bytes().unwrap_or_default());
        self.orders.accesses().extend(asked);
        if self.orders.note(&target, request.body().bytes().unwrap_or_default()) {
            return HttpConnectorFuture::new(std::future::pending());
        }
        let fault = match self.orders.take(&target) {
            None => return self.inner.call(request),
            Some(Order::WaitFor(others)) => {
                let inner = self.inner.clone();
                return HttpConnectorFuture::new(async move {
                    others.wait().await;
                    inner.call(request).await
                });
            }
            Some(Order::After(Intrusion(intrude))) => {
                intrude();
                return self.inner.call(request);
            }
            Some(Order::Answer(body)) => return respond(200, body),
            Some(Order::Fail(fault)) => fault,
        };
        match fault {
            Fault::AnswerLost => {
                let call = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    call.await?;
                    Err(ConnectorError::timeout("the answer is lost".into()))
                })
            }
            Fault::TimedOut => {
                HttpConnectorFuture::ready(Err(ConnectorError::timeout("silence".into())))
            }
            Fault::Refused => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("connection refused".into())))
            }
            Fault::Throttled => error(400, "ProvisionedThroughputExceededException", ""),
            Fault::ServerError => error(500, "InternalServerError", ""),
            Fault::Conflict => error(
                400,
                "TransactionCanceledException",
                r#","CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]"#,
            ),
            Fault::Unprocessed if target.ends_with("BatchWriteItem") => {
                let body = request.body().bytes().unwrap_or_default();
                let body: serde_json::Value = serde_json::from_slice(body).unwrap();
                let undone = serde_json::json!({"UnprocessedItems": body["RequestItems"]});
                respond(200, undone.to_string())
            }
            Fault::Unprocessed => {
                let body = r#"{"Responses":{},"UnprocessedKeys":{"settings-under-test":{"Keys":[{"PK":{"S":"x"},"SK":{"S":"x"}}]}}}"#;
                respond(200, body.to_owned())
            }
        }
    }
}

fn error(status: u16, code: &str, more: &str) -> HttpConnectorFuture {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    respond(status, format!(r#"{{"__type":"{kind}","message":"ordered by a test"{more}}}"#))
}

fn respond(status: u16, body: String) -> HttpConnectorFuture {
    let status = StatusCode::try_from(status).unwrap();
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    HttpConnectorFuture::ready(Ok(response))
}

/// A connector that answers with what `body` gives.
pub(crate) fn answering(body: impl Fn() -> String + Send + Sync + 'static) -> SharedHttpConnector {
    struct Answering<F>(F);
    impl<F> std::fmt::Debug for Answering<F> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Answering")
        }
    }
    impl<F: Fn() -> String + Send + Sync> HttpConnector for Answering<F> {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            respond(200, (self.0)())
        }
    }
    SharedHttpConnector::new(Answering(body))
}
