//! Runs the local stack; `make dev` starts it.

use std::process::ExitCode;

use local_stack::{error::Error, stack};

/// The API's port, where the environment does not choose another.
const DEFAULT_PORT: u16 = 9000;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the developer's terminal")]
async fn main() -> ExitCode {
    let result = match port() {
        Ok(port) => stack::run(port).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-stack: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the tool's one setting")]
fn port() -> Result<u16, Error> {
    match std::env::var("PORT") {
        Ok(text) => {
            text.parse().ok().filter(|port| (1..u16::MAX).contains(port)).ok_or(Error::InvalidPort)
        }
        Err(_) => Ok(DEFAULT_PORT),
    }
}
