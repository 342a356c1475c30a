//! What the function answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use docs::answer;
use lambda_http::{Body, Request, Response, http::header, request::from_str};
use serde_json::{Value, json};

fn request(method: &str, path: &str, stage: &str, headers: &Value) -> Request {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com",
            "domainPrefix": "api", "requestId": "gateway-id", "routeKey": "$default", "stage": stage,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "time": "27/Mar/2026:15:00:00 +0000", "timeEpoch": 1_774_623_600_000_i64,
        },
        "isBase64Encoded": false,
    });
    from_str(&event.to_string()).unwrap()
}

fn send(method: &str, path: &str, headers: &Value) -> Response<Body> {
    answer(&request(method, path, "$default", headers)).unwrap()
}

fn text(response: &Response<Body>) -> &str {
    match response.body() {
        Body::Text(text) => text,
        other => panic!("not a text: {other:?}"),
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

#[test]
fn the_document_and_the_pages_are_the_checked_in_ones() {
    let document: Value =
        serde_json::from_str(text(&send("GET", "/openapi.json", &json!({})))).unwrap();
    let checked_in: Value =
        serde_json::from_str(include_str!("../../../infra/openapi/openapi.json")).unwrap();
    assert_eq!(document, checked_in);
    let problems = send("GET", "/problems", &json!({}));
    assert_eq!(text(&problems), include_str!("../../../infra/openapi/problems.html"));
    assert_eq!(header(&problems, "content-type"), "text/html; charset=utf-8");
}

#[test]
fn whoever_takes_gzip_gets_it_and_the_others_the_same_text() {
    let path = "/docs/swagger-ui-bundle.js";
    for (accepted, gzip) in [
        ("gzip, deflate, br", true),
        ("br;q=1.0, GZIP;q=0.5", true),
        ("gzip;q=0", false),
        ("identity", false),
    ] {
        let response = send("GET", path, &json!({"accept-encoding": accepted}));
        assert_eq!(response.headers().contains_key(header::CONTENT_ENCODING), gzip, "{accepted}");
        assert_eq!(header(&response, "vary"), "accept-encoding");
        match response.body() {
            Body::Binary(bytes) => assert!(gzip && bytes.starts_with(&[0x1f, 0x8b])),
            Body::Text(text) => assert!(!gzip && text.contains("SwaggerUIBundle")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let first = send("GET", "/docs", &json!({}));
    assert_eq!(header(&first, "cache-control"), "public, max-age=300");
    let tag = header(&first, "etag");
    for known in [tag.to_owned(), format!("\"x\", {tag}"), tag.replace("W/", ""), "*".to_owned()] {
        let again = send("GET", "/docs", &json!({"if-none-match": known}));
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag));
        assert!(matches!(again.body(), Body::Empty));
    }
    assert_eq!(send("GET", "/docs", &json!({"if-none-match": "W/\"x\""})).status(), 200);
}

#[test]
fn no_page_may_reach_another_origin() {
    for path in ["/docs", "/problems", "/openapi.json", "/docs/page.js", "/nothing"] {
        let response = send("GET", path, &json!({}));
        let policy = header(&response, "content-security-policy");
        let sources: Vec<_> = policy.split("; ").collect();
        assert_eq!(sources[0], "default-src 'none'");
        for source in sources {
            let (_, values) = source.split_once(' ').unwrap();
            assert!(["'none'", "'self'", "'self' data:"].contains(&values), "{source}");
        }
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert!(response.headers().contains_key("x-request-id"));
    }
}

#[test]
fn the_pages_name_their_files_relative_to_where_they_are() {
    for path in ["/docs", "/problems"] {
        let response = send("GET", path, &json!({}));
        let named = text(&response).split(['"', '\'']).skip(1).step_by(2);
        let files: Vec<_> = named.filter(|name| name.starts_with("docs/")).collect();
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(send("GET", &format!("/{file}"), &json!({})).status(), 200, "{file}");
        }
        assert!(!text(&response).contains("\"/") && !text(&response).contains("http"));
    }
}

#[test]
fn a_stage_before_the_path_does_not_matter() {
    let staged = request("GET", "/prod/problems", "prod", &json!({}));
    assert_eq!(answer(&staged).unwrap().status(), 200);
}

#[test]
fn other_methods_and_paths_are_refused_as_everywhere() {
    let response = send("POST", "/openapi.json", &json!({}));
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "GET,HEAD"));
    let problem: Value = serde_json::from_str(text(&response)).unwrap();
    assert_eq!(problem["code"], "method_not_allowed");
    let response = send("GET", "/docs/../secret", &json!({}));
    assert_eq!(response.status(), 404);
    let problem: Value = serde_json::from_str(text(&response)).unwrap();
    assert_eq!(problem["type"], "/problems#not_found");
    let response = send("HEAD", "/openapi.json", &json!({}));
    assert_eq!(response.status(), 200);
    assert!(matches!(response.body(), Body::Empty));
}
