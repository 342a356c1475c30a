//! What callers can put into bodies, types and queries: never a 500, and nothing changes.

use harness::World;
use serde_json::Value;

use crate::{
    operation::{Access, Operation, routes},
    table::OPERATIONS,
};

/// The operations that read a body.
fn with_body() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| !operation.body.is_empty())
}

/// Bodies that are no JSON.
fn malformed() -> Vec<String> {
    let mut bodies: Vec<_> = [
        "{",
        "}",
        "[",
        "nul",
        "'a'",
        "{a: 1}",
        "{\"a\": 1,}",
        "{\"a\": 1} {\"b\": 2}",
        "\u{feff}{}",
        "{\"a\": NaN}",
        "{\"a\": 01}",
        "{\"a\": \"\\ud800\"}",
        "{\"a\": \"\u{0}\"}",
        "\"\\x\"",
        " ",
        "{\"a\": 1e99999}",
    ]
    .map(str::to_owned)
    .into();
    bodies.push("[".repeat(60_000));
    bodies.push("{\"a\":".repeat(10_000));
    bodies
}

/// Bodies that are JSON, and of no use to any operation.
fn useless() -> Vec<String> {
    let mut bodies: Vec<_> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "18446744073709551616",
        "\"\"",
        "[]",
        "[{}]",
        "{\"\": null}",
        "{\"a/b\": {\"~\": [1, {\"c\": null}]}}",
        "{\"__proto__\": {\"roles\": [\"admin\"]}}",
        "{\"roles\": [\"admin\"]}",
        "{\"organization_id\": \"org_00000000000000000000000000\"}",
        "{\"\u{1f980}\": \"\u{202e}\"}",
    ]
    .map(str::to_owned)
    .into();
    bodies.push(format!("{{{}\"z\": 0}}", "\"field\": 0, ".repeat(5000)));
    bodies.push(format!("[{}0]", "[],".repeat(20_000)));
    bodies
}

#[tokio::test]
async fn a_malformed_body_is_400_and_changes_nothing() {
    for operation in with_body() {
        let world = World::new().await;
        let client = world.client(routes());
        let (path, token) =
            (operation.filled(&world).await, world.session(operation.caller(&world)).await);
        let before = world.dump();
        for body in malformed() {
            let request = operation.request(&client, &path).bearer(&token).text(&*body);
            request.send().await.expect(400, "malformed_json");
        }
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn a_useless_body_is_422_with_its_faults_and_changes_nothing() {
    for operation in with_body() {
        let world = World::new().await;
        let client = world.client(routes());
        let (path, token) =
            (operation.filled(&world).await, world.session(operation.caller(&world)).await);
        let before = world.dump();
        for body in useless() {
            let request = operation.request(&client, &path).bearer(&token).text(&*body);
            let answer = request.send().await;
            answer.expect(422, "validation_failed");
            assert!(!answer.faults().is_empty());
        }
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn every_field_refuses_values_of_every_wrong_kind() {
    for operation in with_body() {
        let world = World::new().await;
        let client = world.client(routes());
        let (path, token) =
            (operation.filled(&world).await, world.session(operation.caller(&world)).await);
        let before = world.principal(operation.caller(&world)).await;
        let good: Value = serde_json::from_str(operation.body).unwrap();
        for field in good.as_object().unwrap().keys() {
            for wrong in ["null", "true", "[[]]", "{}", "7.5", "-7", "\"\"", "99999999999"] {
                let wrong: Value = serde_json::from_str(wrong).unwrap();
                if field == "overlap_minutes" && wrong.is_null() {
                    // It means: no overlap.
                    continue;
                }
                if wrong.is_boolean() && good[field].is_boolean() {
                    // It is of the right kind.
                    continue;
                }
                if operation.path == "/api/user-preferences/{key}" {
                    // It may be of every kind.
                    continue;
                }
                let mut body = good.clone();
                body[field] = wrong.clone();
                let request = operation.request(&client, &path).bearer(&token);
                let answer = request.json(body).send().await;
                // A password that is empty is wrong, not malformed.
                match (field.as_str(), wrong == "") {
                    ("password", true) if operation.access == Access::Public => {
                        answer.expect(401, "invalid_login")
                    }
                    ("password" | "current_password", true) => {
                        answer.expect(403, "incorrect_password")
                    }
                    _ => answer.expect(422, "validation_failed"),
                };
                let pointer = format!("/{field}");
                let all = answer.faults();
                assert!(all.iter().all(|(at, _)| at.starts_with(&pointer)), "{}", answer.body);
            }
            let mut repeated = operation.body.trim_end_matches('}').to_owned();
            repeated.push_str(", \"another\": 1}");
            let request = operation.request(&client, &path).bearer(&token).text(repeated);
            let answer = request.send().await;
            answer.expect_faults(&[("/another", "unknown_field")]);
        }
        let after = world.principal(operation.caller(&world)).await;
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_415() {
    for operation in with_body() {
        let world = World::new().await;
        let client = world.client(routes());
        let (path, token) =
            (operation.filled(&world).await, world.session(operation.caller(&world)).await);
        let before = world.dump();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonp",
            "json",
            "",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8x",
        ] {
            let request = operation.request(&client, &path).bearer(&token);
            let answer = request.header("content-type", kind).send().await;
            answer.expect(415, "unsupported_media_type");
        }
        let untyped = client.request(operation.method, &path).bearer(&token).text(operation.body);
        untyped.send().await.expect(415, "unsupported_media_type");
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn json_may_be_declared_in_every_usual_way() {
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/merge-patch+json",
    ] {
        for operation in with_body() {
            let world = World::new().await;
            let client = world.client(routes());
            let request = operation.ready(&world, &client).await.header("content-type", kind);
            assert_eq!(request.send().await.status, operation.status, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_body_may_have_65_536_bytes_and_not_one_more() {
    for operation in with_body() {
        let world = World::new().await;
        let client = world.client(routes());
        let padded =
            |length: usize| operation.body.to_owned() + &" ".repeat(length - operation.body.len());
        let request = operation.ready(&world, &client).await.text(padded(65_537));
        let before = world.dump();
        request.send().await.expect(413, "body_too_large");
        assert_eq!(world.dump(), before);
        let request = operation.ready(&world, &client).await.text(padded(65_536));
        assert_eq!(request.send().await.status, operation.status);
    }
}

#[tokio::test]
async fn a_list_s_query_is_read_with_all_its_faults() {
    let world = World::new().await;
    let client = world.client(routes());
    let token = world.session(&world.admin).await;
    let before = world.dump();
    for path in [
        "/api/user/sessions",
        "/api/user/api-keys",
        "/api/audit-log",
        "/api/settings/ip-whitelist",
        "/api/notifications/channels",
        "/api/notifications/rules",
    ] {
        for (query, faults) in [
            ("limit=0", &[("/limit", "out_of_range")][..]),
            ("limit=101", &[("/limit", "out_of_range")]),
            ("limit=-1", &[("/limit", "out_of_range")]),
            ("limit=", &[("/limit", "out_of_range")]),
            ("limit=ten", &[("/limit", "out_of_range")]),
            ("limit=1.0", &[("/limit", "out_of_range")]),
            ("limit=99999999999999999999", &[("/limit", "out_of_range")]),
            ("limit=%31%30%31", &[("/limit", "out_of_range")]),
            ("limit=1&limit=2", &[("/limit", "repeated")]),
            ("cursor=a&cursor=b", &[("/cursor", "repeated")]),
            ("offset=3", &[("/offset", "unknown_parameter")]),
            ("LIMIT=3", &[("/LIMIT", "unknown_parameter")]),
            ("a%2Fb=3", &[("/a~1b", "unknown_parameter")]),
            ("limit=0&page=1", &[("/limit", "out_of_range"), ("/page", "unknown_parameter")]),
        ] {
            let answer = client.get(format!("{path}?{query}")).bearer(&token).send().await;
            answer.expect(400, "malformed_query").expect_cost(1, 2.0);
            assert_eq!(answer.faults(), faults, "{query}");
        }
        for cursor in ["", "a", "%00", "AAAA", "..", "%F0%9F%A6%80", &"A".repeat(5000)] {
            let answer = client.get(format!("{path}?cursor={cursor}")).bearer(&token).send().await;
            answer.expect(400, "invalid_cursor");
        }
    }
    assert_eq!(world.dump(), before);
}
