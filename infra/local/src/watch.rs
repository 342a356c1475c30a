//! `cargo lambda watch`: every function, rebuilt when its source changes, several at once.

use std::{
    fs::{self, File},
    io::Write as _,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::{
    engine::{Engine, REGION, TABLE},
    error::Error,
    inbox::Inbox,
    place::Place,
    process::Process,
    secret::{NOTIFICATION_SECRET, SECRET, Secrets},
    template::Template,
};

/// How many instances of a function run at once: enough that races are real.
const CONCURRENCY: &str = "4";

/// How long a function may take to answer for the first time, in seconds: it has been built by then.
const READY_SECONDS: u64 = 120;

/// Checks that the API's port is free.
///
/// # Errors
/// [`Error::PortInUse`].
pub fn check_port(port: u16) -> Result<(), Error> {
    // Both families: a program on one of them would get half of the requests.
    for address in ["127.0.0.1", "::1"] {
        if let Err(error) = TcpListener::bind((address, port))
            && error.kind() == std::io::ErrorKind::AddrInUse
        {
            return Err(Error::PortInUse(port));
        }
    }
    Ok(())
}

/// A folder with nothing in it but the functions' sources, by links. Each instance of a function
/// watches all that lies below the folder that cargo-lambda runs in. With what is compiled and
/// installed that is thousands of folders, and more than a system lets be watched
/// (`fs.inotify.max_user_watches`): most functions would not be rebuilt, and nothing would say so.
///
/// # Errors
/// [`Error::Io`].
pub fn sources() -> Result<TempDir, Error> {
    let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    for name in ["functions", "shared"] {
        let source = fs::canonicalize(name).map_err(Error::io(name))?;
        symlink(source, folder.path().join(name)).map_err(Error::io(name))?;
    }
    Ok(folder)
}

/// Starts `cargo lambda watch` on the port, watching a folder of [`sources`].
///
/// # Errors
/// [`Error::Io`].
pub fn start(
    place: &Place,
    engine: &Engine,
    secrets: &Secrets,
    inbox: &Inbox,
    port: u16,
    sources: &Path,
) -> Result<Process, Error> {
    let path = place.log("watch.log");
    let log = File::create(&path).map_err(Error::io(path.display().to_string()))?;
    let log = Arc::new(Mutex::new(log));
    let port = port.to_string();
    let manifest = fs::canonicalize("Cargo.toml").map_err(Error::io("Cargo.toml"))?;
    let manifest = manifest.display().to_string();
    let arguments = [
        "lambda",
        "watch",
        "--manifest-path",
        &manifest,
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
        "--concurrency",
        CONCURRENCY,
        "--wait",
    ];
    let program = std::path::absolute(place.tool("cargo-lambda"));
    let program = program.map_err(Error::io("cargo-lambda"))?;
    let mut process = Process::start("cargo-lambda", path, &program, &arguments, |command| {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir(sources);
        command.envs([
            ("TABLE_NAME", TABLE),
            ("SECRET_ID", SECRET),
            ("NOTIFICATION_SECRET_ID", NOTIFICATION_SECRET),
            // What is sent goes to the inbox, which is where no receiver may be: on loopback.
            ("NOTIFICATIONS_ALLOW_INSECURE", "true"),
            ("SLACK_API_URL", &inbox.slack_url()),
            ("PAGERDUTY_EVENTS_URL", &inbox.pagerduty_url()),
            ("LOG_LEVEL", "info"),
            // Shorter days can be seen to work within the hour.
            ("RETENTION_COOLING_OFF_HOURS", "0"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &engine.url),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            // The developer's own account is never used.
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            // Nor is a toolchain fetched behind their back: nobody listens there.
            ("RUSTUP_DIST_SERVER", "http://127.0.0.1:9"),
        ]);
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"] {
            command.env_remove(name);
        }
    })?;
    if let Some(output) = process.child().stdout.take() {
        tokio::spawn(show(output, Arc::clone(&log)));
    }
    if let Some(errors) = process.child().stderr.take() {
        tokio::spawn(show(errors, log));
    }
    Ok(process)
}

/// Writes everything to the log, and shows what a developer wants to see: the functions' own lines
/// and the compiler's.
#[expect(clippy::print_stdout, reason = "the developer's terminal")]
async fn show(output: impl AsyncRead + Unpin, log: Arc<Mutex<File>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk is no reason to stop.
            let _ = writeln!(log, "{line}");
        }
        let chatter = ["INFO ", "Finished ", "Running ", "Blocking waiting"]
            .iter()
            .any(|word| line.contains(word));
        if line.starts_with('{') || !chatter {
            println!("{line}");
        }
    }
}

/// Waits until every function has answered once. Those without a route are invoked directly, with
/// something that they are made for.
///
/// # Errors
/// [`Error::NotReady`] or [`Error::Ended`].
pub async fn ready(
    process: &mut Process,
    place: &Place,
    template: &Template,
    port: u16,
    progress: impl Fn(&str),
) -> Result<(), Error> {
    for (name, function) in &template.functions {
        progress(name);
        let url = match function.routes.first() {
            // A method that no path has: 405, without touching the table.
            Some(route) => format!("http://127.0.0.1:{port}{}", route.path.replace("{id}", "-")),
            None => format!("http://127.0.0.1:{port}/2015-03-31/functions/{name}/invocations"),
        };
        let body = match function.schedules.first() {
            Some(schedule) => schedule.input.clone(),
            None if !function.streams.is_empty() => json!({"Records": []}),
            None => json!({}),
        };
        answers(process, &url, &body.to_string()).await?.ok_or_else(|| Error::NotReady {
            name: format!("the function {name}"),
            seconds: READY_SECONDS,
            log: place.log("watch.log").display().to_string(),
        })?;
    }
    Ok(())
}

/// Waits for any answer from a URL.
async fn answers(process: &mut Process, url: &str, body: &str) -> Result<Option<()>, Error> {
    let started = Duration::from_secs(READY_SECONDS);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let wait = async {
        loop {
            ticks.tick().await;
            process.check()?;
            let (url, body) = (url.to_owned(), body.to_owned());
            let answer = tokio::task::spawn_blocking(move || {
                ureq::post(&url)
                    .config()
                    .http_status_as_error(false)
                    .timeout_global(Some(Duration::from_secs(READY_SECONDS)))
                    .build()
                    .content_type("application/json")
                    .send(body)
            });
            if matches!(answer.await, Ok(Ok(_))) {
                return Ok(());
            }
        }
    };
    match tokio::time::timeout(started, wait).await {
        Ok(result) => result.map(Some),
        Err(_) => Ok(None),
    }
}

/// The folder that `cargo lambda watch` runs in has to be the workspace's.
///
/// # Errors
/// [`Error::Template`] where it is not.
pub fn check_folder() -> Result<(), Error> {
    if Path::new("template.yaml").exists() {
        Ok(())
    } else {
        Err(Error::Template("run `make dev` in the project's folder".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_said_plainly() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_port(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("port {port} is in use")), "{error}");
        drop(taken);
        assert!(check_port(port).is_ok());
    }
}
