//! The inbox: where everything arrives that the functions send. It stands in for mail servers, Slack,
//! PagerDuty, Teams and the receivers of webhooks, and shows on a page what has come.

mod mail;
mod message;
mod page;
mod receivers;
mod smtp;

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use tokio::{net::TcpListener, task::JoinHandle};

use self::message::Store;
use crate::error::Error;

/// The largest message, in bytes.
const MAX_BYTES: usize = 512 * 1024;

/// A running inbox. It ends when the value is dropped.
#[derive(Debug)]
pub struct Inbox {
    /// Its address, for a browser and for what the functions send over HTTP.
    pub url: String,
    /// Where it takes mail, on loopback.
    pub smtp_port: u16,
    tasks: [JoinHandle<()>; 2],
}

impl Inbox {
    /// Starts the inbox on a port of loopback, 0 for any; for mail it takes one that is free.
    ///
    /// # Errors
    /// [`Error::Io`] where a port cannot be had.
    pub async fn start(port: u16) -> Result<Self, Error> {
        let store = Arc::new(Store::default());
        let (http, port) = listen(port).await?;
        let (smtp, smtp_port) = listen(0).await?;
        let routes = routes(Arc::clone(&store), port);
        let serve = tokio::spawn(async move {
            // It ends with the local stack, and not before.
            let _ = axum::serve(http, routes).await;
        });
        let tasks = [serve, tokio::spawn(smtp::serve(smtp, store))];
        Ok(Self { url: format!("http://127.0.0.1:{port}"), smtp_port, tasks })
    }

    /// What stands for `https://slack.com/api`.
    #[must_use]
    pub fn slack_url(&self) -> String {
        format!("{}/api", self.url)
    }

    /// What stands for `https://events.pagerduty.com/v2/enqueue`.
    #[must_use]
    pub fn pagerduty_url(&self) -> String {
        format!("{}/v2/enqueue", self.url)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen(port: u16) -> Result<(TcpListener, u16), Error> {
    let failed = || Error::io("the inbox's port");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed())?;
    let port = listener.local_addr().map_err(failed())?.port();
    Ok((listener, port))
}

fn routes(store: Arc<Store>, port: u16) -> Router {
    let hosts = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    Router::new()
        .route("/", get(page::show))
        .route("/style.css", get(page::style))
        .route("/messages.json", get(page::messages))
        .route("/api/chat.postMessage", post(receivers::slack))
        .route("/hooks/{name}", post(receivers::webhook))
        .route("/v2/enqueue", post(receivers::pagerduty))
        .route("/teams/{name}", post(receivers::teams))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), guard))
        .with_state(store)
}

/// Answers only under the inbox's own names. Else a page of a stranger could read it from the
/// developer's browser, by a name of the stranger's that leads to loopback.
async fn guard(State(hosts): State<Arc<[String; 2]>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !hosts.iter().any(|own| Some(own.as_str()) == host) {
        return (StatusCode::MISDIRECTED_REQUEST, "This is the inbox of a local stack.\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    // What is shown was written by anybody: nothing of it may run, load or lead on by itself.
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
