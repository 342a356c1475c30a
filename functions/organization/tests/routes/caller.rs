//! How a credential is presented, and when it stops being one.

use harness::{Client, Fault, World};
use serde_json::{Value, json};
use shared::auth::permissions::Scope;

const PATH: &str = "/api/organization";
const LEGACY: &str = "x-planasonix-api-key";

async fn with(client: &Client<'_>, headers: &[(&str, &str)]) -> (u16, String) {
    let request = client.get(PATH);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
    let answer = request.send().await;
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn the_scheme_s_case_and_blanks_do_not_matter_and_other_schemes_do() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let token = world.session(&world.viewer).await;
    for good in ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {} "] {
        let value = good.replace("{}", &token);
        assert_eq!(with(&client, &[("authorization", &value)]).await.0, 200, "{good}");
    }
    for bad in
        ["{}", "Basic {}", "Token {}", "Bearer", "Bearer\t{}", "Bearer {} {}", "", "Bearer \"{}\""]
    {
        let value = bad.replace("{}", &token);
        let refused = (401, "invalid_credential".to_owned());
        assert_eq!(with(&client, &[("authorization", &value)]).await, refused, "{bad}");
    }
}

#[tokio::test]
async fn the_legacy_header_carries_keys_alone_and_agrees_with_the_other() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let session = world.session(&world.viewer).await;
    let key = world.api_key(&world.viewer, &[Scope::OrganizationRead]).await;
    let other = world.api_key(&world.viewer, &[Scope::OrganizationRead]).await;
    let (bearer, bearer_session) = (format!("Bearer {key}"), format!("Bearer {session}"));
    assert_eq!(with(&client, &[(LEGACY, &key)]).await.0, 200);
    assert_eq!(with(&client, &[(LEGACY, &key), ("authorization", &bearer)]).await.0, 200);
    let refused = (401, "invalid_credential".to_owned());
    assert_eq!(with(&client, &[(LEGACY, &session)]).await, refused);
    assert_eq!(with(&client, &[(LEGACY, &other), ("authorization", &bearer)]).await, refused);
    assert_eq!(with(&client, &[(LEGACY, &key), ("authorization", &bearer_session)]).await, refused);
}

#[tokio::test]
async fn a_token_that_was_never_given_out_costs_one_read_and_tells_nothing() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let (id, dead) = world.api_key_with_id(&world.viewer, Scope::ALL, None).await;
    let viewer = &world.viewer;
    world.tamper(&format!("USER#{}#{}", viewer.organization_id, viewer.user_id), |item| {
        item["api_keys"]["M"].as_object_mut().unwrap().remove(&id.short());
    });
    let revoked = client.get(PATH).bearer(&dead).send().await;
    revoked.expect(401, "invalid_credential").expect_cost(1, 2.0);
    let alive = world.api_key(&world.stranger, Scope::ALL).await;
    let stranger = &world.stranger;
    world.remove(&format!("USER#{}#{}", stranger.organization_id, stranger.user_id), "USER");
    let gone = client.get(PATH).bearer(&alive).send().await;
    gone.expect(401, "invalid_credential");
    assert_eq!(gone.bytes, revoked.bytes);
}

#[tokio::test]
async fn a_key_ends_in_the_very_second_that_was_promised() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let ends = Some(world.now().plus_days(1));
    let (_, key) = world.api_key_with_id(&world.viewer, &[Scope::OrganizationRead], ends).await;
    world.clock.advance_seconds(24 * 60 * 60 - 1);
    client.get(PATH).bearer(&key).send().await.expect(200, "");
    world.clock.advance_seconds(1);
    client.get(PATH).bearer(&key).send().await.expect(401, "api_key_expired");
}

#[tokio::test]
async fn refusals_come_in_order_credential_then_address_then_role_or_scope() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let ends = Some(world.now().plus_seconds(60));
    let (_, key) = world.api_key_with_id(&world.viewer, &[Scope::ProfileRead], ends).await;
    world.allow(&world.admin, &["203.0.113.0/24"]).await;
    world.enforce(&world.admin, |_| {}).await;
    let get = |address: &str| client.get(PATH).bearer(&key).from_address(address).send();
    get("203.0.113.7").await.expect(403, "insufficient_scope");
    get("192.0.2.1").await.expect(403, "ip_not_allowed");
    world.clock.advance_seconds(60);
    get("192.0.2.1").await.expect(401, "api_key_expired");
}

#[tokio::test]
async fn an_ipv4_mapped_address_is_the_ipv4_address_that_it_means() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let token = world.session(&world.viewer).await;
    world.allow(&world.admin, &["203.0.113.0/24"]).await;
    world.enforce(&world.admin, |_| {}).await;
    let get = |address: &str| client.get(PATH).bearer(&token).from_address(address).send();
    get("::ffff:203.0.113.7").await.expect(200, "");
    get("::ffff:203.0.114.7").await.expect(403, "ip_not_allowed");
    get("::203.0.113.7").await.expect(403, "ip_not_allowed");
}

#[tokio::test]
async fn an_allowlist_that_does_not_decode_lets_nobody_in_and_the_log_says_so() {
    let whole = World::new().await.attribute("allowlist");
    let broken = |name: &str, value: Value| {
        let mut list = whole.clone();
        list["M"][name] = value;
        list
    };
    let networks = whole["M"]["networks"]["B"].as_str().unwrap();
    for list in [
        json!({"S": "off"}),
        json!({"NULL": true}),
        json!({"M": {}}),
        broken("networks", json!({"NULL": true})),
        broken("networks", json!({"B": ""})),
        broken("networks", json!({"B": "AQAA"})),
        broken("networks", json!({"B": networks.replacen('A', "B", 1)})),
        broken("networks", json!({"B": format!("{networks}AAAA")})),
        broken("enabled", json!({"S": "false"})),
        broken("mode", json!({"S": "off"})),
        broken("applies_to", json!({"L": []})),
        broken("confirm_by", json!({"S": "never"})),
    ] {
        let world = World::new().await;
        let client = world.client(organization::router());
        let token = world.session(&world.admin).await;
        let partition = format!("ORG#{}", world.admin.organization_id);
        world.tamper(&partition, |item| item["allowlist"] = list.clone());
        let answer = client.get(PATH).bearer(&token).send().await;
        answer.expect(403, "ip_not_allowed");
        let lines = world.log.lines().join("\n");
        assert!(lines.contains("the allowlist does not decode"), "{list} {lines}");
    }
}

#[tokio::test]
async fn a_key_s_use_is_noted_once_a_minute_by_one_of_many() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let (id, key) = world.api_key_with_id(&world.viewer, &[Scope::OrganizationRead], None).await;
    let noted = async || world.user(&world.viewer).await.api_keys[&id].last_used_at.unwrap();
    world.clock.advance_seconds(60);
    let answer = client.get(PATH).bearer(&key).send().await;
    assert!(answer.expect_cost(1, 2.0).touched);
    assert_eq!(noted().await, world.now());
    assert!(!client.get(PATH).bearer(&key).send().await.touched);
    world.clock.advance_seconds(60);
    world.order("UpdateItem", Fault::Refused, 3);
    client.get(PATH).bearer(&key).send().await.expect(200, "");
    assert!(world.log.lines().iter().any(|line| line.contains("a credential's use was not noted")));
    assert!(client.get(PATH).bearer(&key).send().await.touched);
    assert_eq!(noted().await, world.now());
}

#[tokio::test]
async fn a_use_that_is_noted_late_does_not_bring_a_deleted_key_back() {
    let world = World::new().await;
    let client = world.client(organization::router());
    let (id, key) = world.api_key_with_id(&world.viewer, &[Scope::OrganizationRead], None).await;
    world.clock.advance_seconds(60);
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("UpdateItem", partition, move |item| {
        item["api_keys"]["M"].as_object_mut().unwrap().remove(&id.short());
    });
    client.get(PATH).bearer(&key).send().await.expect(200, "");
    assert!(world.user(viewer).await.api_keys.is_empty());
    client.get(PATH).bearer(&key).send().await.expect(401, "invalid_credential");
}
