//! What the function asks of the table is what `template.yaml` grants it, and nothing else; and what the
//! stream brings it is what it knows.

use std::{collections::BTreeSet, path::Path};

use local_stack::template::Template;
use serde_json::Value;
use shared::model::{audit::Action, notifications::event::EventName};

use crate::{
    depot::Depot,
    receiver::{Manner, Receiver},
};

fn template() -> Template {
    Template::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")).unwrap()
}

#[tokio::test]
async fn it_is_granted_what_it_uses_and_no_more() {
    let depot = Depot::new().await;
    let gone = Receiver::start(Manner::status(410)).await;
    let first = depot.webhook(&gone.url).await;
    depot.post(&first, "evt-1").await;
    // The first record of the organization's day, too.
    depot.world.clock.advance_minutes(24 * 60);
    let records = depot.world.inserts("DELIVERY#");
    depot.world.forget_accesses();
    // Tried, given up, told of to its creator, for want of another channel.
    depot.hand_over(records).await;
    let used = depot.world.accesses();
    let audits = depot.world.inserts("AUDIT#");
    depot.world.forget_accesses();
    depot.hand_over(audits).await;
    let mut used: BTreeSet<_> = used.into_iter().chain(depot.world.accesses()).collect();
    // An event that a rule leads somewhere, and what is due.
    let receiver = Receiver::start(Manner::status(200)).await;
    let second = depot.webhook(&receiver.url).await;
    depot.rule("notification.*", &[&second]).await;
    let audits = depot.world.inserts("AUDIT#");
    depot.world.forget_accesses();
    depot.hand_over(audits).await;
    depot.run().await;
    used.extend(depot.world.accesses());
    assert_eq!(used, template().functions["notification-delivery"].grants);
}

/// The actions of audit records that the template's filter lets through.
fn filtered() -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml"));
    let text = text.unwrap();
    let line = text.lines().find(|line| line.contains("\"prefix\": \"AUDIT#\"")).unwrap();
    let pattern: Value = serde_json::from_str(line.trim()).unwrap();
    let actions = pattern["dynamodb"]["NewImage"]["action"]["S"].as_array().unwrap();
    actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_stream_brings_the_audit_records_that_are_events_and_no_others() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../infra/openapi/openapi.json")).unwrap();
    let actions = document["components"]["schemas"]["Action"]["enum"].as_array().unwrap();
    let is_event = |action: &&Value| {
        let action: Action = serde_json::from_value((*action).clone()).unwrap();
        EventName::of(action).is_some()
    };
    let events: BTreeSet<_> =
        actions.iter().filter(is_event).map(|it| it.as_str().unwrap().to_owned()).collect();
    assert_eq!(filtered(), events);
}
