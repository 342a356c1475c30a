//! `GET /api/user/session-timeout`

use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user/session-timeout";

#[tokio::test]
async fn tells_everybody_in_the_organization_how_long_sessions_live() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let expected = json!({
        "idle_timeout_minutes": 60, "absolute_timeout_minutes": 1440, "extend_on_activity": true,
    });
    for person in [&world.admin, &world.editor, &world.viewer] {
        let token = world.session(person).await;
        let answer = client.get(PATH).bearer(&token).send().await;
        assert_eq!(answer.expect_cost(1, 2.0).data(200), &expected);
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
}

#[tokio::test]
async fn each_tenant_has_its_own() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let (admin, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let body = json!({"idle_timeout_minutes": 5});
    client.put(PATH).bearer(&admin).json(body).send().await.expect(200, "");
    let idle = async |token: &str| {
        let answer = client.get(PATH).bearer(token).send().await;
        answer.data(200)["idle_timeout_minutes"].clone()
    };
    assert_eq!((idle(&admin).await, idle(&stranger).await), (json!(5), json!(60)));
}

#[tokio::test]
async fn admin_organization_stands_for_the_scope() {
    let world = World::new().await;
    let client = world.client(session_timeout::router());
    let key = world.api_key(&world.admin, &[Scope::AdminOrganization]).await;
    client.get(PATH).bearer(&key).send().await.expect(200, "");
    let body = json!({"idle_timeout_minutes": 5});
    client.put(PATH).bearer(&key).json(body).send().await.expect(200, "");
}
