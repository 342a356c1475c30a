//! What a legal hold keeps.

use crate::logs::{DAY, Logs, before, run_days, sweep};
use harness::World;
use retention_sweep::organization::CONCURRENCY;
use serde_json::json;
use shared::{model::retention::LogKind, store::BATCH};

/// Places a hold on the run logs just before the next call of that name sets out.
fn hold_before(call: &'static str, world: &World) {
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper_before(call, partition, |item| {
        item["holds"] = json!({"L": [{"M": {
            "kind": {"S": "run_logs"}, "case": {"S": "C-1"}, "placed_at": {"N": "1"},
        }}]});
    });
}

#[tokio::test]
async fn held_logs_stay_and_are_told() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 2);
    logs.put(LogKind::DiagnosticArtifacts, before(&world, 8 * DAY));
    logs.hold(LogKind::RunLogs);
    let runs = logs.keys_of(LogKind::RunLogs);
    let told = serde_json::to_value(sweep(&world).await).unwrap();
    let kinds = &told["organizations"][0]["kinds"];
    assert_eq!(
        (&kinds["run_logs"]["held"], &kinds["run_logs"]["deleted"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(kinds["diagnostic_artifacts"]["deleted"], 1);
    assert_eq!(logs.keys_of(LogKind::RunLogs), runs);
}

#[tokio::test]
async fn a_hold_placed_while_the_sweep_is_at_work_holds_from_the_next_round_on() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 20);
    let before = logs.keys().len();
    // The first round was looked for already: it goes, and the second does not.
    world.intrude(".GetItem", || ());
    hold_before(".GetItem", &world);
    let summary = sweep(&world).await;
    assert_eq!(summary.skipped, [world.admin.organization_id]);
    assert_eq!(before - logs.keys().len(), 5 * BATCH);
}

#[tokio::test]
async fn a_hold_placed_before_the_first_round_is_deleted_leaves_everything_and_no_record() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 5);
    let before = logs.keys();
    // Once its days are chosen: `BatchGetItem` is another call.
    hold_before(".GetItem", &world);
    let summary = sweep(&world).await;
    assert_eq!(summary.skipped, [world.admin.organization_id]);
    assert_eq!(logs.keys(), before);
    assert_eq!(world.audited(&world.admin, "retention.swept").len(), 0);
    // What was counted and not deleted is not told later.
    let counts = format!("LOGDAYS#{}", world.admin.organization_id);
    assert!(world.items_under(&counts).iter().all(|item| item["SK"] != "sweep"));
}

#[tokio::test]
async fn what_a_killed_sweep_had_counted_and_a_hold_then_keeps_is_not_told() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    for index in 0..600 {
        logs.put(LogKind::RunLogs, before(&world, 40 * DAY - index));
    }
    // Its one page is counted, and not all of it is deleted.
    assert!(world.until_death(20, sweep(&world)).await.is_none());
    logs.hold(LogKind::RunLogs);
    world.clock.advance_minutes(16);
    let summary = sweep(&world).await;
    assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
    let deleted = 600 - logs.keys().len();
    assert!(deleted > 0 && deleted < 600, "{deleted}");
    let records = world.audited(&world.admin, "retention.swept");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"]["run_logs"]["to"]["deleted"], deleted);
}

#[tokio::test]
async fn a_hold_placed_at_any_time_stops_all_but_the_batches_on_their_way() {
    for sent in [1, 7, 16, 23] {
        let world = World::new().await;
        let logs = Logs::of(&world, &world.admin);
        run_days(&logs, &world, 55, 50);
        let before = logs.keys().len();
        for _ in 0..sent {
            world.intrude("BatchWriteItem", || ());
        }
        hold_before("BatchWriteItem", &world);
        let summary = sweep(&world).await;
        assert_eq!(summary.skipped, [world.admin.organization_id]);
        let after = before - logs.keys().len() - sent * BATCH;
        assert!(after <= BATCH * CONCURRENCY, "{after} after {sent} batches");
    }
}
