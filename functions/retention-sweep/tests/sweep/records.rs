//! What the sweep deletes, and what it leaves.

use crate::logs::{ALL, DAY, Logs, before, handle, run_days, sweep};
use harness::{Fault, World};
use retention_sweep::Invocation;
use serde_json::json;
use shared::{clock::Timestamp, model::retention::LogKind, store::BATCH};

#[tokio::test]
async fn what_is_over_its_days_goes_and_what_is_not_stays_to_the_millisecond() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    for (kind, days) in
        [(LogKind::RunLogs, 30), (LogKind::AuditLogs, 365), (LogKind::DiagnosticArtifacts, 7)]
    {
        let cut_off = before(&world, days * DAY);
        for offset in [-400 * DAY, -DAY, -1, 0, 1, DAY, 5 * DAY] {
            logs.put(kind, cut_off.plus_milliseconds(offset));
        }
    }
    let expected =
        logs.keys_not_before(|kind| before(&world, crate::logs::default_days(kind) * DAY));
    let summary = sweep(&world).await;
    assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
    assert_eq!(logs.keys(), expected);
    let told = serde_json::to_value(&summary).unwrap();
    assert_eq!(told["organizations"].as_array().unwrap().len(), 1);
    let kinds = &told["organizations"][0]["kinds"];
    for kind in ALL {
        assert_eq!(kinds[kind.name()]["deleted"], 3);
        assert_eq!(kinds[kind.name()]["held"], false);
    }
    assert_eq!(kinds["diagnostic_artifacts"]["cut_off"], "2026-03-20T15:00:00Z");
    let records = world.audited(&world.admin, "retention.swept");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "retention_sweep"}));
    let after = json!({"deleted": 3, "cut_off": "2026-02-25T15:00:00Z"});
    assert_eq!(record["changes"]["run_logs"], json!({"from": null, "to": after}));
    logs.check_days(|kind| before(&world, crate::logs::default_days(kind) * DAY));
}

#[tokio::test]
async fn a_second_sweep_finds_nothing_and_leaves_no_record() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 3);
    sweep(&world).await;
    let (before, keys) = (world.audited(&world.admin, "retention.swept").len(), logs.keys());
    let summary = sweep(&world).await;
    assert!(summary.complete && summary.organizations.is_empty());
    assert_eq!(world.audited(&world.admin, "retention.swept").len(), before);
    assert_eq!(logs.keys(), keys);
}

#[tokio::test]
async fn an_idle_pass_is_one_query_an_organization() {
    let world = World::new().await;
    let _ = world.take_calls();
    sweep(&world).await;
    let calls: Vec<_> = world.take_calls().into_iter().map(|(name, _)| name).collect();
    // The lease, the list, the organizations in one call, a query for each of two, the lease.
    let expected = ["UpdateItem", "Query", "BatchGetItem", "Query", "Query", "UpdateItem"];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn batches_are_full_and_little_is_read_beside_what_is_deleted() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 40);
    let before = logs.keys().len();
    let _ = world.take_calls();
    sweep(&world).await;
    let deleted = before - logs.keys().len();
    let calls = world.take_calls();
    let batches: Vec<_> = calls
        .iter()
        .filter(|(name, _)| name == "BatchWriteItem")
        .flat_map(|(_, body)| body["RequestItems"].as_object().unwrap().values())
        .filter(|items| !items.to_string().contains("LOGDAYS#"))
        .map(|items| items.as_array().unwrap().len())
        .collect();
    assert_eq!(batches.iter().sum::<usize>(), deleted);
    assert!(deleted * 100 >= batches.len() * 25 * 95, "{deleted} in {} batches", batches.len());
    // Pages ask for no more than is deleted, and for the keys alone.
    for (_, body) in calls.iter().filter(|(name, _)| name == "Query") {
        if body.to_string().contains("RUNLOG#") {
            assert_eq!(body["ProjectionExpression"], "SK");
        }
    }
    // What the log tells of it is what was asked of the table.
    let lines = world.log.lines();
    let line = lines.iter().find(|line| line.contains("\"swept\"")).unwrap();
    let told: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(told["calls"], calls.len());
    assert_eq!((&told["sent"], &told["batches"]), (&json!(deleted), &json!(batches.len())));
    let (read, deleted) =
        (told["read"].as_f64().unwrap(), f64::from(u32::try_from(deleted).unwrap()));
    assert!(read / deleted <= 1.05, "{read} read, {deleted} deleted");
    let units = told["units"].as_f64().unwrap();
    assert!(units / deleted <= 1.15, "{units} units, {deleted} deleted");
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 3);
    let before = world.dump();
    let dry = handle(&world, json!({"dry_run": true})).await;
    assert_eq!(world.dump(), before);
    let real = sweep(&world).await;
    let told = |summary| serde_json::to_value(summary).unwrap();
    assert_eq!(told(dry), told(real));
}

#[tokio::test]
async fn another_event_is_refused() {
    let world = World::new().await;
    for event in [json!(null), json!([]), json!({"dry_run": 1}), json!({"dry": true})] {
        let refused = crate::logs::try_handle(&world, event).await.unwrap_err();
        assert_eq!(refused.code(), "validation_failed");
    }
}

#[tokio::test]
async fn at_its_deadline_it_stops_and_the_next_goes_on() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 20);
    let all = logs.keys().len();
    let clock = world.clock.clone();
    world.intrude("BatchWriteItem", move || clock.advance_minutes(15));
    let first = sweep(&world).await;
    assert!(!first.complete && first.lag_seconds == Some(900), "{first:?}");
    assert_eq!(all - logs.keys().len(), 5 * BATCH);
    assert_eq!(world.audited(&world.admin, "retention.swept").len(), 1);
    let second = sweep(&world).await;
    assert!(second.complete && second.lag_seconds == Some(0), "{second:?}");
    assert_eq!(
        logs.keys(),
        logs.keys_not_before(|kind| before(&world, crate::logs::default_days(kind) * DAY))
    );
}

#[tokio::test]
async fn a_deadline_that_has_passed_before_it_begins_is_none() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 5);
    let deadline = Timestamp::from_millisecond(600_000);
    let invocation = Invocation { request_id: "by-hand", deadline };
    let summary = retention_sweep::handle(&world.app, invocation, json!({})).await.unwrap();
    assert!(summary.complete, "{summary:?}");
    assert_eq!(
        logs.keys(),
        logs.keys_not_before(|kind| before(&world, crate::logs::default_days(kind) * DAY))
    );
}

#[tokio::test]
async fn what_the_table_leaves_undone_is_sent_again() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 60, 20);
    world.order("BatchWriteItem", Fault::Unprocessed, 10);
    world.order("BatchWriteItem", Fault::Throttled, 10);
    world.order("BatchWriteItem", Fault::AnswerLost, 2);
    let summary = sweep(&world).await;
    assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
    assert_eq!(
        logs.keys(),
        logs.keys_not_before(|kind| before(&world, crate::logs::default_days(kind) * DAY))
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_skipped_and_swept_the_next_time() {
    let world = World::new().await;
    let (acme, globex) = (Logs::of(&world, &world.admin), Logs::of(&world, &world.stranger));
    run_days(&acme, &world, 40, 1);
    run_days(&globex, &world, 40, 1);
    world.order_after("BatchGetItem", "Query", Fault::Throttled, 6);
    let summary = sweep(&world).await;
    assert_eq!((summary.skipped.len(), summary.complete), (2, true));
    assert_eq!(acme.keys().len() + globex.keys().len(), 80);
    let summary = sweep(&world).await;
    assert!(summary.skipped.is_empty() && acme.keys().len() + globex.keys().len() == 60);
}

#[tokio::test]
async fn an_organization_that_does_not_decode_is_skipped_and_the_rest_goes_on() {
    let world = World::new().await;
    let (acme, globex) = (Logs::of(&world, &world.admin), Logs::of(&world, &world.stranger));
    run_days(&acme, &world, 40, 1);
    run_days(&globex, &world, 40, 1);
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper(&partition, |item| item["retention"] = json!({"S": "?"}));
    world.put(&json!({"PK": {"S": "ORGS#ALL"}, "SK": {"S": "nonsense"}}));
    let summary = sweep(&world).await;
    assert_eq!(summary.skipped, [world.admin.organization_id]);
    assert_eq!((acme.keys().len(), globex.keys().len()), (40, 30));
    assert!(world.log.lines().join("").contains("does not decode"));
}

#[tokio::test]
async fn a_record_whose_key_tells_no_time_stays_and_the_rest_goes() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    run_days(&logs, &world, 40, 1);
    let day = before(&world, 35 * DAY).day();
    let partition = format!("RUNLOG#{}#{day}", world.admin.organization_id);
    for sort in
        ["run_", "nonsense", "run_01KMQXXXXXXXXXXXXXXXXXXXXX", "art_00000000000000000000000000"]
    {
        world.put(&json!({"PK": {"S": partition}, "SK": {"S": sort}}));
    }
    let summary = sweep(&world).await;
    assert_eq!(summary.skipped, [world.admin.organization_id]);
    assert_eq!((logs.keys().len(), world.items_under(&partition).len()), (30, 4));
    assert!(logs.days().contains(&format!("run#{day}")));
}

#[tokio::test]
async fn a_record_in_an_older_day_than_its_own_goes_by_its_own_time() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    logs.put_into(LogKind::RunLogs, before(&world, DAY), &before(&world, 60 * DAY).day());
    assert!(sweep(&world).await.complete);
    assert_eq!(logs.keys().len(), 1);
}
