//! E-mail.

use serde_json::json;
use shared::model::notifications::{delivery::Status, event::Event};

use crate::{
    depot::{Depot, event},
    smtp::Smtp,
};

const ALL: [&str; 3] = ["ann@acme.example", "bob@acme.example", "cid@acme.example"];

async fn depot_of(smtp: &Smtp) -> Depot {
    let depot = Depot::new().await;
    depot.world.set_deployment(&json!({"smtp": {
        "host": "127.0.0.1", "port": smtp.port, "tls": "none", "username": "sender",
        "password": "hidden-password", "from": "Planasonix <notifications@planasonix.example>",
    }}));
    depot
}

#[tokio::test]
async fn each_recipient_gets_a_mail_of_their_own() {
    let smtp = Smtp::start().await;
    let depot = depot_of(&smtp).await;
    let delivery = depot.post(&depot.mailboxes(&ALL).await, "evt-1").await;
    depot.stream().await;
    let delivered = depot.read(delivery.id).await;
    assert_eq!((delivered.status, delivered.reason), (Status::Delivered, None));
    assert_eq!(delivered.attempts[0].status, Some(250));
    let mails = smtp.mails();
    assert_eq!(mails.iter().map(|it| it.to.as_str()).collect::<Vec<_>>(), ALL);
    for mail in &mails {
        assert_eq!(mail.from, "notifications@planasonix.example");
        assert_eq!(mail.header("To"), mail.to);
        assert_eq!(mail.header("Message-ID"), format!("<{}@planasonix.example>", delivery.id));
        assert_eq!(mail.header("Date"), "Fri, 27 Mar 2026 15:00:00 +0000");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(mail.text.contains("Orders <script> & \"co\" failed\r\n"), "{}", mail.text);
        // Its lines are broken where they would be too long.
        let html = mail.text.replace("=\r\n", "");
        assert!(html.contains("Orders &lt;script&gt; &amp; &quot;co&quot; failed"), "{html}");
    }
    // One connection is enough for all.
    assert_eq!(smtp.signed_in().len(), 1);
    let log = depot.world.log.lines().join("\n");
    assert!(!log.contains('@') && !log.contains("hidden-password"), "{log}");
}

#[tokio::test]
async fn one_who_is_refused_for_good_does_not_lose_the_others_theirs() {
    let smtp = Smtp::start().await;
    let depot = depot_of(&smtp).await;
    smtp.answer(ALL[1], Some(550));
    let delivery = depot.post(&depot.mailboxes(&ALL).await, "evt-1").await;
    depot.stream().await;
    let reason = "2 of 3 recipients have taken it, 1 have refused it. The server answered 550.";
    assert_eq!(depot.fate(&delivery).await, (Status::Failed, reason.to_owned()));
    let takers: Vec<_> = smtp.mails().into_iter().map(|it| it.to).collect();
    assert_eq!(takers, [ALL[0], ALL[2]]);
}

#[tokio::test]
async fn one_who_is_put_off_is_tried_again_and_nobody_else() {
    let smtp = Smtp::start().await;
    let depot = depot_of(&smtp).await;
    smtp.answer(ALL[0], Some(550));
    smtp.answer(ALL[1], Some(451));
    let delivery = depot.post(&depot.mailboxes(&ALL).await, "evt-1").await;
    depot.stream().await;
    let reason = "1 of 3 recipients have taken it, 1 have refused it. The server answered 451.";
    assert_eq!(depot.fate(&delivery).await, (Status::Queued, reason.to_owned()));
    smtp.answer(ALL[1], None);
    let ended = depot.run_when_due(&delivery).await;
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(ended.reason.unwrap(), "2 of 3 recipients have taken it, 1 have refused it.");
    assert_eq!(smtp.asked(), [ALL[0], ALL[1], ALL[2], ALL[1]]);
    assert_eq!(smtp.mails().len(), 2);
}

#[tokio::test]
async fn nothing_in_an_event_becomes_a_header_or_a_command() {
    let smtp = Smtp::start().await;
    let depot = depot_of(&smtp).await;
    let channel =
        depot.mailboxes(&["ann@acme.example", "x@y.example>\r\nRCPT TO:<z@z.example"]).await;
    let hostile = Event {
        summary: Some(
            "failed\r\nBcc: eve@evil.example\r\n\r\n.\r\nMAIL FROM:<e@e.example>".to_owned(),
        ),
        ..event("evt-1", depot.world.now())
    };
    let delivery = depot.post_event(&channel, &hostile).await;
    depot.stream().await;
    assert_eq!(depot.fate(&delivery).await.0, Status::Failed);
    assert_eq!(smtp.asked(), ["ann@acme.example"]);
    let [mail] = &smtp.mails()[..] else { panic!("not one mail") };
    let head = mail.text.split("\r\n\r\n").next().unwrap();
    assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
    assert!(mail.header("Subject").contains("failed  Bcc: eve@evil.example"), "{head}");
}

#[tokio::test]
async fn without_a_server_it_fails_and_says_so() {
    let depot = Depot::new().await;
    let delivery = depot.post(&depot.mailboxes(&ALL).await, "evt-1").await;
    depot.stream().await;
    let reason = "The deployment has no SMTP server.".to_owned();
    assert_eq!(depot.fate(&delivery).await, (Status::Queued, reason));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    depot.world.clock.advance_seconds(300);
    depot.world.set_deployment(&json!({"smtp": {
        "host": "127.0.0.1", "port": closed, "tls": "none", "from": "a@planasonix.example",
    }}));
    let failed = depot.run_when_due(&delivery).await;
    let reason = "0 of 3 recipients have taken it, 0 have refused it.";
    assert_eq!((failed.status, failed.reason.as_deref()), (Status::Queued, Some(reason)));
}
