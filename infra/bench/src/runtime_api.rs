//! Lambda's runtime API, as far as a function needs it: `next`, `response`, `error`.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
};

/// A running runtime API.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    lines: Lines,
}

type Lines = Arc<Mutex<HashMap<usize, Arc<Line>>>>;

/// The line to one instance.
struct Line {
    events: tokio::sync::Mutex<mpsc::Receiver<(String, String)>>,
    first_poll: watch::Sender<Option<Instant>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Value>>>,
}

/// The caller's end of the line to one instance.
pub(crate) struct Caller {
    events: mpsc::Sender<(String, String)>,
    first_poll: watch::Receiver<Option<Instant>>,
    line: Arc<Line>,
    count: std::sync::atomic::AtomicU64,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let lines = Lines::default();
        let router = Router::new()
            .route("/{line}/2018-06-01/runtime/invocation/next", get(next))
            .route("/{line}/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/{line}/2018-06-01/runtime/invocation/{id}/error", post(answer))
            .with_state(Arc::clone(&lines));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, lines }
    }

    /// Opens a line, and tells its address.
    pub(crate) fn open(&self) -> (String, Caller) {
        let (events, receiver) = mpsc::channel(1);
        let (first_poll, polled) = watch::channel(None);
        let line = Arc::new(Line {
            events: tokio::sync::Mutex::new(receiver),
            first_poll,
            answers: Mutex::default(),
        });
        let mut lines = self.lines.lock().unwrap();
        let id = lines.len();
        lines.insert(id, Arc::clone(&line));
        let caller = Caller { events, first_poll: polled, line, count: 0.into() };
        (format!("http://{}/{id}", self.address), caller)
    }
}

impl Caller {
    /// Waits until the function polls for the first time.
    pub(crate) async fn first_poll(&self) -> Instant {
        let mut polled = self.first_poll.clone();
        let time = tokio::time::timeout(Duration::from_secs(20), polled.wait_for(Option::is_some));
        (*time.await.expect("the function does not poll").unwrap()).unwrap()
    }

    /// Sends an event, and waits for the answer.
    pub(crate) async fn invoke(&self, event: &str) -> Value {
        let count = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let id = format!("8a2c3d4e-0000-4000-8000-{count:012}");
        let (sender, receiver) = oneshot::channel();
        self.line.answers.lock().unwrap().insert(id.clone(), sender);
        self.events.send((id, event.to_owned())).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(20), receiver).await;
        answer.expect("the function does not answer").unwrap()
    }
}

async fn next(State(lines): State<Lines>, Path(id): Path<usize>) -> impl IntoResponse {
    let line = Arc::clone(&lines.lock().unwrap()[&id]);
    line.first_poll.send_if_modified(|time| {
        let first = time.is_none();
        if first {
            *time = Some(now());
        }
        first
    });
    let Some((id, event)) = line.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert("lambda-runtime-aws-request-id", id.parse().unwrap());
    headers.insert("lambda-runtime-deadline-ms", "4102444800000".parse().unwrap());
    let name = "arn:aws:lambda:us-east-1:123456789012:function:bench";
    headers.insert("lambda-runtime-invoked-function-arn", name.parse().unwrap());
    (headers, event).into_response()
}

async fn answer(
    State(lines): State<Lines>,
    Path((line, id)): Path<(usize, String)>,
    body: Bytes,
) -> StatusCode {
    let line = Arc::clone(&lines.lock().unwrap()[&line]);
    if let Some(waiting) = line.answers.lock().unwrap().remove(&id) {
        // Who no longer waits needs no answer.
        let _ = waiting.send(serde_json::from_slice(&body).unwrap_or_default());
    }
    StatusCode::ACCEPTED
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
