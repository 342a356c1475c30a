//! `GET /api/user/profile`

use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

#[tokio::test]
async fn tells_the_profile_of_the_session_s_user() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let answer =
        world.client(profile::router()).get("/api/user/profile").bearer(&token).send().await;
    answer.expect_cost(1, 2.0);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(
        answer.data(200),
        &json!({
            "id": world.admin.user_id,
            "email": "admin@acme.example",
            "display_name": "Ada Admin",
            "timezone": "America/Los_Angeles",
            "locale": "en-US",
            "avatar_url": null,
            "organization_id": world.admin.organization_id,
            "roles": ["admin"],
        })
    );
}

#[tokio::test]
async fn an_api_key_needs_its_scope() {
    let world = World::new().await;
    let client = world.client(profile::router());
    let good = world.api_key(&world.viewer, &[Scope::ProfileRead]).await;
    let answer = client.get("/api/user/profile").bearer(&good).send().await;
    assert_eq!(answer.data(200)["email"], "viewer@acme.example");
    let poor = world.api_key(&world.viewer, &[Scope::SettingsRead]).await;
    let answer = client.get("/api/user/profile").bearer(&poor).send().await;
    answer.expect(403, "insufficient_scope");
}
