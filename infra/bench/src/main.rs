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
mod sweep;
mod warm;

use std::process::ExitCode;

use report::Report;
use service::Service;

/// What is measured, in this order, and by its name alone where it is given as an argument.
const SECTIONS: [&str; 8] =
    ["size", "allowlist", "start", "warm", "memory", "revocation", "cost", "sweep"];

fn main() -> ExitCode {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = chosen.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        println!("There is no section {unknown}; there are {}.", SECTIONS.join(", "));
        return ExitCode::FAILURE;
    }
    let sections: Vec<&str> = SECTIONS
        .into_iter()
        .filter(|section| chosen.is_empty() || chosen.iter().any(|name| name == section))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&sections)).conclude()
}

async fn measure(sections: &[&str]) -> Report {
    let mut report = Report::default();
    let mut service = None;
    for section in sections {
        match *section {
            "size" => size::measure(&mut report),
            "allowlist" => allowlist::measure(&mut report),
            "sweep" => sweep::measure(&mut report).await,
            running => {
                let service = match &service {
                    Some(service) => service,
                    None => service.insert(Service::start().await),
                };
                match running {
                    "start" => start::measure(service, &mut report).await,
                    "warm" => warm::measure(service, &mut report).await,
                    "memory" => memory::measure(service, &mut report).await,
                    "revocation" => revocation::measure(service, &mut report).await,
                    _ => cost::measure(service, &mut report).await,
                }
            }
        }
    }
    report
}
