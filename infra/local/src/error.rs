//! What can go wrong, said so that a developer knows what to do.

use std::io;

/// Why the local stack does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process could not be used.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// Another local stack uses the same folder.
    #[error("another local stack runs on {0}; end it first")]
    Locked(String),
    /// Nothing runs that has a table.
    #[error(
        "the local stack is not running, or not ready; start it with `make dev` in another terminal"
    )]
    NotRunning,
    /// The API's port is taken.
    #[error(
        "port {0} is in use by another program; end that, or choose a port: PORT=9100 make dev"
    )]
    PortInUse(u16),
    /// The inbox's port is taken.
    #[error(
        "port {0}, where the inbox would be, one above the API, is in use by another program; end that, or choose a port for the API: PORT=9100 make dev"
    )]
    InboxPortInUse(u16),
    /// The environment's PORT makes no sense.
    #[error("PORT must be a number from 1 to 65534")]
    InvalidPort,
    /// `template.yaml` is not as expected.
    #[error("template.yaml: {0}")]
    Template(String),
    /// The DynamoDB engine refused.
    #[error("the table's engine: {0}")]
    Engine(String),
    /// Something that was started did not come up.
    #[error("{name} did not answer within {seconds} seconds; its log is {log}")]
    NotReady {
        /// What.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// Where its log is.
        log: String,
    },
    /// Something that was started has ended.
    #[error("{name} has ended; its log is {log}")]
    Ended {
        /// What.
        name: String,
        /// Where its log is.
        log: String,
    },
    /// A request to the running service went wrong.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// An input or output error, with what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::Io(what, error)
    }
}
