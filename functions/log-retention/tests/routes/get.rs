//! `GET /api/settings/log-retention`

use harness::World;
use serde_json::json;

const PATH: &str = "/api/settings/log-retention";

#[tokio::test]
async fn tells_everybody_in_the_organization_how_long_logs_are_kept() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let none = json!({
        "run_logs_days": null, "audit_logs_days": null, "diagnostic_artifacts_days": null,
    });
    let expected = json!({
        "run_logs_days": 30, "audit_logs_days": 365, "diagnostic_artifacts_days": 7,
        "effective_at": none,
    });
    for person in [&world.admin, &world.editor, &world.viewer] {
        let token = world.session(person).await;
        let answer = client.get(PATH).bearer(&token).send().await;
        assert_eq!(answer.expect_cost(1, 2.0).data(200), &expected);
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
}

#[tokio::test]
async fn an_item_from_before_there_was_a_retention_has_the_defaults() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let token = world.session(&world.viewer).await;
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper(&partition, |item| {
        item.as_object_mut().unwrap().remove("retention");
    });
    let answer = client.get(PATH).bearer(&token).send().await;
    assert_eq!(answer.data(200)["audit_logs_days"], 365);
}

#[tokio::test]
async fn each_tenant_has_its_own() {
    let world = World::new().await;
    let client = world.client(log_retention::router());
    let (admin, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let body = json!({"run_logs_days": 60});
    client.put(PATH).bearer(&admin).json(body).send().await.expect(200, "");
    let days = async |token: &str| {
        let answer = client.get(PATH).bearer(token).send().await;
        answer.data(200)["run_logs_days"].clone()
    };
    assert_eq!((days(&admin).await, days(&stranger).await), (json!(60), json!(30)));
}
