//! How big the binaries are.

use std::fs;

use crate::{
    instance::binary,
    report::Report,
    service::{FUNCTIONS, OTHERS},
};

/// The bound of a function that neither hashes nor encrypts, in bytes.
const PLAIN: u64 = 6_000_000;
/// The bound of one that does, in bytes.
const HEAVY: u64 = 7_000_000;

pub(crate) fn measure(report: &mut Report) {
    report.section("Binary size (bound: 6 MB; 7 MB with argon2 or Secrets Manager)");
    for name in FUNCTIONS.into_iter().chain(OTHERS) {
        let size = fs::metadata(binary(name)).unwrap().len();
        let plain = [
            "organization",
            "session-timeout",
            "user-preferences",
            "settings",
            "audit-log",
            "log-retention",
            "retention-sweep",
            "notification-intake",
            "docs",
        ]
        .contains(&name);
        let bound = if plain { PLAIN } else { HEAVY };
        let tenths = size / 10_000;
        let value = format!("{}.{:02} MB", tenths / 100, tenths % 100);
        report.check(name, &value, size <= bound);
    }
}
