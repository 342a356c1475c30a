//! `PUT /api/user/profile`

use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

const PATH: &str = "/api/user/profile";

#[tokio::test]
async fn changes_what_is_sent_and_keeps_the_rest() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    world.clock.advance_seconds(5);
    let body = json!({"display_name": "Vee", "locale": "pt-br"});
    let answer = client.put(PATH).bearer(&token).json(body).send().await;
    answer.expect_cost(2, 6.0);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let expected = json!({
        "id": world.viewer.user_id,
        "email": "viewer@acme.example",
        "display_name": "Vee",
        "timezone": "America/Los_Angeles",
        "locale": "pt-BR",
        "avatar_url": null,
        "updated_at": "2026-03-27T15:00:05Z",
    });
    assert_eq!(answer.data(200), &expected);
    let read = client.get(PATH).bearer(&token).send().await;
    assert_eq!(read.data(200)["display_name"], "Vee");
    assert_eq!(read.header("etag"), Some("\"2\""));
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown_and_null_clears_the_picture() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let body = json!({
        "display_name": "Jordan Lee", "timezone": "America/New_York", "locale": "en-US",
        "avatar_url": "https://cdn.planasonix.com/avatars/usr_01jq8me.png",
    });
    let answer = client.put(PATH).bearer(&token).json(body.clone()).send().await;
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&answer.data(200)[field], value);
    }
    let body = json!({"avatar_url": null});
    let answer = client.put(PATH).bearer(&token).json(body).send().await;
    assert_eq!(answer.data(200)["avatar_url"], json!(null));
}

#[tokio::test]
async fn is_audited_from_and_to() {
    let world = World::new().await;
    let (client, key) =
        (world.client(profile::router()), world.api_key_with_id(&world.viewer, Scope::ALL, None));
    let (id, secret) = key.await;
    let body = json!({"display_name": "Vee", "timezone": "America/Los_Angeles"});
    client.put(PATH).bearer(&secret).json(body).send().await.expect(200, "");
    let records = world.audited(&world.viewer, "profile.updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    let actor = json!({"type": "api_key", "user_id": world.viewer.user_id, "api_key_id": id});
    assert_eq!(record["actor"], actor);
    let changes = json!({"display_name": {"from": "Vera Viewer", "to": "Vee"}});
    assert_eq!(record["changes"], changes);
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let before = world.dump();
    for body in [json!({}), json!({"display_name": "Vera Viewer", "avatar_url": null})] {
        let answer = client.put(PATH).bearer(&token).json(body).send().await;
        answer.expect(200, "").expect_cost(1, 2.0);
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let before = world.dump();
    let body = json!({
        "display_name": "", "timezone": "Mars/Olympus", "locale": "en_US",
        "avatar_url": "http://example.com/a.png", "email": "other@acme.example",
    });
    let answer = client.put(PATH).bearer(&token).json(body).send().await;
    answer.expect_faults(&[
        ("/avatar_url", "invalid_value"),
        ("/display_name", "invalid_length"),
        ("/email", "unknown_field"),
        ("/locale", "invalid_value"),
        ("/timezone", "invalid_value"),
    ]);
    // What is short as it is written, and not as it is stored.
    let long = format!("https://example.com/{}", "é".repeat(700));
    let answer = client.put(PATH).bearer(&token).json(json!({"avatar_url": long})).send().await;
    answer.expect_faults(&[("/avatar_url", "invalid_value")]);
    for field in ["display_name", "timezone", "locale"] {
        let answer = client.put(PATH).bearer(&token).json(json!({field: null})).send().await;
        answer.expect_faults(&[(&format!("/{field}"), "not_nullable")]);
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new().await;
    let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
    let put = |tag: &'static str, name: &'static str| {
        let request = client.put(PATH).bearer(&token).json(json!({"display_name": name}));
        request.header("if-match", tag).send()
    };
    put("\"1\"", "One").await.expect(200, "");
    put("\"1\"", "Two").await.expect(412, "precondition_failed").expect_cost(1, 2.0);
    put("W/\"2\"", "Two").await.expect(412, "precondition_failed");
    put("2", "Two").await.expect(400, "invalid_if_match");
    put("\"7\", \"2\"", "Two").await.expect(200, "");
    assert_eq!(world.user(&world.viewer).await.display_name, "Two");
}

#[tokio::test]
async fn of_two_simultaneous_changes_one_is_written_and_the_other_told() {
    for (condition, refusal) in [(None, 409), (Some("\"1\""), 412)] {
        let world = World::new().await;
        let (client, token) = (world.client(profile::router()), world.session(&world.viewer).await);
        world.gather("BatchGetItem", 2);
        let put = |name: &'static str| {
            let request = client.put(PATH).bearer(&token).json(json!({"display_name": name}));
            match condition {
                Some(tag) => request.header("if-match", tag).send(),
                None => request.send(),
            }
        };
        let (first, second) = tokio::join!(put("One"), put("Two"));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, refusal]);
        assert_eq!(world.audited(&world.viewer, "profile.updated").len(), 1);
        let written = if first.status == 200 { "One" } else { "Two" };
        assert_eq!(world.user(&world.viewer).await.display_name, written);
    }
}
