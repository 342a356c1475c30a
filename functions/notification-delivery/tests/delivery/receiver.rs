//! A receiver of HTTP requests on loopback, as well-behaved or as hostile as it is told to be.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, HeaderName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::Instant,
};

/// What a receiver does with a request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with a status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Answers 200 after a while.
    Late(Duration),
    /// Keeps the connection and says nothing.
    Silence,
    /// Answers 200 with a body of 1 GB.
    Endless,
    /// Answers with a head that does not end.
    EndlessHead,
    /// Ends the connection without an answer.
    BreakOff,
}

impl Manner {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::Answer(200, Vec::new(), body.to_owned())
    }
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
    sent: Mutex<usize>,
    news: Notify,
}

impl Receiver {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            manner: Mutex::new(manner),
            seen: Mutex::default(),
            sent: Mutex::default(),
            news: Notify::new(),
        });
        let own = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&own)));
            }
        });
        Self { url, state }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// The requests that were received.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The same, which it forgets.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }

    /// Waits until so many requests were received.
    pub(crate) async fn received(&self, count: usize) {
        while self.seen().len() < count {
            self.state.news.notified().await;
        }
    }

    /// How many bytes it could send.
    pub(crate) fn sent(&self) -> usize {
        *self.state.sent.lock().unwrap()
    }
}

/// What goes wrong with the connection is what a test wants to go wrong.
async fn serve(mut stream: TcpStream, state: Arc<State>) -> Option<()> {
    let seen = read(&mut stream).await?;
    state.seen.lock().unwrap().push(seen);
    state.news.notify_one();
    let manner = state.manner.lock().unwrap().clone();
    match manner {
        Manner::Answer(status, headers, body) => {
            let mut lines = String::new();
            for (name, value) in headers {
                let _ = write!(lines, "{name}: {value}\r\n");
            }
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} Told\r\n{lines}content-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.ok()
        }
        Manner::Late(time) => {
            wait(time).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()
        }
        Manner::Silence => std::future::pending().await,
        Manner::Endless => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
            stream.write_all(head.as_bytes()).await.ok()?;
            pour(&mut stream, &state).await
        }
        Manner::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await.ok()?;
            pour(&mut stream, &state).await
        }
        Manner::BreakOff => Some(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the time that the receiver takes")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

async fn pour(stream: &mut TcpStream, state: &State) -> Option<()> {
    let chunk = vec![b'x'; 65_536];
    for _ in 0..16_384 {
        stream.write_all(&chunk).await.ok()?;
        *state.sent.lock().unwrap() += chunk.len();
    }
    Some(())
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { at: Instant::now(), path, headers, body: String::from_utf8(body).unwrap() })
}
