//! What holds for whatever policies, clocks, holds and ages, wherever a sweep is killed, and however
//! many are at work.

use std::collections::{BTreeMap, BTreeSet};

use crate::logs::{ALL, DAY, Key, Logs, before, default_days, run_days, sweep};
use harness::{TestRandom, World, at_once};
use retention_sweep::{organization::CONCURRENCY, pass::Pass};
use serde_json::Value;
use shared::{call::Call, model::retention::LogKind, random, store::BATCH};

/// A number under `bound`.
fn draw(chance: &TestRandom, bound: i64) -> i64 {
    (i64::from(u32::from_be_bytes(random::bytes(chance)))) % bound
}

#[tokio::test]
async fn nothing_younger_than_its_policy_goes_and_nothing_older_stays() {
    let chance = TestRandom::default();
    for _ in 0..60 {
        let world = World::new().await;
        let logs = Logs::of(&world, &world.admin);
        world.clock.advance_milliseconds(draw(&chance, 3 * DAY));
        let mut kept = BTreeMap::new();
        for kind in ALL {
            let (days, fewer) = (2 + draw(&chance, 40), 1 + draw(&chance, 2));
            // Due in this very second, a second later, or a second before.
            let due = world.now().whole_second().plus_seconds(draw(&chance, 3) - 1);
            let pending = (draw(&chance, 2) == 0).then_some((fewer, due));
            logs.policy(kind, days, pending);
            let in_force = if pending.is_some() && due <= world.now() { fewer } else { days };
            let held = draw(&chance, 4) == 0;
            if held {
                logs.hold(kind);
            }
            kept.insert(kind, if held { 4000 * DAY } else { in_force * DAY });
            for _ in 0..20 {
                logs.put(kind, before(&world, in_force * DAY + draw(&chance, 5) - 2));
                logs.put(kind, before(&world, draw(&chance, 60 * DAY)));
            }
        }
        let expected = logs.keys_not_before(|kind| before(&world, kept[&kind]));
        let summary = sweep(&world).await;
        assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
        assert_eq!(logs.keys(), expected);
        logs.check_days(|kind| before(&world, kept[&kind]));
    }
}

/// The keys of logs that calls asked to delete, each as often as it was asked.
fn deletes(calls: &[(String, Value)]) -> Vec<Key> {
    let batches = calls.iter().filter(|(name, _)| name == "BatchWriteItem");
    let items = batches.flat_map(|(_, body)| body["RequestItems"].as_object().unwrap().values());
    let keys = items.flat_map(|items| items.as_array().unwrap());
    let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
    keys.map(|write| &write["DeleteRequest"]["Key"])
        .map(|key| (text(&key["PK"]), text(&key["SK"])))
        .filter(|(partition, _)| !partition.starts_with("LOGDAYS#"))
        .collect()
}

#[tokio::test]
async fn killed_anywhere_and_started_again_it_deletes_the_same_and_repeats_little() {
    let chance = TestRandom::default();
    let (mut killed, mut all) = (0, 60);
    while killed < 200 {
        let world = World::new().await;
        let logs = Logs::of(&world, &world.admin);
        for day in 30..=41 {
            for index in 0..38 {
                logs.put(LogKind::RunLogs, before(&world, day * DAY - index));
            }
        }
        let _ = world.take_calls();
        let calls = usize::try_from(draw(&chance, all)).unwrap();
        if world.until_death(calls, sweep(&world)).await.is_some() {
            // It takes no more calls than this: they are the points at which it can be killed.
            all = i64::try_from(world.take_calls().len()).unwrap();
            continue;
        }
        killed += 1;
        // The dead one's lease is over with its deadline.
        world.clock.advance_minutes(16);
        let summary = sweep(&world).await;
        assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
        let expected = logs.keys_not_before(|kind| before(&world, default_days(kind) * DAY));
        assert_eq!(logs.keys(), expected, "killed after {calls} calls");
        logs.check_days(|kind| before(&world, default_days(kind) * DAY));
        let asked = deletes(&world.take_calls());
        let distinct: BTreeSet<_> = asked.iter().collect();
        let repeated = asked.len() - distinct.len();
        assert!(repeated <= BATCH * CONCURRENCY, "{repeated}, killed after {calls} calls");
        // Whatever was deleted is recorded; what was chosen when it was killed may be recorded twice.
        let records = world.audited(&world.admin, "retention.swept");
        let count =
            |record: &Value| record["changes"]["run_logs"]["to"]["deleted"].as_u64().unwrap();
        let told = usize::try_from(records.iter().map(count).sum::<u64>()).unwrap();
        let most = distinct.len() + BATCH * CONCURRENCY;
        assert!((distinct.len()..=most).contains(&told), "{told}, killed after {calls} calls");
    }
}

#[tokio::test]
async fn of_two_sweeps_at_once_one_works() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 50, 15);
    let _ = world.take_calls();
    let summaries = at_once([sweep(&world), sweep(&world)]).await;
    assert_eq!(summaries.iter().filter(|summary| summary.complete).count(), 1);
    let asked = deletes(&world.take_calls());
    assert_eq!(asked.len(), asked.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(logs.keys(), logs.keys_not_before(|kind| before(&world, default_days(kind) * DAY)));
    assert_eq!(world.audited(&world.admin, "retention.swept").len(), 1);
}

#[tokio::test]
async fn without_the_lease_two_sweeps_at_once_do_no_harm() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 50, 15);
    logs.put(LogKind::AuditLogs, before(&world, 400 * DAY));
    world.gather("BatchGetItem", 2);
    let pass = async || {
        let call = Call::new(&world.app, "sweep-request", None, None);
        let until = world.now().plus_seconds(900);
        let pass = Pass { call: &call, until, dry_run: false };
        pass.run(None).await.unwrap().0
    };
    let (first, second) = tokio::join!(pass(), pass());
    assert!(first.complete && second.complete, "{first:?} {second:?}");
    assert_eq!(logs.keys(), logs.keys_not_before(|kind| before(&world, default_days(kind) * DAY)));
    logs.check_days(|kind| before(&world, default_days(kind) * DAY));
    assert!(!world.audited(&world.admin, "retention.swept").is_empty());
}
