//! The four reads of the organization: what they tell, and that each is the state of the table.

use harness::World;
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

async fn read(world: &World, path: &str) -> Value {
    let token = world.session(&world.viewer).await;
    let client = world.client(organization::router());
    let answer = client.get(path).bearer(&token).send().await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    answer.expect_cost(1, 2.0).data(200).clone()
}

#[tokio::test]
async fn tells_the_organization() {
    let world = World::new().await;
    let expected = json!({
        "id": world.viewer.organization_id,
        "name": "Acme Analytics",
        "slug": "acme-analytics",
        "plan": "enterprise",
        "created_at": "2026-03-27T15:00:00Z",
    });
    assert_eq!(read(&world, "/api/organization").await, expected);
}

#[tokio::test]
async fn tells_the_features() {
    let world = World::new().await;
    let expected = json!({"features": ["lineage", "git_integration", "pipeline_agents", "sso"]});
    assert_eq!(read(&world, "/api/organization/features").await, expected);
}

#[tokio::test]
async fn tells_the_limits() {
    let world = World::new().await;
    let expected = json!({
        "max_pipelines": 500,
        "max_connections": 200,
        "max_concurrent_runs": 25,
        "max_agent_count": 50,
    });
    assert_eq!(read(&world, "/api/organization/limits").await, expected);
}

#[tokio::test]
async fn tells_the_subscription() {
    let world = World::new().await;
    let expected = json!({
        "tier": "enterprise", "billing_period": "annual", "renewal_date": "2026-06-01",
    });
    assert_eq!(read(&world, "/api/organization/subscription").await, expected);
}

#[tokio::test]
async fn each_tenant_sees_its_own() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let key = world.api_key(&world.stranger, &[Scope::OrganizationRead]).await;
    let answer = client.get("/api/organization").bearer(&key).send().await;
    assert_eq!(answer.data(200)["slug"], "globex");
}

#[tokio::test]
async fn admin_organization_stands_for_the_scope() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let key = world.api_key(&world.admin, &[Scope::AdminOrganization]).await;
    for path in ["/api/organization", "/api/organization/limits"] {
        client.get(path).bearer(&key).send().await.expect(200, "");
    }
}
