//! How much memory a function has in RAM after many requests.

use crate::{instance::event, report::Report, service::Service};

const READS: [(&str, &str); 10] = [
    ("organization", "/api/organization"),
    ("profile", "/api/user/profile"),
    ("sessions", "/api/user/sessions"),
    ("mfa", "/api/user/mfa"),
    ("api-keys", "/api/user/api-keys"),
    ("session-timeout", "/api/user/session-timeout"),
    ("settings", "/api/settings/all"),
    ("audit-log", "/api/audit-log"),
    ("ip-whitelist", "/api/settings/ip-whitelist/status"),
    ("log-retention", "/api/settings/log-retention"),
];

/// The most that a function may have, in KiB: 9 MB.
const RESIDENT: u64 = 9_000_000 / 1024;
/// The most that it may gain between the 1,000th and the 10,000th request, in KiB.
const GROWTH: u64 = 256;

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section(
        "Memory in RAM after 10,000 requests (bound: 9 MB, and 256 KiB more than after 1,000)",
    );
    for (name, path) in READS {
        let instance = service.instance(name);
        let event = event("GET", path, &service.session, None).to_string();
        // A use is noted once a minute: so that it is within the first 1,000 requests, where what it needs
        // for the first time is counted as what it is.
        service.age_sessions();
        for _ in 0..1000 {
            instance.time(&event).await;
        }
        let early = instance.resident();
        for _ in 1000..10_000 {
            instance.time(&event).await;
        }
        let late = instance.resident();
        let growth = late.saturating_sub(early);
        let value = format!("{:.2} MB, {growth} KiB more", kib_to_mb(late));
        report.check(name, &value, late <= RESIDENT && growth < GROWTH);
    }
}

fn kib_to_mb(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1024.0 / 1e6
}
