//! Measures the functions' release binaries, and fails where one is over its bound. Times are told
//! beside those of a hello-world function, measured in turn with them: the ratio is the result.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for a terminal; a measurement that cannot go on stops where it stands"
)]

mod allowlist;
mod cost;
mod instance;
mod memory;
mod report;
mod revocation;
mod runtime_api;
mod second_factor;
mod service;
mod size;
mod start;
mod statistics;
mod warm;

use std::process::ExitCode;

use report::Report;
use service::Service;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let mut report = Report::default();
        let service = Service::start().await;
        size::measure(&mut report);
        allowlist::measure(&mut report);
        start::measure(&service, &mut report).await;
        warm::measure(&service, &mut report).await;
        memory::measure(&service, &mut report).await;
        revocation::measure(&service, &mut report).await;
        cost::measure(&service, &mut report).await;
        report
    });
    report.conclude()
}
