//! What is seeded has the documented layout, and the sweep finds it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use harness::{Fault, World};
use retention_sweep::Invocation;
use seed_logs::{plan::Plan, seed::seed};
use serde_json::{Value, json};
use shared::{ids::AuditId, model::retention::LogKind};

const KINDS: [(LogKind, &str, &str, u32); 3] = [
    (LogKind::RunLogs, "RUNLOG", "run", 30),
    (LogKind::AuditLogs, "AUDIT", "audit", 365),
    (LogKind::DiagnosticArtifacts, "ARTIFACT", "artifact", 7),
];

/// Seeds, and answers with how many records each batch left there.
async fn fill(world: &World, arguments: &[&str]) -> Vec<u64> {
    let plan = Plan::of(arguments.iter().copied()).unwrap();
    let store = &world.app.store;
    let organization = store.read_organization(world.admin.organization_id).await.unwrap().unwrap();
    let (random, mut told) = (world.app.random.clone(), Vec::new());
    seed(store, &organization, &plan, world.now(), random, |count| told.push(count)).await.unwrap();
    told
}

/// The items that were seeded, by partition.
fn seeded(world: &World, partition: &str) -> Vec<Value> {
    let mut items = world.items_under(&format!("{partition}#{}", world.admin.organization_id));
    // What the world itself has recorded is not.
    items.retain(|item| item["request_id"].is_null() || item["request_id"] == "seed-logs");
    items
}

#[tokio::test]
async fn records_of_all_kinds_lie_in_their_days_half_of_them_over() {
    let world = World::new().await;
    let told = fill(&world, &["N=600"]).await;
    assert_eq!((told.len(), told.last()), (24, Some(&600)));
    let days = world.items_under(&format!("LOGDAYS#{}", world.admin.organization_id));
    for (kind, partition, index, kept) in KINDS {
        let items = seeded(&world, partition);
        assert_eq!(items.len(), 200, "{partition}");
        let cut_off = world.now().plus_seconds(-86_400 * i64::from(kept));
        let mut over = 0;
        for item in &items {
            let sort = item["SK"].as_str().unwrap();
            let id: AuditId = format!("aud_{}", &sort[4..]).parse().unwrap();
            let day = id.created_at().day();
            let partition = format!("{partition}#{}#{day}", world.admin.organization_id);
            assert_eq!(item["PK"], partition.as_str());
            assert!(days.iter().any(|entry| entry["SK"] == format!("{index}#{day}").as_str()));
            over += u32::from(id.created_at() < cut_off);
        }
        assert_eq!(over, 100, "{}", kind.name());
    }
}

#[tokio::test]
async fn the_sweep_deletes_what_is_over_and_leaves_the_rest() {
    let world = World::new().await;
    fill(&world, &["N=600"]).await;
    let deadline = world.now().plus_seconds(900);
    let invocation = Invocation { request_id: "sweep", deadline };
    let summary = retention_sweep::handle(&world.app, invocation, json!({})).await.unwrap();
    assert!(summary.complete && summary.skipped.is_empty(), "{summary:?}");
    let told = serde_json::to_value(&summary).unwrap();
    for (kind, partition, _, _) in KINDS {
        let kinds = &told["organizations"][0]["kinds"];
        assert_eq!(kinds[kind.name()]["deleted"], 100, "{kinds}");
        assert_eq!(seeded(&world, partition).len(), 100);
    }
}

#[tokio::test]
async fn audit_records_are_such_as_the_log_can_tell() {
    let world = World::new().await;
    fill(&world, &["N=30", "KIND=audit_logs", "DAYS=2"]).await;
    let records = world.audited(&world.admin, "organization.entitlements_updated");
    assert_eq!(records.iter().filter(|it| it["request_id"] == "seed-logs").count(), 30);
    let at = world.now().plus_seconds(-86_400);
    let range = AuditId::first_at(at.start_of_day())..AuditId::first_at(world.now());
    let store = &world.app.store;
    let day = store.audit_records(world.admin.organization_id, at, range, 100).await.unwrap();
    assert!(!day.entries.is_empty() && day.entries.iter().all(|entry| entry.record.is_some()));
}

#[tokio::test]
async fn a_second_run_adds_to_the_first() {
    let world = World::new().await;
    for _ in 0..2 {
        fill(&world, &["N=100", "KIND=run_logs", "DAYS=3"]).await;
    }
    assert_eq!(seeded(&world, "RUNLOG").len(), 200);
    assert_eq!(seeded(&world, "ARTIFACT").len(), 0);
}

#[tokio::test]
async fn what_the_table_leaves_undone_is_sent_again() {
    let world = World::new().await;
    world.order("BatchWriteItem", Fault::Unprocessed, 5);
    world.order("BatchWriteItem", Fault::Throttled, 5);
    fill(&world, &["N=500", "KIND=run_logs", "DAYS=3"]).await;
    assert_eq!(seeded(&world, "RUNLOG").len(), 500);
}
