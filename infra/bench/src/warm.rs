//! How long a warm function takes for a read, beside one that does nothing but read an item.

use serde_json::Value;

use crate::{
    instance::{Instance, event},
    report::Report,
    service::{PREFERENCE, Service},
    statistics::in_turn,
};

const ROUNDS: usize = 40;
const BURST: usize = 50;

const READS: [(&str, &str); 16] = [
    ("organization", "/api/organization"),
    ("organization", "/api/organization/features"),
    ("organization", "/api/organization/limits"),
    ("organization", "/api/organization/subscription"),
    ("profile", "/api/user/profile"),
    ("sessions", "/api/user/sessions"),
    ("mfa", "/api/user/mfa"),
    ("api-keys", "/api/user/api-keys"),
    ("api-keys", "/api/user/api-keys/{id}"),
    ("session-timeout", "/api/user/session-timeout"),
    ("log-retention", "/api/settings/log-retention"),
    ("user-preferences", "/api/user-preferences"),
    ("user-preferences", "/api/user-preferences/{key}"),
    ("settings", "/api/settings"),
    ("settings", "/api/settings/all"),
    ("ip-whitelist", "/api/settings/ip-whitelist/status"),
];

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section(
        "Warm reads, event to answer (goal: 100 µs over one GetItem with the bare SDK; bound: 100 µs over \
         its call for the same items)",
    );
    let (id, _) = service.create_key(&service.instance("api-keys"), &service.session).await;
    service.set_preference(&service.session).await;
    let one = format!("ORG%23{}", service.organization);
    let other = format!("USER%23{}%23{}", service.organization, service.user);
    let mut subjects = vec![
        (service.instance("hello-world"), event("GET", "/", "", None).to_string()),
        (service.instance("bare-read"), bare(&[&one]).to_string()),
        (service.instance("bare-read"), bare(&[&one, &other]).to_string()),
    ];
    for (function, path) in READS {
        let event = event(
            "GET",
            &path.replace("{id}", &id).replace("{key}", PREFERENCE),
            &service.session,
            None,
        );
        subjects.push((service.instance(function), event.to_string()));
    }
    let time = async |(instance, event): &(Instance, String)| instance.time(event).await;
    in_turn(&subjects, 2, BURST, time).await;
    let medians = in_turn(&subjects, ROUNDS, BURST, time).await;
    report.note("hello-world", &format!("{:.0} µs", medians[0]));
    let (bare, batch) = (medians[1], medians[2]);
    report.note("one GetItem with the bare SDK", &format!("{bare:.0} µs"));
    let value = format!("{batch:.0} µs, {:+.0} µs", batch - bare);
    report.note("one BatchGetItem of two with the bare SDK", &value);
    for ((_, path), median) in READS.iter().zip(&medians[3..]) {
        let (over, over_one) = (median - batch, median - bare);
        let value = format!("{median:.0} µs, {over:+.0} µs ({over_one:+.0} µs over one GetItem)");
        report.check(&format!("GET {path}"), &value, over <= 100.0);
    }
}

fn bare(partitions: &[&str]) -> Value {
    event("GET", &format!("/{}", partitions.join("/")), "", None)
}
