//! What is printed.

use std::process::ExitCode;

/// The measurements so far.
#[derive(Default)]
pub(crate) struct Report {
    failed: Vec<String>,
}

impl Report {
    /// Begins a section.
    #[expect(clippy::unused_self, reason = "sections belong to a report")]
    pub(crate) fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// Prints a measurement that has no bound.
    #[expect(clippy::unused_self, reason = "lines belong to a report")]
    pub(crate) fn note(&self, name: &str, value: &str) {
        println!("        {name:<46} {value}");
    }

    /// Prints a measurement, and remembers it where it is over its bound.
    pub(crate) fn check(&mut self, name: &str, value: &str, good: bool) {
        let word = if good { "ok" } else { "FAILED" };
        println!("{word:>6}  {name:<46} {value}");
        if !good {
            self.failed.push(format!("{name}: {value}"));
        }
    }

    /// Prints what has failed.
    pub(crate) fn conclude(self) -> ExitCode {
        if self.failed.is_empty() {
            println!("\nAll within bounds.");
            return ExitCode::SUCCESS;
        }
        println!("\nOver their bounds:");
        for line in self.failed {
            println!("  {line}");
        }
        ExitCode::FAILURE
    }
}
