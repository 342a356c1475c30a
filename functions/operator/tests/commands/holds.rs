//! `place_hold` and `release_hold`

use harness::{Fault, World};
use serde_json::{Value, json};
use shared::model::retention::LogKind;

async fn run(world: &World, action: &str, kind: &str, case: &str) -> Result<Value, String> {
    let command = json!({
        "action": action, "organization_id": world.admin.organization_id, "kind": kind, "case": case,
    });
    match operator::handle(&world.app, "operator-request", command).await {
        Ok(answer) => Ok(answer["data"].clone()),
        Err(refused) => Err(lambda_runtime::Diagnostic::from(refused).error_type),
    }
}

async fn held(world: &World, kind: LogKind) -> bool {
    world.principal(&world.admin).await.organization.holds(kind)
}

#[tokio::test]
async fn a_kind_is_held_until_every_case_has_released_it() {
    let world = World::new().await;
    run(&world, "place_hold", "run_logs", "C-1").await.unwrap();
    let data = run(&world, "place_hold", "run_logs", "C-2").await.unwrap();
    let now = world.now().to_string();
    assert_eq!(data["holds"][1], json!({"kind": "run_logs", "case": "C-2", "placed_at": now}));
    assert!(held(&world, LogKind::RunLogs).await && !held(&world, LogKind::AuditLogs).await);
    let before = world.dump();
    run(&world, "place_hold", "run_logs", "C-1").await.unwrap();
    assert_eq!(world.dump(), before);
    run(&world, "release_hold", "run_logs", "C-1").await.unwrap();
    assert!(held(&world, LogKind::RunLogs).await);
    run(&world, "release_hold", "run_logs", "C-2").await.unwrap();
    assert!(!held(&world, LogKind::RunLogs).await);
    let placed = world.audited(&world.admin, "log_hold.placed");
    assert_eq!(placed[0]["changes"], json!({"run_logs": {"from": null, "to": "C-1"}}));
    let released = world.audited(&world.admin, "log_hold.released");
    assert_eq!(released[1]["changes"], json!({"run_logs": {"from": "C-2", "to": null}}));
}

#[tokio::test]
async fn what_cannot_be_held_or_released_is_refused() {
    let world = World::new().await;
    let before = world.dump();
    let code = async |action, kind, case| run(&world, action, kind, case).await.unwrap_err();
    assert_eq!(code("release_hold", "run_logs", "C-1").await, "not_found");
    assert_eq!(code("place_hold", "logs", "C-1").await, "validation_failed");
    assert_eq!(code("place_hold", "run_logs", "").await, "validation_failed");
    world.order("TransactWriteItems", Fault::Throttled, 3);
    assert_eq!(code("place_hold", "run_logs", "C-1").await, "unavailable");
    assert_eq!(world.dump(), before);
    for case in 0..50 {
        run(&world, "place_hold", "run_logs", &case.to_string()).await.unwrap();
    }
    assert_eq!(code("place_hold", "audit_logs", "one more").await, "limit_reached");
}

#[tokio::test]
async fn changes_meanwhile_keep_no_command_from_being_carried_out_unless_they_keep_coming() {
    let world = World::new().await;
    let overtake = |times: u64| {
        for version in 0..times {
            let partition = format!("ORG#{}", world.admin.organization_id);
            world.tamper_before("TransactWriteItems", partition, move |item| {
                item["version"] = json!({"N": (version + 100).to_string()});
            });
        }
    };
    overtake(2);
    run(&world, "place_hold", "run_logs", "C-1").await.unwrap();
    assert!(held(&world, LogKind::RunLogs).await);
    assert_eq!(world.audited(&world.admin, "log_hold.placed").len(), 1);
    overtake(2);
    run(&world, "release_hold", "run_logs", "C-1").await.unwrap();
    assert!(!held(&world, LogKind::RunLogs).await);
    overtake(100);
    assert_eq!(run(&world, "place_hold", "run_logs", "C-1").await.unwrap_err(), "edit_conflict");
    assert!(!held(&world, LogKind::RunLogs).await);
}
