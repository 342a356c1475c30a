//! The table fails: a 503 with `Retry-After`, nothing half-written, and the next request works.

use harness::{Fault, World};
use serde_json::json;

use crate::{
    operation::{Access, Operation, routes},
    table::OPERATIONS,
};

const FAULTS: [Fault; 4] = [Fault::Throttled, Fault::ServerError, Fault::TimedOut, Fault::Refused];

/// How often the SDK tries a call.
const ATTEMPTS: usize = 3;

/// How often a transaction is tried that meets another one.
const TRANSACTION_ATTEMPTS: usize = 5;

const fn first_call(operation: &Operation) -> &'static str {
    match operation.access {
        Access::Public => "GetItem",
        _ => "BatchGetItem",
    }
}

/// Sends the operation's request while `call` fails, and again when it has healed.
async fn fails(operation: &Operation, call: &'static str, fault: Fault, times: usize) {
    let world = World::new().await;
    let client = world.client(routes());
    let (path, token) =
        (operation.filled(&world).await, world.session(operation.caller(&world)).await);
    let request = || {
        let request = operation.request(&client, &path);
        if operation.access == Access::Public { request } else { request.bearer(&token) }
    };
    let before = world.dump();
    world.order(call, fault, times);
    let answer = request().send_any().await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{fault:?} {call}");
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(world.dump(), before, "{} {fault:?} {call}", operation.name());
    world.heal();
    let answer = request().send().await;
    assert_eq!(answer.status, operation.status, "{} {fault:?} {call}", operation.name());
}

#[tokio::test]
async fn the_first_read_fails() {
    for operation in &OPERATIONS {
        for fault in FAULTS {
            fails(operation, first_call(operation), fault, ATTEMPTS).await;
        }
    }
}

#[tokio::test]
async fn a_batch_comes_back_unread() {
    for operation in &OPERATIONS {
        fails(operation, "BatchGetItem", Fault::Unprocessed, 1).await;
    }
}

#[tokio::test]
async fn the_transaction_fails() {
    for operation in OPERATIONS.iter().filter(|operation| operation.is_write()) {
        for fault in FAULTS {
            fails(operation, "TransactWriteItems", fault, ATTEMPTS).await;
        }
        fails(operation, "TransactWriteItems", Fault::Conflict, TRANSACTION_ATTEMPTS).await;
    }
}

#[tokio::test]
async fn what_fails_once_is_tried_again_and_written_once() {
    for operation in OPERATIONS.iter().filter(|operation| operation.is_write()) {
        for fault in [Fault::Throttled, Fault::TimedOut, Fault::Conflict] {
            let world = World::new().await;
            let client = world.client(routes());
            let request = operation.ready(&world, &client).await;
            let before = world.audit(world.viewer.organization_id).len();
            world.order("TransactWriteItems", fault, 1);
            let answer = request.send().await;
            assert_eq!(answer.status, operation.status, "{} {fault:?}", operation.name());
            let after = world.audit(world.viewer.organization_id).len();
            assert_eq!(after, before + 1, "{} {fault:?}", operation.name());
        }
    }
}

#[tokio::test]
async fn what_writes_leaves_one_audit_record_of_the_very_request() {
    for operation in OPERATIONS.iter().filter(|operation| operation.is_write()) {
        let world = World::new().await;
        let client = world.client(routes());
        let request = operation.ready(&world, &client).await;
        let before = world.audit(world.viewer.organization_id);
        let answer = request.send().await;
        assert_eq!(answer.status, operation.status, "{}: {}", operation.name(), answer.body);
        let mut new = world.audit(world.viewer.organization_id);
        new.retain(|record| !before.contains(record));
        let [record] = &new[..] else { panic!("{}: {new:?}", operation.name()) };
        let name = record["action"].as_str().unwrap();
        assert!(!name.is_empty(), "{}", operation.name());
        assert_eq!(record["request_id"].as_str(), answer.header("x-request-id"), "{name}");
    }
}

#[tokio::test]
async fn an_item_that_does_not_decode_is_a_constant_500_and_a_log_line_that_names_it() {
    let mut bodies = std::collections::BTreeSet::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.access != Access::Public) {
        let world = World::new().await;
        let client = world.client(routes());
        let request = operation.ready(&world, &client).await;
        let caller = operation.caller(&world);
        let key = format!("USER#{}#{}", caller.organization_id, caller.user_id);
        world.tamper(&key, |item| item["timezone"] = json!({"N": "5550100"}));
        let before = world.dump();
        let answer = request.send_any().await;
        assert_eq!((answer.status, answer.code()), (500, "internal_error"));
        bodies.insert(answer.bytes);
        assert_eq!(world.dump(), before);
        let lines = world.log.lines().join("\n");
        assert!(lines.contains(&format!("user {key}/USER does not decode")), "{lines}");
        assert!(!lines.contains("5550100"), "{lines}");
    }
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_use_that_cannot_be_noted_fails_no_request() {
    for operation in OPERATIONS.iter().filter(|operation| operation.access != Access::Public) {
        let world = World::new().await;
        let client = world.client(routes());
        let (path, token) =
            (operation.filled(&world).await, world.session(operation.caller(&world)).await);
        world.clock.advance_seconds(60);
        world.order("UpdateItem", Fault::Throttled, ATTEMPTS);
        let answer = operation.request(&client, &path).bearer(&token).send().await;
        assert_eq!(answer.status, operation.status, "{}: {}", operation.name(), answer.body);
        assert!(answer.touched);
    }
}
