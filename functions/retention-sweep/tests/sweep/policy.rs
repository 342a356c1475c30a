//! What the sweep asks of the table is what `template.yaml` grants it, and nothing else.

use std::path::Path;

use crate::logs::{ALL, DAY, Logs, before, sweep};
use harness::World;
use local_stack::template::Template;

#[tokio::test]
async fn it_is_granted_what_it_uses_and_no_more() {
    let world = World::new().await;
    let logs = Logs::of(&world, &world.admin);
    // The first record of the organization's day, too.
    world.clock.advance_minutes(24 * 60);
    for kind in ALL {
        logs.put(kind, before(&world, 400 * DAY));
    }
    world.forget_accesses();
    assert!(sweep(&world).await.complete);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let functions = Template::load(&root.join("template.yaml")).unwrap().functions;
    assert_eq!(world.accesses(), functions["retention-sweep"].grants);
}
