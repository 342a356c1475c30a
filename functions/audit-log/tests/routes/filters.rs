//! `GET /api/audit-log`: its filters and cursors.

use crate::common::{PATH, all, partition, put, texts};
use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

#[tokio::test]
async fn from_is_included_and_to_is_not() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let [a, b, c] = ["2026-03-27T18:00:00Z", "2026-03-27T18:00:01Z", "2026-03-29T00:00:00Z"]
        .map(|at| put(&world, &world.admin, at, 0, "user.created"));
    world.clock.advance_minutes(3 * 24 * 60);
    let token = world.session(&world.admin).await;
    let shown = async |query: &str| {
        let query = format!("{PATH}?action=user.created&{query}");
        texts(client.get(query).bearer(&token).send().await.data(200), "id")
    };
    let (first, second) = ("from=2026-03-27T18:00:00Z", "from=2026-03-27T18:00:01Z");
    assert_eq!(shown(first).await, [&*c, &b, &a]);
    assert_eq!(shown(second).await, [&*c, &b]);
    assert_eq!(shown("from=2026-03-27T20:00:01.001%2B02:00").await, [&*c]);
    assert_eq!(shown(&format!("{first}&to=2026-03-29T00:00:00Z")).await, [&*b, &a]);
    assert_eq!(shown(&format!("{first}&to=2026-03-29T00:00:00.001Z")).await, [&*c, &b, &a]);
    assert_eq!(shown(&format!("{first}&to=2026-03-27T18:00:01Z")).await, [&*a]);
    assert_eq!(shown(&format!("{first}&to=2026-03-27T18:00:00Z")).await, [""; 0]);
    assert_eq!(shown(&format!("{first}&to=9999-12-30T00:00:00Z")).await, [&*c, &b, &a]);
    assert_eq!(shown("from=2027-01-01T00:00:00Z").await, [""; 0]);
    assert_eq!(shown("to=0000-01-01T00:00:00Z").await, [""; 0]);
}

#[tokio::test]
async fn an_actor_is_a_user_a_key_or_the_operator() {
    let world = World::new().await;
    let (client, settings, sessions) = (
        world.client(audit_log::router()),
        world.client(settings::router()),
        world.client(sessions::router()),
    );
    let token = world.session(&world.admin).await;
    let (id, key) = world.api_key_with_id(&world.admin, &[Scope::SettingsWrite], None).await;
    for (credential, zone) in [(&token, "Europe/Paris"), (&key, "Europe/Rome")] {
        let request = settings.put("/api/settings").bearer(credential);
        request.json(json!({"default_timezone": zone})).send().await.expect(200, "");
    }
    let login = json!({"email": world.admin.email, "password": "not-the-password"});
    sessions.post("/api/login").json(login).send().await.expect(401, "invalid_login");
    let shown = async |actor: &str| {
        let query = format!("{PATH}?actor={actor}&to=2026-03-27T15:00:00.001Z");
        let answer = client.get(query).bearer(&token).send().await;
        let mut kinds: Vec<_> = answer.data(200).as_array().unwrap().iter().collect();
        kinds.retain(|record| record["action"] != "audit_log.read");
        let kinds = kinds.into_iter().map(|it| it["actor"]["type"].as_str().unwrap().to_owned());
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    let admin = world.admin.user_id.to_string();
    assert_eq!(shown(&admin).await, ["api_key", "claimed", "session"]);
    assert_eq!(shown(&id.to_string()).await, ["api_key"]);
    assert_eq!(shown("operator").await, ["operator"]);
    for nobody in [world.viewer.user_id.to_string(), world.stranger.user_id.to_string()] {
        assert_eq!(shown(&nobody).await, [""; 0]);
    }
    assert_eq!(shown("key_00000000000000000000000000").await, [""; 0]);
}

#[tokio::test]
async fn who_has_no_id_goes_by_a_name() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let names = ["retention_sweep", "notification_delivery", "platform"];
    let mut ids = Vec::new();
    for (number, name) in (1..).zip(names) {
        let id = put(&world, &world.admin, "2026-03-27T15:00:00Z", number, "user.created");
        let items = world.raw_items(&partition(&world.admin, world.now()));
        let mut item = items.into_iter().find(|it| it["SK"]["S"] == id).unwrap();
        item["actor"] = json!({"M": {"type": {"S": name}}});
        world.put(&item);
        ids.push(id);
    }
    for (name, id) in names.iter().zip(ids) {
        let answer = client.get(format!("{PATH}?actor={name}")).bearer(&token).send().await;
        assert_eq!(texts(answer.data(200), "id"), [id], "{name}");
    }
}

#[tokio::test]
async fn filters_are_read_with_all_their_faults() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let before = world.dump();
    for (query, faults) in [
        ("from=yesterday", &[("/from", "invalid_value")][..]),
        ("from=", &[("/from", "invalid_value")]),
        ("from=2026-03-27T15:00:00+02:00", &[("/from", "invalid_value")]),
        ("to=2026-03-27", &[("/to", "invalid_value")]),
        ("from=2026-03-27T15:00:01Z&to=2026-03-27T15:00:00Z", &[("/from", "out_of_range")]),
        ("actor=usr_1", &[("/actor", "invalid_value")]),
        ("actor=ses_00000000000000000000000000", &[("/actor", "invalid_value")]),
        ("actor=Operator", &[("/actor", "invalid_value")]),
        ("actor=", &[("/actor", "invalid_value")]),
        ("action=pipeline.launched", &[("/action", "invalid_value")]),
        ("action=SettingsUpdated", &[("/action", "invalid_value")]),
        ("action=%00", &[("/action", "invalid_value")]),
        ("action=user.created&action=user.created", &[("/action", "repeated")]),
        (
            "from=1&to=2&actor=3&action=4&limit=0&user=5",
            &[
                ("/action", "invalid_value"),
                ("/actor", "invalid_value"),
                ("/from", "invalid_value"),
                ("/limit", "out_of_range"),
                ("/to", "invalid_value"),
                ("/user", "unknown_parameter"),
            ],
        ),
    ] {
        let answer = client.get(format!("{PATH}?{query}")).bearer(&token).send().await;
        answer.expect(400, "malformed_query").expect_cost(1, 2.0);
        assert_eq!(answer.faults(), faults, "{query}");
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_cursor_is_good_for_the_same_filters_in_the_same_organization_alone() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let (token, stranger) =
        (world.session(&world.admin).await, world.session(&world.stranger).await);
    let own = "actor=operator&to=2026-03-27T15:00:00.001Z&limit=1";
    let first = client.get(format!("{PATH}?{own}")).bearer(&token).send().await;
    let cursor = first.body["meta"]["next_cursor"].as_str().unwrap();
    let (start, rest) = cursor.split_at(cursor.len() - 1);
    let tampered = format!("{start}{}", if rest == "A" { "B" } else { "A" });
    let before = world.dump();
    for (token, query, cursor) in [
        (&token, own, &*tampered),
        (&token, own, ""),
        (&token, own, "AAAA"),
        (&stranger, own, cursor),
        (&token, "actor=operator&limit=1", cursor),
        (&token, "to=2026-03-27T15:00:00.001Z&limit=1", cursor),
        (&token, "actor=operator&to=2026-03-27T15:00:00.002Z&limit=1", cursor),
        (&token, "actor=operator&from=2026-03-27T15:00:00.001Z&limit=1", cursor),
        (&token, "action=user.created&to=2026-03-27T15:00:00.001Z&limit=1", cursor),
    ] {
        let path = format!("{PATH}?{query}&cursor={cursor}");
        let answer = client.get(path).bearer(token).send().await;
        answer.expect(400, "invalid_cursor").expect_cost(1, 2.0);
    }
    assert_eq!(world.dump(), before);
    // The same moment in another spelling, and another limit.
    let same = "actor=operator&to=2026-03-27T17:00:00.001%2B02:00&limit=3";
    let path = format!("{PATH}?{same}&cursor={cursor}");
    assert_eq!(texts(client.get(path).bearer(&token).send().await.data(200), "id").len(), 3);
}

#[tokio::test]
async fn other_lists_cursors_are_refused() {
    let world = World::new().await;
    let (client, sessions) = (world.client(audit_log::router()), world.client(sessions::router()));
    let token = world.session(&world.admin).await;
    world.session(&world.admin).await;
    let other = sessions.get("/api/user/sessions?limit=1").bearer(&token).send().await;
    let cursor = other.body["meta"]["next_cursor"].as_str().unwrap();
    let answer = client.get(format!("{PATH}?cursor={cursor}")).bearer(&token).send().await;
    answer.expect(400, "invalid_cursor");
    let (ids, _) = all(&client, &token, "limit=1&to=2026-03-27T15:00:00Z").await;
    assert_eq!(ids, [""; 0]);
}
