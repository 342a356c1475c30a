use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::{message::KEPT, *};

const TOKEN: &str = "Bearer xoxb-local";

/// An inbox with a client. The client blocks, so the runtime needs a second thread.
struct Test(Inbox);

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Test {
    async fn start() -> Self {
        Self(Inbox::start(0).await.unwrap())
    }

    fn get(&self, path: &str) -> Answer {
        answer(agent().get(format!("{}{path}", self.0.url)).call())
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = agent().post(format!("{}{path}", self.0.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send(body))
    }

    fn slack(&self, token: &str, body: &Value) -> Answer {
        let headers =
            [("Authorization", token), ("Content-Type", "application/json; charset=utf-8")];
        self.post("/api/chat.postMessage", &headers, &body.to_string())
    }

    fn messages(&self, query: &str) -> Vec<Value> {
        self.get(&format!("/messages.json{query}")).json()["data"].as_array().unwrap().clone()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut answer = answer.unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), text }
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_s_answer_is_slack_s() {
    let test = Test::start().await;
    let sent = json!({"channel": "#data-alerts", "text": "Pipeline *failed*"});
    let answer = test.slack(TOKEN, &sent);
    assert_eq!((answer.status, &answer.json()["ok"]), (200, &json!(true)));
    let ts = answer.json()["ts"].as_str().unwrap().to_owned();
    assert!(ts.split_once('.').is_some_and(|(_, micros)| micros.len() == 6), "{ts}");
    let [message] = test.messages("?kind=slack").try_into().unwrap();
    assert_eq!(message["to"], "#data-alerts");
    assert_eq!(message["body"], "Pipeline *failed*");
    assert_eq!(message["source"], sent);
    assert!(!message.to_string().contains("xoxb-"), "the token is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_slack_message_with_blocks_the_blocks_are_shown() {
    let test = Test::start().await;
    let sent = json!({"channel": "ops", "text": "in short", "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "What"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "In full."}},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "a: 1"}, {"type": "image"}]},
    ]});
    test.slack(TOKEN, &sent);
    let [message] = test.messages("?kind=slack").try_into().unwrap();
    assert_eq!((&message["title"], &message["body"]), (&json!("What"), &json!("In full.\n\na: 1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_refuses_as_slack_does() {
    let test = Test::start().await;
    let sent = |channel: &str| json!({"channel": channel, "text": "x"});
    for (token, body, error) in [
        ("", sent("ops"), "not_authed"),
        ("Bearer xoxp-1", sent("ops"), "invalid_auth"),
        (TOKEN, json!({"text": "x"}), "channel_not_found"),
        (TOKEN, sent("#channel_not_found"), "channel_not_found"),
        (TOKEN, sent("is_archived"), "is_archived"),
        (TOKEN, json!({"channel": "ops"}), "no_text"),
        (TOKEN, json!({"channel": "ops", "text": "x".repeat(40_001)}), "msg_too_long"),
        (TOKEN, json!(["ops"]), "invalid_json"),
    ] {
        let answer = test.slack(token, &body);
        assert_eq!((answer.status, answer.json()), (200, json!({"ok": false, "error": error})));
    }
    let answer = test.slack(TOKEN, &sent("ratelimited"));
    assert_eq!(
        (answer.status, &answer.headers["retry-after"]),
        (429, &HeaderValue::from_static("1"))
    );
    let answer =
        test.post("/api/chat.postMessage", &[("Authorization", TOKEN)], "channel=ops&text=x");
    assert_eq!(answer.json()["error"], "invalid_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_kept_with_its_headers_and_its_body() {
    let test = Test::start().await;
    let body = r#"{"type": "pipeline.failed", "n": 1.50}"#;
    let headers = [("webhook-id", "msg_1"), ("webhook-signature", "v1,abc")];
    let answer = test.post("/hooks/ops", &headers, body);
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(test.post("/hooks/ops?status=503", &[], "no json").status, 503);
    let [second, first] = test.messages("?kind=webhook").try_into().unwrap();
    assert_eq!(first["to"], "ops");
    assert_eq!(first["title"], "pipeline.failed");
    assert_eq!(first["source"]["body"], body);
    assert_eq!(first["source"]["headers"]["webhook-signature"], "v1,abc");
    assert_eq!(first["answer"], "200 OK");
    assert_eq!(
        (&second["body"], &second["answer"]),
        (&json!("no json"), &json!("503 Service Unavailable"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_none_is_refused() {
    let test = Test::start().await;
    for status in ["100", "199", "600", "99999", "x", ""] {
        assert_eq!(
            test.post(&format!("/hooks/ops?status={status}"), &[], "").status,
            400,
            "{status}"
        );
    }
    assert!(test.messages("").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pagerduty_takes_events_and_names_their_faults() {
    let test = Test::start().await;
    let payload = json!({"summary": "Pipeline failed", "source": "nightly", "severity": "error"});
    let event = json!({"routing_key": "R1", "event_action": "trigger", "dedup_key": "d1", "payload": payload});
    let answer = test.post("/v2/enqueue", &[], &event.to_string());
    assert_eq!((answer.status, &answer.json()["dedup_key"]), (202, &json!("d1")));
    let answer = test.post("/v2/enqueue", &[], &json!({"event_action": "trigger"}).to_string());
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 4);
    let messages = test.messages("?kind=pagerduty");
    assert_eq!(
        (&messages[1]["to"], &messages[1]["title"]),
        (&json!("R1"), &json!("Pipeline failed"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_takes_cards() {
    let test = Test::start().await;
    let card = json!({"type": "message", "summary": "Pipeline failed", "attachments": []});
    assert_eq!(test.post("/teams/ops", &[], &card.to_string()).status, 202);
    assert_eq!(test.post("/teams/ops?status=429", &[], &card.to_string()).status, 429);
    assert_eq!(test.post("/teams/ops", &[], "hello").status, 400);
    assert_eq!(test.messages("?kind=teams")[2]["title"], "Pipeline failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives() {
    let test = Test::start().await;
    let mut stream = TcpStream::connect(("127.0.0.1", test.0.smtp_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let lines = "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ops@acme.example>\r\nDATA\r\n\
                Subject: Hello\r\n\r\n<b>Ada</b>\r\n.\r\nQUIT\r\n";
    stream.write_all(lines.as_bytes()).unwrap();
    let lines: Vec<_> = BufReader::new(stream).lines().map(Result::unwrap).collect();
    assert_eq!(lines.last().unwrap(), "221 2.0.0 bye");
    let [mail] = test.messages("?kind=mail").try_into().unwrap();
    assert_eq!((&mail["to"], &mail["title"]), (&json!("ops@acme.example"), &json!("Hello")));
    let page = test.get("/").text;
    assert!(page.contains("&lt;b&gt;Ada&lt;/b&gt;") && !page.contains("<b>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_are_kept_and_come_first() {
    let test = Test::start().await;
    for number in 1..=KEPT + 5 {
        test.post(&format!("/hooks/h{number}"), &[], "");
    }
    let messages = test.messages("");
    assert_eq!(messages.len(), KEPT);
    assert_eq!((&messages[0]["to"], &messages[KEPT - 1]["to"]), (&json!("h205"), &json!("h6")));
    assert!(test.messages("?kind=mail").is_empty());
    assert_eq!(test.get("/messages.json?kind=fax").status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_stranger_cannot_read_it() {
    let test = Test::start().await;
    let port = test.0.url.rsplit_once(':').unwrap().1.to_owned();
    let with_host = |host: &str| {
        let request = agent().get(format!("{}/messages.json", test.0.url)).header("Host", host);
        answer(request.call()).status
    };
    assert_eq!(with_host(&format!("rebound.example:{port}")), 421);
    assert_eq!(with_host(&format!("localhost:{port}")), 200);
    let page = test.get("/");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    assert!(!page.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let test = Test::start().await;
    assert_eq!(test.post("/hooks/ops", &[], &"x".repeat(MAX_BYTES + 1)).status, 413);
    assert!(test.messages("").is_empty());
}
