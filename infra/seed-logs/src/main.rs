//! `make seed-logs` runs it.

use std::{
    fs,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use local_stack::{error::Error as Stack, place::Place};
use seed_logs::{
    plan::{Invalid, Plan},
    seed::{seed, store_at},
};
use shared::{
    clock::{Clock as _, SystemClock},
    error::Error,
    ids::OrganizationId,
    random::SystemRandom,
};

/// Where the local stack keeps things.
const FOLDER: &str = ".local";

/// How often the progress is shown.
const PACE: Duration = Duration::from_secs(1);

/// What went wrong.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Stack(#[from] Stack),
    #[error("there is no organization {0}")]
    Unknown(OrganizationId),
    #[error("{FOLDER}/demo.env names no organization yet; name one: ORG=org_…")]
    NoDemo,
    #[error("the table: {0}")]
    Table(#[from] Error),
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "the developer's terminal")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("seed-logs: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the developer's terminal")]
async fn run() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let plan = Plan::of(arguments.iter().map(String::as_str))?;
    let folder = Path::new(FOLDER);
    let store = store_at(&Place::table_of(folder)?);
    let id = plan.organization.or_else(|| demo(folder)).ok_or(Failure::NoDemo)?;
    let organization = store.read_organization(id).await?.ok_or(Failure::Unknown(id))?;
    println!("==> {} records for {} ({id})", plan.count, organization.name);
    let (started, mut shown) = (clock(), Duration::ZERO);
    let told = |written: u64| {
        let elapsed = started.elapsed();
        if elapsed >= shown + PACE || written == plan.count {
            shown = elapsed;
            let rate = u128::from(written) * 1000 / elapsed.as_millis().max(1);
            println!("    {written} of {}, {rate} a second", plan.count);
        }
    };
    seed(&store, &organization, &plan, SystemClock.now(), Arc::new(SystemRandom), told).await?;
    println!("==> done");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the rate that a person is shown")]
fn clock() -> Instant {
    Instant::now()
}

/// The demo organization.
fn demo(folder: &Path) -> Option<OrganizationId> {
    let text = fs::read_to_string(folder.join("demo.env")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("ORG_ID="))?.parse().ok()
}
