//! `POST /api/notifications/channels`

use harness::{Answer, Fault, World, at_once};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    auth::permissions::Scope,
    ids::ChannelId,
    model::notifications::{
        channel::{Channel, Config},
        secret::ChannelCipher,
    },
};

const PATH: &str = "/api/notifications/channels";

async fn create(world: &World, token: &str, body: Value) -> Answer {
    world.client(notifications::router()).post(PATH).bearer(token).json(body).send().await
}

async fn channels(world: &World) -> Vec<Channel> {
    world.app.store.channels(world.admin.organization_id).await.unwrap()
}

fn slack(name: &str) -> Value {
    json!({"type": "slack", "name": name, "config": {"workspace": "acme", "channel": "C01234567"}})
}

#[tokio::test]
async fn the_seed_s_request_works_as_shown() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let config = json!({
        "recipients": ["oncall@example.com"], "severity_filter": ["high", "critical"],
    });
    let body = json!({"type": "email", "name": "Data platform on-call", "config": config});
    let answer = create(&world, &token, body).await;
    answer.expect_cost(3, 9.0);
    let data = answer.data(201);
    let expected = json!({
        "id": data["id"], "type": "email", "name": "Data platform on-call", "enabled": true,
        "config": config, "quiet_hours": null, "created_at": "2026-03-27T15:00:00Z",
        "updated_at": "2026-03-27T15:00:00Z", "failing_since": null, "disabled_reason": null,
    });
    assert_eq!(data, &expected);
    let [channel] = &channels(&world).await[..] else { panic!("not one channel") };
    assert_eq!((json!(channel.id), channel.created_by), (data["id"].clone(), world.admin.user_id));
    let records = world.audited(&world.admin, "notification_channel.created");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["target"], data["id"]);
    let changes = json!({
        "type": {"from": null, "to": "email"},
        "name": {"from": null, "to": "Data platform on-call"},
        "enabled": {"from": null, "to": true},
        "config": {"from": null, "to": config},
    });
    assert_eq!(record["changes"], changes);
}

#[tokio::test]
async fn every_type_is_kept_and_shown_without_its_secrets() {
    let world = World::new().await;
    let key = world.api_key(&world.admin, &[Scope::NotificationsWrite]).await;
    let routing_key = "0123456789abcdef0123456789ABCDEF";
    let address = "https://acme.webhook.office.com/webhookb2/very-secret";
    for (kind, config, shown) in [
        (
            "slack",
            json!({"workspace": "acme", "channel": "C01234567"}),
            json!({"workspace": "acme", "channel": "C01234567"}),
        ),
        (
            "email",
            json!({"recipients": ["OnCall@Example.com"], "severity_filter": null}),
            json!({"recipients": ["oncall@example.com"]}),
        ),
        (
            "webhook",
            json!({"url": "https://HOOKS.example.com/a?b=c"}),
            json!({"url": "https://hooks.example.com/a?b=c"}),
        ),
        ("pagerduty", json!({"routing_key": routing_key}), json!({"routing_key_hint": "CDEF"})),
        (
            "teams",
            json!({"webhook_url": address}),
            json!({"webhook_host": "acme.webhook.office.com"}),
        ),
    ] {
        let body = json!({"type": kind, "name": kind, "config": config});
        let answer = create(&world, &key, body).await;
        assert_eq!(
            (&answer.data(201)["type"], &answer.data(201)["config"]),
            (&json!(kind), &shown)
        );
        assert_eq!(answer.data(201)["signing_secret"].is_string(), kind == "webhook", "{kind}");
    }
    let dump = world.dump();
    for secret in [routing_key, "very-secret", "whsec_"] {
        assert!(!dump.contains(secret), "{secret} is readable");
    }
    let cipher = ChannelCipher::of(&world.app.keyring, world.admin.organization_id).await.unwrap();
    let mut opened = Vec::new();
    for channel in channels(&world).await {
        let sealed = match &channel.config {
            Config::Webhook { secrets, .. } => &secrets[0].sealed,
            Config::Pagerduty { sealed_routing_key, .. } => sealed_routing_key,
            Config::Teams { sealed_url, .. } => sealed_url,
            Config::Slack { .. } | Config::Email { .. } => continue,
        };
        opened.push(cipher.open(channel.id, sealed).unwrap().expose_secret().to_owned());
    }
    assert_eq!(opened.len(), 3);
    assert!(opened.iter().any(|it| it == routing_key) && opened.iter().any(|it| it == address));
}

#[tokio::test]
async fn a_webhook_s_signing_secret_is_shown_once() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    let send = || {
        let config = json!({"url": "https://hooks.example.com/"});
        let body = json!({"type": "webhook", "name": "Hook", "config": config});
        client.post(PATH).bearer(&token).header("idempotency-key", "once-only").json(body).send()
    };
    let first = send().await;
    let secret = first.text(201, "signing_secret");
    let encoded = secret.strip_prefix("whsec_").unwrap();
    // 32 bytes in base 64.
    assert_eq!((encoded.len(), encoded.ends_with('=')), (44, true));
    let again = send().await;
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), (Some("true"), &first.bytes));
    assert_eq!(channels(&world).await.len(), 1);
    let id = first.text(201, "id");
    for path in [PATH.to_owned(), format!("{PATH}/{id}")] {
        let answer = client.get(&path).bearer(&token).send().await;
        assert!(!answer.body.to_string().contains("secret"), "{}", answer.body);
    }
    let records = json!(world.audited(&world.admin, "notification_channel.created")).to_string();
    assert!(!records.contains(encoded));
}

#[tokio::test]
async fn quiet_hours_are_kept() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let mut body = slack("Nights");
    body["enabled"] = json!(false);
    body["quiet_hours"] = json!({"timezone": "Europe/Paris", "from": "22:00", "to": "07:30"});
    let answer = create(&world, &token, body.clone()).await;
    let every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let shown = json!({"timezone": "Europe/Paris", "from": "22:00", "to": "07:30", "days": every});
    assert_eq!(answer.data(201)["quiet_hours"], shown);
    assert_eq!(answer.data(201)["disabled_reason"], "requested");
    let hours = channels(&world).await[0].quiet_hours.clone().unwrap();
    assert_eq!((hours.from, hours.to, hours.days.len()), (1320, 450, 7));
    body["quiet_hours"]["days"] = json!(["sun", "mon"]);
    let answer = create(&world, &token, body.clone()).await;
    assert_eq!(answer.data(201)["quiet_hours"]["days"], json!(["mon", "sun"]));
    // They are never over, so nothing would ever be delivered.
    for days in [json!(null), json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])] {
        let always = json!({"timezone": "UTC", "from": "00:00", "to": "00:00", "days": days});
        body["quiet_hours"] = always;
        let answer = create(&world, &token, body.clone()).await;
        answer.expect_faults(&[("/quiet_hours/to", "invalid_value")]);
    }
    body["quiet_hours"] =
        json!({"timezone": "UTC", "from": "00:00", "to": "00:00", "days": ["sat", "sun"]});
    create(&world, &token, body.clone()).await.expect(201, "");
    body["quiet_hours"] = json!({
        "timezone": "Mars/Olympus", "from": "24:00", "to": 7, "days": ["mon", "mon"], "until": "x",
    });
    create(&world, &token, body.clone()).await.expect_faults(&[
        ("/quiet_hours/days/1", "duplicate"),
        ("/quiet_hours/from", "invalid_value"),
        ("/quiet_hours/timezone", "invalid_value"),
        ("/quiet_hours/to", "invalid_type"),
        ("/quiet_hours/until", "unknown_field"),
    ]);
    body["quiet_hours"] = json!({"timezone": "UTC", "days": []});
    create(&world, &token, body).await.expect_faults(&[
        ("/quiet_hours/days", "invalid_length"),
        ("/quiet_hours/from", "required"),
        ("/quiet_hours/to", "required"),
    ]);
    assert_eq!(channels(&world).await.len(), 3);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let before = world.dump();
    for (body, faults) in [
        (json!({}), &[("/config", "required"), ("/name", "required"), ("/type", "required")][..]),
        (
            json!({"type": "sms", "name": "", "enabled": null, "config": 7, "id": "nch_1"}),
            &[
                ("/enabled", "not_nullable"),
                ("/id", "unknown_field"),
                ("/name", "invalid_length"),
                ("/type", "unknown_value"),
            ],
        ),
        (
            json!({"type": "slack", "name": 7, "config": {"channel": "", "url": "x"}, "quiet": 1}),
            &[
                ("/config/channel", "invalid_length"),
                ("/config/url", "unknown_field"),
                ("/config/workspace", "required"),
                ("/name", "invalid_type"),
                ("/quiet", "unknown_field"),
            ],
        ),
        (
            json!({"type": "email", "name": " x", "config": {
                "recipients": ["a@example.com", "not-one", "A@example.com"], "severity_filter": [],
            }}),
            &[
                ("/config/recipients/1", "invalid_value"),
                ("/config/severity_filter", "invalid_length"),
                ("/name", "invalid_value"),
            ],
        ),
        (
            json!({"type": "email", "name": "x", "config": {
                "recipients": ["a@example.com", "b@example.com", "A@example.com"],
                "severity_filter": ["high", "grave", "high"],
            }}),
            &[
                ("/config/recipients/2", "duplicate"),
                ("/config/severity_filter/1", "unknown_value"),
            ],
        ),
        (
            json!({"type": "email", "name": "x", "config": {"recipients": []}}),
            &[("/config/recipients", "invalid_length")],
        ),
        (
            json!({"type": "webhook", "name": "", "config": {"url": "https://10.0.0.1/", "secret": "x"}}),
            &[
                ("/config/secret", "unknown_field"),
                ("/config/url", "not_public"),
                ("/name", "invalid_length"),
            ],
        ),
        (
            json!({"type": "webhook", "name": "x", "config": {"url": null}}),
            &[("/config/url", "not_nullable")],
        ),
        (
            json!({"type": "pagerduty", "name": "x", "config": {"routing_key": "short"}}),
            &[("/config/routing_key", "invalid_value")],
        ),
        (
            json!({"type": "teams", "name": "x", "config": {"webhook_url": "http://example.com/"}}),
            &[("/config/webhook_url", "invalid_value")],
        ),
        (json!({"type": "teams", "name": "x", "config": []}), &[("/config", "invalid_type")]),
    ] {
        create(&world, &token, body).await.expect_faults(faults).expect_cost(1, 2.0);
    }
    let recipients: Vec<_> = (0..21).map(|it| format!("{it}@example.com")).collect();
    let body = json!({"type": "email", "name": "x", "config": {"recipients": recipients}});
    create(&world, &token, body).await.expect_faults(&[("/config/recipients", "invalid_length")]);
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn an_address_that_is_not_public_https_is_refused() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    for (url, code) in [
        ("https://127.0.0.1/", "not_public"),
        ("https://0x7f.1/", "not_public"),
        ("https://2130706433/", "not_public"),
        ("https://[::1]/", "not_public"),
        ("https://[::ffff:169.254.169.254]/latest/meta-data", "not_public"),
        ("https://localhost/", "not_public"),
        ("https://intranet/", "not_public"),
        ("https://a.internal/", "not_public"),
        ("https://example.com:22/", "invalid_value"),
        ("https://user:password@example.com/", "invalid_value"),
        ("https://example.com/#fragment", "invalid_value"),
        ("http://example.com/", "invalid_value"),
        ("ftp://example.com/", "invalid_value"),
        ("//example.com/", "invalid_value"),
        ("", "invalid_value"),
    ] {
        for (kind, field) in [("webhook", "url"), ("teams", "webhook_url")] {
            let body = json!({"type": kind, "name": "x", "config": {field: url}});
            let answer = create(&world, &token, body).await;
            answer.expect_faults(&[(&format!("/config/{field}"), code)]);
        }
    }
    let url = format!("https://example.com/{}", "a".repeat(2048));
    let body = json!({"type": "webhook", "name": "x", "config": {"url": url}});
    create(&world, &token, body).await.expect_faults(&[("/config/url", "invalid_length")]);
    assert!(channels(&world).await.is_empty());
}

async fn fill(world: &World, token: &str, count: usize) {
    for index in 0..count {
        create(world, token, slack(&format!("Channel {index}"))).await.expect(201, "");
    }
}

#[tokio::test]
async fn fifty_channels_and_not_one_more() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    fill(&world, &token, 50).await;
    let before = world.dump();
    create(&world, &token, slack("One more")).await.expect(409, "limit_reached");
    assert_eq!(world.dump(), before);
    let stranger = world.session(&world.stranger).await;
    create(&world, &stranger, slack("Theirs")).await.expect(201, "");
}

#[tokio::test]
async fn a_retry_that_comes_while_the_last_place_is_taken_gets_the_first_answer() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    fill(&world, &token, 49).await;
    let client = world.client(notifications::router());
    let send = || {
        let request = client.post(PATH).bearer(&token).header("idempotency-key", "the-last-one");
        request.json(slack("The last")).send()
    };
    let read = world.auth_read(&world.admin);
    let first = send().await;
    first.expect(201, "");
    world.answer("BatchGetItem", &read);
    let retry = send().await;
    retry.expect(201, "");
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
    assert_eq!(retry.bytes, first.bytes);
}

#[tokio::test]
async fn of_two_creates_at_forty_nine_one_succeeds() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    fill(&world, &token, 49).await;
    world.gather("TransactWriteItems", 2);
    let answers = at_once((0..2).map(|_| create(&world, &token, slack("The last")))).await;
    let mut codes: Vec<_> = answers.iter().map(|it| (it.status, it.code())).collect();
    codes.sort_unstable();
    assert_eq!(codes, [(201, ""), (409, "limit_reached")]);
    assert_eq!(channels(&world).await.len(), 50);
    assert_eq!(world.audited(&world.admin, "notification_channel.created").len(), 50);
}

#[tokio::test]
async fn creates_at_once_all_succeed_where_there_is_room() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    world.gather("TransactWriteItems", 3);
    let creates = (0..3).map(|index| create(&world, &token, slack(&format!("Channel {index}"))));
    for answer in at_once(creates).await {
        answer.expect(201, "");
    }
    assert_eq!(channels(&world).await.len(), 3);
}

/// Lets another change come before each of the next `times` transactions.
fn overtake(world: &World, times: u64) {
    for version in 0..times {
        let partition = format!("NOTIFY#{}", world.admin.organization_id);
        let version = json!({"N": (version + 100).to_string()});
        let item = json!({"PK": {"S": partition}, "SK": {"S": "VERSION"}, "version": version});
        world.put_before("TransactWriteItems", vec![item], Vec::new());
    }
}

#[tokio::test]
async fn a_lost_race_is_decided_anew_and_given_up_after_five() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    overtake(&world, 4);
    create(&world, &token, slack("Late")).await.expect(201, "");
    overtake(&world, 5);
    create(&world, &token, slack("Too late")).await.expect(409, "edit_conflict");
    assert_eq!(channels(&world).await.len(), 1);
    assert_eq!(world.audited(&world.admin, "notification_channel.created").len(), 1);
}

#[tokio::test]
async fn without_the_deployment_s_secret_nothing_is_created() {
    let world = World::new().await;
    let client = world.client(notifications::router());
    let token = world.session(&world.admin).await;
    world.order_secret(Fault::Refused, 3);
    let before = world.dump();
    let config = json!({"url": "https://hooks.example.com/"});
    let body = json!({"type": "webhook", "name": "Hook", "config": config});
    let answer = client.post(PATH).bearer(&token).json(body).send_any().await;
    answer.expect(503, "unavailable");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn ids_are_those_of_channels() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let id = create(&world, &token, slack("One")).await.text(201, "id");
    assert!(id.parse::<ChannelId>().is_ok(), "{id}");
}
