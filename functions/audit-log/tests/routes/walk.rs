//! `GET /api/audit-log`: the way through the days, and what it costs.

use crate::common::{PATH, all, put, texts};
use harness::World;
use serde_json::json;
use shared::auth::permissions::Scope;

/// A world three weeks later, and the administrator's token.
async fn later() -> (World, String) {
    let world = World::new().await;
    world.clock.advance_minutes(21 * 24 * 60);
    let token = world.session(&world.admin).await;
    (world, token)
}

#[tokio::test]
async fn pages_go_backwards_through_all_days_without_gap_or_repetition() {
    let (world, token) = later().await;
    let client = world.client(audit_log::router());
    let mut expected = Vec::new();
    for day in 1..=12 {
        for number in 0..3 {
            let at = format!("2026-04-{day:02}T23:59:59.999Z");
            expected.push(put(&world, &world.admin, &at, number, "user.disabled"));
        }
    }
    expected.reverse();
    for (limit, count) in [(1, 37), (2, 19), (3, 13), (5, 8), (7, 6), (20, 2)] {
        let query = format!("from=2026-04-01T00:00:00Z&to=2026-04-13T00:00:00Z&limit={limit}");
        let (ids, pages) = all(&client, &token, &query).await;
        assert_eq!(ids, expected, "{limit}");
        assert!(pages <= count, "{limit}: {pages}");
    }
    let query = "to=2026-04-13T00:00:00Z&action=user.disabled&limit=4";
    assert_eq!(all(&client, &token, query).await.0, expected);
}

#[tokio::test]
async fn a_page_that_one_day_fills_is_one_query() {
    let (world, token) = later().await;
    let client = world.client(audit_log::router());
    for number in 1..=5 {
        put(&world, &world.admin, "2026-04-17T14:00:00Z", number, "user.disabled");
    }
    let first = client.get(format!("{PATH}?limit=5")).bearer(&token).send().await;
    first.expect_cost(3, 5.0);
    let cursor = first.body["meta"]["next_cursor"].as_str().unwrap();
    // The rest of that day, the index of days, and the organization's first day.
    let path = format!("{PATH}?limit=5&cursor={cursor}");
    let second = client.get(path).bearer(&token).send().await;
    second.expect_cost(5, 7.0);
    assert_eq!(second.data(200).as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn the_first_reading_of_a_day_asks_the_index_and_enters_the_day() {
    let (world, _) = later().await;
    let client = world.client(audit_log::router());
    let token = world.api_key(&world.admin, &[Scope::AuditRead]).await;
    world.clock.advance_minutes(24 * 60);
    let answer = client.get(format!("{PATH}?limit=1")).bearer(&token).send().await;
    // The index of days and the day before; the day and the organization are written, too.
    answer.expect_cost(4, 10.0);
    let answer = client.get(format!("{PATH}?limit=1")).bearer(&token).send().await;
    assert_eq!(answer.expect_cost(3, 5.0).data(200)[0]["action"], "audit_log.read");
}

#[tokio::test]
async fn a_day_that_the_organization_has_not_remembered_is_not_missed() {
    let (world, token) = later().await;
    let client = world.client(audit_log::router());
    let last = put(&world, &world.admin, "2026-04-17T15:00:00Z", 0, "user.disabled");
    world.tamper(&format!("ORG#{}", world.admin.organization_id), |item| {
        item["last_audit_day"] = json!({"S": "2026-04-16"});
    });
    let answer = client.get(format!("{PATH}?action=user.disabled")).bearer(&token).send().await;
    assert_eq!(texts(answer.data(200), "id"), [last]);
    // An instance whose clock is ahead has begun the next day.
    let next = put(&world, &world.admin, "2026-04-18T00:00:00Z", 0, "user.enabled");
    world.tamper(&format!("ORG#{}", world.admin.organization_id), |item| {
        item["last_audit_day"] = json!({"S": "2026-04-18"});
    });
    let answer = client.get(format!("{PATH}?limit=1")).bearer(&token).send().await;
    assert_eq!(texts(answer.data(200), "id"), [next]);
}

#[tokio::test]
async fn filters_that_match_little_read_a_bounded_number_of_days_and_go_on() {
    let (world, token) = later().await;
    let client = world.client(audit_log::router());
    for day in 1..=15 {
        put(&world, &world.admin, &format!("2026-04-{day:02}T12:00:00Z"), 1, "user.enabled");
    }
    let wanted = put(&world, &world.admin, "2026-04-02T12:00:00Z", 2, "user.disabled");
    let get = async |cursor: String| {
        client.get(format!("{PATH}?action=user.disabled{cursor}")).bearer(&token).send().await
    };
    // Today, the index, and eight days.
    let answer = get(String::new()).await;
    assert_eq!((answer.data(200), answer.calls), (&json!([]), 12));
    let cursor = answer.body["meta"]["next_cursor"].as_str().unwrap();
    let answer = get(format!("&cursor={cursor}")).await;
    assert_eq!(texts(answer.data(200), "id"), [wanted]);
    assert_eq!(answer.body["meta"]["next_cursor"], json!(null));
}

#[tokio::test]
async fn filters_that_match_little_read_a_day_in_pieces() {
    let (world, token) = later().await;
    let client = world.client(audit_log::router());
    let (mut wanted, at) = (Vec::new(), "2026-04-17T14:00:00Z");
    for number in 1..=450 {
        let action = if number % 200 == 7 { "user.disabled" } else { "user.enabled" };
        let id = put(&world, &world.admin, at, number, action);
        wanted.extend((number % 200 == 7).then_some(id));
    }
    wanted.reverse();
    let query = "from=2026-04-17T00:00:00Z&action=user.disabled";
    let answer = client.get(format!("{PATH}?{query}")).bearer(&token).send().await;
    assert_eq!(texts(answer.data(200), "id"), wanted);
    assert_eq!((answer.calls, &answer.body["meta"]["next_cursor"]), (5, &json!(null)));
    let (ids, pages) = all(&client, &token, &format!("{query}&limit=1")).await;
    assert_eq!((ids, pages), (wanted, 3));
}

#[tokio::test]
async fn the_last_page_has_no_cursor_where_the_organization_s_first_day_is_read() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let token = world.session(&world.admin).await;
    let count = world.audit(world.admin.organization_id).len();
    let path = format!("{PATH}?limit={count}");
    let answer = client.get(path).bearer(&token).send().await;
    assert_eq!(answer.expect_cost(3, 5.0).body["meta"]["next_cursor"], json!(null));
    assert_eq!(answer.data(200).as_array().unwrap().len(), count);
}

#[tokio::test]
async fn what_is_older_than_is_kept_is_not_shown_though_it_is_there() {
    let world = World::new().await;
    let client = world.client(audit_log::router());
    let old = put(&world, &world.admin, "2026-04-01T12:00:00Z", 0, "user.disabled");
    let kept = put(&world, &world.admin, "2026-04-01T12:00:00.001Z", 0, "user.disabled");
    world.clock.advance_minutes(365 * 24 * 60 + 5 * 24 * 60 - 3 * 60);
    world.clock.advance_milliseconds(1);
    let token = world.session(&world.admin).await;
    for query in ["action=user.disabled", "action=user.disabled&from=2026-03-01T00:00:00Z"] {
        let (ids, _) = all(&client, &token, query).await;
        assert_eq!(ids, [&*kept], "{query}");
        assert!(!ids.contains(&old));
    }
}
