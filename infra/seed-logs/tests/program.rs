//! The program beside a stack: one that runs, with a stream on its table, and none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::path::Path;

use harness::World;
use local_stack::{engine::Engine, place::Place, template::Template};
use seed_logs::seed::store_at;
use shared::{
    call::Call,
    clock::{Clock as _, SystemClock},
    model::{
        audit::{Action, Actor, Changes},
        retention::LogKind,
    },
};
use tokio::process::Command;

/// Runs the program in a folder; whether it succeeded, and what it said.
async fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seed-logs"));
    let output = command.args(arguments).current_dir(folder).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn without_a_stack_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let said = "seed-logs: the local stack is not running, or not ready; start it with `make dev` in another terminal\n";
    assert_eq!(run(folder.path(), &["N=10"]).await, (false, said.to_owned()));
    // Not even where one has run.
    drop(Place::take(&folder.path().join(".local")).unwrap());
    assert_eq!(run(folder.path(), &["N=10"]).await, (false, said.to_owned()));
    let (_, said) = run(folder.path(), &["N=0"]).await;
    assert_eq!(
        said,
        "seed-logs: N must be a number from 1 to 10000000: make seed-logs N=1000000\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_stack_it_fills_the_demo_organization_s_logs() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::take(&folder.path().join(".local")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let template = Template::load(&root.join("template.yaml")).unwrap();
    let engine = Engine::start(&place.data("table.db"), &template).await.unwrap();
    place.tell_table(&engine.url).unwrap();
    let (_, said) = run(folder.path(), &["N=10"]).await;
    assert!(said.contains(".local/demo.env names no organization yet"), "{said}");

    let (world, store) = (World::new().await, store_at(&engine.url));
    let id = world.admin.organization_id;
    let organization = world.app.store.read_organization(id).await.unwrap().unwrap();
    let missing = format!("ORG={id}");
    let (_, said) = run(folder.path(), &["N=10", &missing]).await;
    assert_eq!(said, format!("seed-logs: there is no organization {id}\n"));

    let admin = world.user(&world.admin).await;
    let call = Call::new(&world.app, "set-up", None, None);
    let audit = || call.audit(id, Actor::Operator, Action::UserCreated, id, Changes::default());
    let audits = [&audit(), &audit()];
    store.create_organization(&organization, &admin, "", audits, &*call.random).await.unwrap();
    std::fs::write(place.demo_env(), format!("API_URL=x\nORG_ID={id}\n")).unwrap();
    let (done, said) = run(folder.path(), &["N=90", "ORG=", "KIND=run_logs", "DAYS=3"]).await;
    assert!(done, "{said}");
    assert!(said.contains(&format!("==> 90 records for {} ({id})\n", organization.name)), "{said}");
    assert!(said.contains("    90 of 90, ") && said.ends_with("==> done\n"), "{said}");
    let (now, mut found) = (SystemClock.now(), 0);
    for day in store.log_days(id).await.unwrap().days {
        if day.kind == LogKind::RunLogs {
            found += store.log_page(id, &day, now, None).await.unwrap().keys.len();
        }
    }
    assert_eq!(found, 90);
}
