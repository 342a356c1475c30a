//! How fast the retention sweep deletes, beside a function that does nothing but send full batches
//! of deletions of the same keys, and what it reads for that.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use dynoxide::{Database, ImportOptions, types::AttributeValue};
use serde_json::{Value, json};
use shared::{
    clock::{Clock as _, SystemClock, Timestamp},
    ids::AuditId,
};

use crate::{
    instance::Instance,
    report::Report,
    service::{Service, TABLE},
    statistics::median,
};

/// How many records are deleted in one round, in all.
const RECORDS: u32 = 20_000;
/// In how many days they lie.
const DAYS: u32 = 20;
/// How often both delete them.
const ROUNDS: usize = 7;
/// How many batches the sweep has on their way at once.
const CONCURRENCY: u32 = 16;
/// How many organizations an idle pass looks at, besides the one with records.
const IDLE: u32 = 40;

/// Where files lie in memory, on systems that have such a place: the engine is measured, and not the disk.
const MEMORY: &str = "/dev/shm";

/// A key: partition and sort.
type Key = (String, String);

pub(crate) async fn measure(report: &mut Report) {
    report.section("The sweep (bounds: 85 % of bare batches' speed, batches 95 % full, 1.05 items read a deletion, an idle pass one query an organization)");
    // Engines of its own: it is to find its own records and no others. In a file it is the engine of
    // `make dev`, which the bound is for. In memory a deletion takes it some six times as long as reading a
    // key, and it does one thing at a time: a sweep that did nothing else would hardly reach the bound.
    let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).unwrap();
    let file = folder.path().join("table.db").display().to_string();
    let memory = race(Service::start().await, folder.path()).await;
    memory.tell("in memory", |name, value, _| report.note(name, value));
    let file = race(Service::with(Database::new(&file).unwrap()).await, folder.path()).await;
    file.tell("in a file", |name, value, ratio| report.check(name, value, ratio >= 85.0));
    effort(report, &file.said);
    idle(&file.service, &file.sweep, report).await;
}

/// What came of letting both delete the same records.
struct Race {
    service: Service,
    sweep: Instance,
    said: Value,
    swept: f64,
    deleted: f64,
}

/// Lets both delete the same records in turn.
async fn race(service: Service, folder: &Path) -> Race {
    let (sweep, bare) = (service.instance("retention-sweep"), service.instance("bare-delete"));
    let keys = keys(&service.organization, SystemClock.now());
    let file = folder.join("keys");
    let lines: Vec<_> =
        keys.iter().map(|(partition, sort)| format!("{partition} {sort}")).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let event = json!({"keys": file, "concurrency": CONCURRENCY});
    let all = json!({});
    let (mut swept, mut deleted) = (Vec::new(), Vec::new());
    // The first round warms both.
    for round in 0..=ROUNDS {
        load(&service, &keys);
        let bare = delete(&bare, &event, |answer| answer["deleted"].clone()).await;
        load(&service, &keys);
        let sweep = delete(&sweep, &all, |answer| {
            answer["organizations"][0]["kinds"]["run_logs"]["deleted"].clone()
        })
        .await;
        if round > 0 {
            deleted.push(bare);
            swept.push(sweep);
        }
    }
    let said = sweep.said("swept");
    Race { service, sweep, said, swept: median(swept), deleted: median(deleted) }
}

impl Race {
    /// Tells what came of it, with the sweep's speed in percent of bare batches'.
    fn tell(&self, engine: &str, mut line: impl FnMut(&str, &str, f64)) {
        let rate = |microseconds: f64| f64::from(RECORDS) * 1e6 / microseconds;
        let (bare, sweep) = (rate(self.deleted), rate(self.swept));
        let ratio = sweep / bare * 100.0;
        let value =
            format!("{sweep:.0} deletions a second, {ratio:.0} % of bare batches' {bare:.0}");
        line(&format!("the sweep, {engine}"), &value, ratio);
    }
}

/// Invokes one of the two, and checks that it deletes all.
async fn delete(instance: &Instance, event: &Value, count: impl Fn(&Value) -> Value) -> Duration {
    let (took, answer) = instance.time_any(event).await;
    assert_eq!(count(&answer), RECORDS, "{}: {answer}", instance.name);
    took
}

/// What the deletions took, as the sweep's log line tells it; a test holds the line to what is asked
/// of the table.
fn effort(report: &mut Report, said: &Value) {
    let number = |name: &str| said[name].as_f64().unwrap();
    let (sent, batches, read) = (number("sent"), number("batches"), number("read"));
    let fill = sent / (batches * 25.0) * 100.0;
    report.check("how full its batches are", &format!("{fill:.1} %"), fill >= 95.0);
    let reads = read / sent;
    report.check("items read a deletion", &format!("{reads:.3}"), reads <= 1.05);
    let value = format!("{:.3}", number("units") / sent);
    report.note("capacity units a deletion, the deletion itself one", &value);
}

async fn idle(service: &Service, sweep: &Instance, report: &mut Report) {
    for index in 0..IDLE {
        service.found(&format!("idle-{index}")).await;
    }
    // What it records of its own work has made days; they are not over.
    let answer = sweep.invoke(&json!({})).await;
    assert_eq!(answer["complete"], true, "{answer}");
    let calls = sweep.said("swept")["calls"].as_u64().unwrap();
    let organizations = u64::from(IDLE) + 1;
    // The lease twice, the list, and the organizations' own items, 16 at once.
    let queries = calls - 3 - organizations.div_ceil(16);
    let value = format!("{calls} calls, {queries} of them for {organizations} organizations");
    report.check("an idle pass", &value, queries <= organizations);
}

/// The keys of records that are over their days.
fn keys(organization: &str, now: Timestamp) -> Vec<Key> {
    let each = RECORDS / DAYS;
    let of_day = |day: u32| {
        let start = now.start_of_day().plus_seconds(-86_400 * i64::from(60 - day));
        (0..each).map(move |index| {
            let at = start.plus_milliseconds(i64::from(index) * 86_400_000 / i64::from(each));
            (at.day(), AuditId::first_at(at).to_string().replacen("aud_", "run_", 1))
        })
    };
    let keys = (0..DAYS).flat_map(of_day);
    keys.map(|(day, sort)| (format!("RUNLOG#{organization}#{day}"), sort)).collect()
}

/// Puts the records of the keys and their days, past the wire.
fn load(service: &Service, keys: &[Key]) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut items: Vec<HashMap<_, _>> = keys
        .iter()
        .map(|(partition, sort)| {
            HashMap::from([
                ("PK".to_owned(), text(partition)),
                ("SK".to_owned(), text(sort)),
                ("pipeline".to_owned(), text("pip_01kmq0000000000000000000")),
                ("message".to_owned(), text(&"Read 1,024 rows from the source. ".repeat(6))),
            ])
        })
        .collect();
    let mut days: Vec<_> = keys.iter().map(|(partition, _)| partition.as_str()).collect();
    days.dedup();
    for day in days {
        let day = day.rsplit('#').next().unwrap();
        items.push(HashMap::from([
            ("PK".to_owned(), text(&format!("LOGDAYS#{}", service.organization))),
            ("SK".to_owned(), text(&format!("run#{day}"))),
        ]));
    }
    service.database.import_items(TABLE, items, ImportOptions::default()).unwrap();
}
