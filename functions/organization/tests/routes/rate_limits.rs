//! How many requests a credential may make.

use harness::{Answer, Fault, World};
use serde_json::json;
use shared::auth::permissions::Scope;

const PATH: &str = "/api/organization";

async fn get(world: &World, token: &str) -> Answer {
    let answer = world.client(organization::router()).get(PATH).bearer(token).send_any().await;
    world.app.background.settle().await;
    answer
}

async fn key_with_limit(world: &World, limit: u64) -> String {
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper(&partition, |item| {
        item["limits"]["M"]["max_requests_per_minute"] = json!({"N": limit.to_string()});
    });
    world.api_key(&world.admin, &[Scope::OrganizationRead]).await
}

#[tokio::test]
async fn an_answer_tells_the_limit_and_what_is_left_of_it() {
    let world = World::new().await;
    let token = key_with_limit(&world, 60).await;
    for remaining in [59, 58] {
        let answer = get(&world, &token).await;
        answer.expect(200, "").expect_cost(1, 2.0);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"credential\";q=60;w=60"));
        let told = format!("\"credential\";r={remaining};t={}", 60 - remaining);
        assert_eq!(answer.header("ratelimit"), Some(&*told));
    }
}

#[tokio::test]
async fn a_plan_that_says_nothing_allows_600_a_minute() {
    let world = World::new().await;
    let token = world.session(&world.viewer).await;
    let answer = get(&world, &token).await;
    assert_eq!(answer.header("ratelimit-policy"), Some("\"credential\";q=600;w=60"));
}

#[tokio::test]
async fn over_the_limit_is_429_and_one_more_is_let_in_when_it_said() {
    let world = World::new().await;
    let token = key_with_limit(&world, 30).await;
    for _ in 0..30 {
        get(&world, &token).await.expect(200, "");
    }
    let refused = get(&world, &token).await;
    refused.expect(429, "rate_limited").expect_cost(1, 2.0);
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(refused.header("ratelimit"), Some("\"credential\";r=0;t=60"));
    world.clock.advance_seconds(1);
    get(&world, &token).await.expect(429, "rate_limited");
    world.clock.advance_seconds(1);
    get(&world, &token).await.expect(200, "");
    get(&world, &token).await.expect(429, "rate_limited");
}

#[tokio::test]
async fn another_credential_of_the_same_user_has_a_limit_of_its_own() {
    let world = World::new().await;
    let token = key_with_limit(&world, 1).await;
    let session = world.session(&world.admin).await;
    get(&world, &token).await.expect(200, "");
    get(&world, &token).await.expect(429, "rate_limited");
    get(&world, &session).await.expect(200, "");
}

#[tokio::test]
async fn without_a_valid_credential_nothing_is_counted_or_told() {
    let world = World::new().await;
    let answer = get(&world, "plnx_live_nonsense").await;
    answer.expect(401, "invalid_credential");
    assert_eq!(answer.header("ratelimit"), None);
}

#[tokio::test]
async fn a_busy_credential_costs_one_write_for_ten_requests() {
    let world = World::new().await;
    let token = key_with_limit(&world, 600).await;
    get(&world, &token).await.expect(200, "");
    let _ = world.take_calls();
    for _ in 1..100 {
        get(&world, &token).await.expect(200, "").expect_cost(1, 2.0);
    }
    let calls = world.take_calls();
    let writes = calls.iter().filter(|(_, body)| body.to_string().contains("RATE#")).count();
    assert_eq!(writes, 10);
    let bucket = &world.items_under("RATE#")[0];
    assert_eq!(bucket["full_at"], (world.now().as_millisecond() + 100 * 100) * 1000);
}

#[tokio::test]
async fn a_credential_that_is_used_now_and_then_writes_nothing() {
    let world = World::new().await;
    let token = key_with_limit(&world, 600).await;
    for _ in 0..50 {
        get(&world, &token).await.expect(200, "");
        world.clock.advance_seconds(1);
    }
    assert_eq!(world.items_under("RATE#").len(), 0);
}

#[tokio::test]
async fn an_instance_learns_what_others_have_let_in() {
    let mut world = World::new().await;
    let token = key_with_limit(&world, 60).await;
    for _ in 0..40 {
        get(&world, &token).await.expect(200, "");
    }
    world.start_anew();
    let mut admitted = 0;
    while get(&world, &token).await.status == 200 {
        admitted += 1;
    }
    assert_eq!(admitted, 20);
}

#[tokio::test]
async fn a_bucket_that_has_filled_up_is_begun_anew() {
    let world = World::new().await;
    let token = key_with_limit(&world, 600).await;
    for _ in 0..2 {
        for _ in 0..20 {
            get(&world, &token).await.expect(200, "");
        }
        let bucket = &world.items_under("RATE#")[0];
        assert_eq!(bucket["full_at"], (world.now().as_millisecond() + 2000) * 1000);
        world.clock.advance_seconds(3600);
    }
}

#[tokio::test]
async fn where_the_table_does_not_count_requests_are_let_in() {
    let world = World::new().await;
    let token = key_with_limit(&world, 60).await;
    get(&world, &token).await.expect(200, "");
    world.order("UpdateItem", Fault::Throttled, 9);
    for _ in 0..20 {
        get(&world, &token).await.expect(200, "");
    }
    assert_eq!(world.items_under("RATE#").len(), 0);
}
