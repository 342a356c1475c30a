//! The line that the alarm's metric is taken from.

use crate::logs::{Logs, before, run_days, sweep};
use harness::{Fault, World};
use retention_sweep::{metric, summary::Summary};
use shared::model::retention::LogKind;

fn line(world: &World, summary: &Summary) -> Option<String> {
    let line = metric::line(summary, "settings-retention-sweep", &*world.app.clock);
    line.map(|line| line.to_string())
}

/// The line of a lag, byte for byte as CloudWatch is to read it.
fn expected(world: &World, lag: i64) -> String {
    let now = world.now().as_millisecond();
    format!(
        "{{\"FunctionName\":\"settings-retention-sweep\",\"LagSeconds\":{lag},\"_aws\":{{\
         \"CloudWatchMetrics\":[{{\"Dimensions\":[[\"FunctionName\"]],\
         \"Metrics\":[{{\"Name\":\"LagSeconds\",\"Unit\":\"Seconds\"}}],\
         \"Namespace\":\"SettingsApi/Retention\"}}],\"Timestamp\":{now}}}}}"
    )
}

#[tokio::test]
async fn it_is_of_cloudwatch_s_embedded_form() {
    let world = World::new().await;
    assert_eq!(world.now().as_millisecond(), 1_774_623_600_000);
    assert_eq!(line(&world, &sweep(&world).await), Some(expected(&world, 0)));
}

#[tokio::test]
async fn the_lag_is_the_time_since_a_sweep_last_left_nothing_undone() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    assert_eq!(sweep(&world).await.lag_seconds, Some(0));
    run_days(&logs, &world, 40, 1);
    for hours in 1..=3 {
        world.clock.advance_minutes(60);
        // No look at the organization after the first read of it: whatever it has stays.
        world.order_after("BatchGetItem", "Query", Fault::Throttled, 6);
        let summary = sweep(&world).await;
        assert_eq!(summary.skipped.len(), 2);
        world.heal();
        assert_eq!(line(&world, &summary), Some(expected(&world, hours * 3600)));
    }
    world.clock.advance_minutes(60);
    assert_eq!(line(&world, &sweep(&world).await), Some(expected(&world, 0)));
    assert_eq!(logs.keys_of(LogKind::RunLogs).len(), 29);
    // It is reckoned from the last clean one, and not from before it.
    world.clock.advance_minutes(60);
    world.order_after("BatchGetItem", "Query", Fault::Throttled, 6);
    assert_eq!(sweep(&world).await.lag_seconds, Some(3600));
}

#[tokio::test]
async fn a_sweep_that_finds_another_at_work_has_none() {
    let world = World::new().await;
    let now = world.now();
    let lease = world.app.store.take_sweep_lease("another", now, before(&world, -60_000)).await;
    assert!(lease.unwrap().is_some());
    assert_eq!(line(&world, &sweep(&world).await), None);
}
