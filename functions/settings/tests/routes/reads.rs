//! `GET /api/settings` and `GET /api/settings/all`

use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

const PATH: &str = "/api/settings";
const ALL: &str = "/api/settings/all";

#[tokio::test]
async fn tell_everybody_in_the_organization_what_the_seed_shows() {
    let world = World::new().await;
    let client = world.client(settings::router());
    let some = json!({"default_timezone": "UTC", "require_sso": false, "data_residency": "us"});
    let mut all = some.clone();
    all["feature_flags"] = json!({"lineage_v2": true, "git_integration": true});
    for person in [&world.admin, &world.editor, &world.viewer] {
        let token = world.session(person).await;
        for (path, expected) in [(PATH, &some), (ALL, &all)] {
            let answer = client.get(path).bearer(&token).send().await;
            assert_eq!(answer.expect_cost(1, 2.0).data(200), expected);
            assert_eq!(answer.header("etag"), Some("\"1\""));
        }
    }
}

#[tokio::test]
async fn each_tenant_has_its_own() {
    let world = World::new().await;
    let client = world.client(settings::router());
    let (admin, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let body = json!({"default_timezone": "Europe/Paris"});
    client.put(PATH).bearer(&admin).json(body).send().await.expect(200, "");
    for path in [PATH, ALL] {
        let zone = async |token: &str| {
            client.get(path).bearer(token).send().await.text(200, "default_timezone")
        };
        assert_eq!((&*zone(&admin).await, &*zone(&stranger).await), ("Europe/Paris", "UTC"));
    }
}

#[tokio::test]
async fn admin_organization_stands_for_the_scope() {
    let world = World::new().await;
    let client = world.client(settings::router());
    let key = world.api_key(&world.admin, &[Scope::AdminOrganization]).await;
    for path in [PATH, ALL] {
        client.get(path).bearer(&key).send().await.expect(200, "");
    }
    let body = json!({"default_timezone": "Europe/Paris"});
    client.put(PATH).bearer(&key).json(body).send().await.expect(200, "");
}
