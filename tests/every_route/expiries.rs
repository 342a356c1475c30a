//! What answers tell of the session that they were made in.

use harness::{Answer, Fault, World};
use serde_json::json;
use shared::auth::permissions::Scope;

use crate::{
    operation::{Access, Operation, routes},
    table::OPERATIONS,
};

type Told<'a> = (Option<&'a str>, Option<&'a str>);

const NOTHING: Told<'_> = (None, None);

/// What is told of a session that began at 15:00, unless the request is noted as its use.
const BEGUN: Told<'_> = (Some("2026-03-27T16:00:00Z"), Some("2026-03-28T15:00:00Z"));

fn guarded() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.access != Access::Public)
}

fn told(answer: &Answer) -> Told<'_> {
    (answer.header("session-idle-expires"), answer.header("session-expires"))
}

#[tokio::test]
async fn every_success_tells_a_session_when_it_ends() {
    for operation in guarded() {
        let world = World::new().await;
        let client = world.client(routes());
        let request = operation.ready(&world, &client).await;
        world.clock.advance_seconds(75);
        let answer = request.send().await;
        assert_eq!(answer.status, operation.status, "{}: {}", operation.name(), answer.body);
        let expected = match &*operation.name() {
            "POST /api/logout" => NOTHING,
            // Under the policy that it has set.
            "PUT /api/user/session-timeout" => {
                (Some("2026-03-27T15:31:15Z"), Some("2026-03-28T03:00:00Z"))
            }
            _ => (Some("2026-03-27T16:01:15Z"), Some("2026-03-28T15:00:00Z")),
        };
        assert_eq!(told(&answer), expected, "{}", operation.name());
    }
}

#[tokio::test]
async fn every_refusal_of_a_live_session_tells_it_too() {
    for operation in guarded() {
        let world = World::new().await;
        let client = world.client(routes());
        let path = operation.filled(&world).await;
        let caller = operation.caller(&world);
        let token = world.session(caller).await;
        let request = || operation.request(&client, &path).bearer(&token);
        if !operation.body.is_empty() {
            for (body, status) in [("{", 400), ("[]", 422), (&*" ".repeat(65_537), 413)] {
                let answer = request().text(body).send().await;
                assert_eq!((answer.status, told(&answer)), (status, BEGUN), "{}", operation.name());
            }
        }
        if operation.is_write() {
            world.order("TransactWriteItems", Fault::Refused, 3);
            let answer = request().send_any().await;
            assert_eq!((answer.status, told(&answer)), (503, BEGUN), "{}", operation.name());
        }
        // A use that is refused is not noted, so it does not count.
        world.clock.advance_seconds(75);
        world.tamper(&format!("USER#{}#{}", caller.organization_id, caller.user_id), |item| {
            item["roles"] = json!({"L": []});
        });
        if matches!(operation.access, Access::Scope(_)) {
            let answer = request().send().await;
            assert_eq!((answer.status, told(&answer)), (403, BEGUN), "{}", operation.name());
        }
        world.tamper(&format!("ORG#{}", caller.organization_id), |item| {
            item["allowlist"] = json!({"S": "unreadable"});
        });
        let answer = request().send().await;
        assert_eq!((answer.status, told(&answer)), (403, BEGUN), "{}", operation.name());
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_told_nothing() {
    for operation in guarded() {
        let world = World::new().await;
        let client = world.client(routes());
        let request = operation.ready(&world, &client).await;
        world.clock.advance_minutes(60);
        let answer = request.send().await;
        assert_eq!(told(answer.expect(401, "session_idle")), NOTHING);
    }
}

#[tokio::test]
async fn a_key_and_a_stranger_are_told_nothing() {
    for operation in &OPERATIONS {
        let world = World::new().await;
        let client = world.client(routes());
        let path = operation.filled(&world).await;
        let key = world.api_key(operation.caller(&world), Scope::ALL).await;
        let by_key = operation.request(&client, &path).bearer(&key).send().await;
        let status = if operation.access == Access::Session { 403 } else { operation.status };
        assert_eq!((by_key.status, told(&by_key)), (status, NOTHING), "{}", operation.name());
        let world = World::new().await;
        let client = world.client(routes());
        let path = operation.filled(&world).await;
        let anonymous = operation.request(&client, &path).send().await;
        let status = if operation.access == Access::Public { operation.status } else { 401 };
        assert_eq!((anonymous.status, told(&anonymous)), (status, NOTHING), "{}", operation.name());
    }
}
