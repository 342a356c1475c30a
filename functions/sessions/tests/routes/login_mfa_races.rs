//! `POST /api/login/mfa`: a challenge and a code are each good once, however many ask at once.

use harness::{Answer, Client, Person, World, at_once};
use serde_json::{Value, json};
use shared::ids::ChallengeId;

async fn complete(client: &Client<'_>, id: ChallengeId, code: &str) -> Answer {
    let body = json!({"challenge_id": id, "code": code});
    client.post("/api/login/mfa").json(body).send().await
}

/// Answers challenges with codes, all of them read before the first is written; what is told.
async fn race(world: &World, attempts: &[(ChallengeId, &str)]) -> Vec<(u16, String)> {
    let client = world.client(sessions::router());
    world.gather("TransactWriteItems", attempts.len());
    let answers = at_once(attempts.iter().map(|(id, code)| complete(&client, *id, code))).await;
    let mut told: Vec<_> =
        answers.iter().map(|answer| (answer.status, answer.code().to_owned())).collect();
    told.sort();
    told
}

fn failures(world: &World, person: &Person) -> usize {
    let partition = format!("FAILURES#{}#{}", person.organization_id, person.user_id);
    let budgets = world.items_under(&partition);
    let of = |budget: &Value| budget["failures"].as_array().map_or(0, Vec::len);
    budgets.iter().map(of).sum()
}

fn told(first: (u16, &str), second: (u16, &str)) -> Vec<(u16, String)> {
    [first, second].map(|(status, code)| (status, code.to_owned())).into()
}

#[tokio::test]
async fn of_two_codes_for_one_challenge_one_begins_a_session_and_the_other_is_not_spent() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let id = world.challenge(&world.viewer, 0).await;
    let attempts = [(id, &*codes[0]), (id, &*codes[1])];
    assert_eq!(race(&world, &attempts).await, told((200, ""), (404, "not_found")));
    assert_eq!(world.user(&world.viewer).await.sessions.len(), 1);
    assert_eq!(
        world.items_under("MFA#")[0]["backup_codes"].as_object().map(serde_json::Map::len),
        Some(9)
    );
    assert_eq!(failures(&world, &world.viewer), 0);
}

#[tokio::test]
async fn one_code_for_one_challenge_sent_twice_begins_one_session() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (id, code) = (world.challenge(&world.viewer, 0).await, world.code());
    let attempts = [(id, &*code), (id, &*code)];
    assert_eq!(race(&world, &attempts).await, told((200, ""), (404, "not_found")));
    assert_eq!(world.user(&world.viewer).await.sessions.len(), 1);
}

#[tokio::test]
async fn one_code_for_two_challenges_begins_one_session_and_is_charged_once() {
    for by_backup_code in [false, true] {
        let world = World::new().await;
        let codes = world.enable_mfa(&world.viewer).await;
        // The address is known then: what the two have in common is the code alone.
        let earlier = world.challenge(&world.viewer, 9).await;
        complete(&world.client(sessions::router()), earlier, &codes[9]).await.expect(200, "");
        let code = if by_backup_code { codes[0].clone() } else { world.code() };
        let (first, second) =
            (world.challenge(&world.viewer, 0).await, world.challenge(&world.viewer, 1).await);
        let attempts = [(first, &*code), (second, &*code)];
        assert_eq!(race(&world, &attempts).await, told((200, ""), (401, "invalid_code")));
        assert_eq!(world.user(&world.viewer).await.sessions.len(), 2);
        assert_eq!(failures(&world, &world.viewer), 1);
        assert_eq!(world.items_under("CHALLENGE#").len(), 1);
    }
}

#[tokio::test]
async fn two_codes_for_two_challenges_begin_two_sessions() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let (first, second) =
        (world.challenge(&world.viewer, 0).await, world.challenge(&world.viewer, 1).await);
    let attempts = [(first, &*codes[0]), (second, &*codes[1])];
    assert_eq!(race(&world, &attempts).await, told((200, ""), (200, "")));
    assert_eq!(world.user(&world.viewer).await.sessions.len(), 2);
}

#[tokio::test]
async fn of_eight_wrong_codes_at_once_five_are_told_and_charged() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let id = world.challenge(&world.viewer, 0).await;
    let codes: Vec<_> = (0..8).map(|code| format!("00000{code}")).collect();
    let attempts: Vec<_> = codes.iter().map(|code| (id, &**code)).collect();
    let told = race(&world, &attempts).await;
    let of = |wanted: u16| told.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((of(401), of(404)), (5, 3), "{told:?}");
    assert_eq!(failures(&world, &world.viewer), 5);
    assert_eq!(world.items_under("CHALLENGE#")[0]["tries"], 5);
}

#[tokio::test]
async fn a_code_that_another_request_spends_meanwhile_is_refused_and_charged() {
    let world = World::new().await;
    let codes = world.enable_mfa(&world.viewer).await;
    let client = world.client(sessions::router());
    let id = world.challenge(&world.viewer, 0).await;
    let viewer = &world.viewer;
    let partition = format!("MFA#{}#{}", viewer.organization_id, viewer.user_id);
    let step = (world.now().as_second() / 30).to_string();
    world.tamper_before("TransactWriteItems", partition.clone(), move |item| {
        item["last_step"]["N"] = json!(step);
    });
    complete(&client, id, &world.code()).await.expect(401, "invalid_code").expect_cost(5, 21.0);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["backup_codes"] = json!({"M": {}});
    });
    complete(&client, id, &codes[0]).await.expect(401, "invalid_code");
    assert_eq!(failures(&world, viewer), 2);
    complete(&client, id, &world.code_at(1)).await.expect(200, "");
}
