//! Logs to sweep.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use harness::{Person, World};
use retention_sweep::{Invocation, summary::Summary};
use serde_json::{Value, json};
use shared::{
    clock::Timestamp,
    error::Error,
    ids::{AuditId, OrganizationId},
    model::retention::LogKind,
};

/// A day in milliseconds.
pub(crate) const DAY: i64 = 86_400_000;
/// Seconds that Lambda gives a sweep.
const TIME: i64 = 900;
pub(crate) const ALL: [LogKind; 3] = LogKind::ALL;

pub(crate) type Key = (String, String);

/// The logs that were put for one organization.
pub(crate) struct Logs<'a> {
    world: &'a World,
    organization: OrganizationId,
    put: RefCell<BTreeMap<Key, (LogKind, Timestamp)>>,
}

fn names(kind: LogKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        LogKind::RunLogs => ("RUNLOG", "run#", "run_"),
        LogKind::AuditLogs => ("AUDIT", "audit#", "aud_"),
        LogKind::DiagnosticArtifacts => ("ARTIFACT", "artifact#", "art_"),
    }
}

/// The default days of a kind.
pub(crate) fn default_days(kind: LogKind) -> i64 {
    match kind {
        LogKind::RunLogs => 30,
        LogKind::AuditLogs => 365,
        LogKind::DiagnosticArtifacts => 7,
    }
}

/// The moment so many milliseconds ago.
pub(crate) fn before(world: &World, milliseconds: i64) -> Timestamp {
    world.now().plus_milliseconds(-milliseconds)
}

/// `count` run logs on each of so many days until now.
pub(crate) fn run_days(logs: &Logs<'_>, world: &World, days: i64, count: i64) {
    for day in 1..=days {
        for index in 0..count {
            logs.put(LogKind::RunLogs, before(world, day * DAY - index));
        }
    }
}

pub(crate) async fn try_handle(world: &World, event: Value) -> Result<Summary, Error> {
    let deadline = world.now().plus_seconds(TIME);
    let invocation = Invocation { request_id: "sweep-request", deadline };
    Box::pin(retention_sweep::handle(&world.app, invocation, event)).await
}

pub(crate) async fn handle(world: &World, event: Value) -> Summary {
    try_handle(world, event).await.unwrap()
}

pub(crate) async fn sweep(world: &World) -> Summary {
    handle(world, json!({})).await
}

impl<'a> Logs<'a> {
    pub(crate) fn of(world: &'a World, person: &Person) -> Self {
        Self { world, organization: person.organization_id, put: RefCell::default() }
    }

    /// Puts a record that was written then.
    pub(crate) fn put(&self, kind: LogKind, at: Timestamp) {
        self.put_into(kind, at, &at.day());
    }

    /// Puts a record into a day's partition.
    pub(crate) fn put_into(&self, kind: LogKind, at: Timestamp, day: &str) {
        let (partition, index, prefix) = names(kind);
        let number = u128::try_from(self.put.borrow().len()).unwrap() + 1;
        let id = AuditId::from_bits(AuditId::first_at(at).to_bits() + number).to_string();
        let key =
            (format!("{partition}#{}#{day}", self.organization), id.replacen("aud_", prefix, 1));
        self.world.put(&json!({"PK": {"S": key.0}, "SK": {"S": key.1}, "line": {"S": "…"}}));
        let days = format!("LOGDAYS#{}", self.organization);
        self.world.put(&json!({"PK": {"S": days}, "SK": {"S": format!("{index}{day}")}}));
        self.put.borrow_mut().insert(key, (kind, at));
    }

    /// The keys of all records of the organization that are in the table.
    fn there(&self) -> BTreeSet<Key> {
        let under = |kind| {
            let items = self.world.items_under(&format!("{}#{}", names(kind).0, self.organization));
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            items.into_iter().map(move |item| (text(&item["PK"]), text(&item["SK"])))
        };
        ALL.into_iter().flat_map(under).collect()
    }

    /// The keys that were put and are still there.
    pub(crate) fn keys(&self) -> BTreeSet<Key> {
        let there = self.there();
        self.put.borrow().keys().filter(|key| there.contains(*key)).cloned().collect()
    }

    /// Those of one kind.
    pub(crate) fn keys_of(&self, kind: LogKind) -> BTreeSet<Key> {
        let put = self.put.borrow();
        self.keys().into_iter().filter(|key| put[key].0 == kind).collect()
    }

    /// The keys that were put of records not written before a moment.
    pub(crate) fn keys_not_before(&self, moment: impl Fn(LogKind) -> Timestamp) -> BTreeSet<Key> {
        let put = self.put.borrow();
        let young = put.iter().filter(|(_, (kind, at))| *at >= moment(*kind));
        young.map(|(key, _)| key.clone()).collect()
    }

    /// The entries of the index of days.
    pub(crate) fn days(&self) -> BTreeSet<String> {
        let entries = self.world.items_under(&format!("LOGDAYS#{}", self.organization));
        entries.iter().map(|entry| entry["SK"].as_str().unwrap().to_owned()).collect()
    }

    /// Checks that the index has the days of all records, and no other but those that have not
    /// passed the moment wholly.
    pub(crate) fn check_days(&self, moment: impl Fn(LogKind) -> Timestamp) {
        let (days, needed) = (self.days(), self.days_of_keys());
        assert!(needed.is_subset(&days), "{:?}", needed.difference(&days));
        let cut = ALL.map(|kind| format!("{}{}", names(kind).1, moment(kind).day()));
        let more: Vec<_> = days.difference(&needed).filter(|day| !cut.contains(day)).collect();
        assert!(more.is_empty(), "{more:?}");
    }

    /// The entries that the records in the table need.
    pub(crate) fn days_of_keys(&self) -> BTreeSet<String> {
        let entry = |(partition, _): Key| {
            let kind = ALL.into_iter().find(|kind| partition.starts_with(names(*kind).0)).unwrap();
            format!("{}{}", names(kind).1, partition.rsplit('#').next().unwrap())
        };
        self.there().into_iter().map(entry).collect()
    }

    fn change(&self, change: impl Fn(&mut Value)) {
        self.world.tamper(&format!("ORG#{}", self.organization), change);
    }

    /// Holds a kind.
    pub(crate) fn hold(&self, kind: LogKind) {
        self.change(|item| {
            let hold = json!({"M": {
                "kind": {"S": kind.name()}, "case": {"S": "C-1"}, "placed_at": {"N": "1"},
            }});
            if item["holds"].is_null() {
                item["holds"] = json!({"L": []});
            }
            item["holds"]["L"].as_array_mut().unwrap().push(hold);
        });
    }

    /// Sets the days in force, and fewer that fall due at a moment.
    pub(crate) fn policy(&self, kind: LogKind, days: i64, pending: Option<(i64, Timestamp)>) {
        self.change(|item| {
            let mut period = json!({"M": {"days": {"N": days.to_string()}}});
            if let Some((days, at)) = pending {
                let at = at.as_second().to_string();
                period["M"]["pending"] =
                    json!({"M": {"days": {"N": days.to_string()}, "effective_at": {"N": at}}});
            }
            item["retention"]["M"][kind.name()] = period;
        });
    }
}
