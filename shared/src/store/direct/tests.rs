use std::sync::Mutex;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Region,
        endpoint::{DefaultResolver, Params, ResolveEndpoint as _},
    },
};
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, http_client_fn},
        orchestrator::HttpResponse,
        result::ConnectorError,
    },
    http::StatusCode,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{
    super::{Store, key::Key},
    *,
};

/// How a connector answers, and the requests that it has seen.
#[derive(Debug, Clone)]
struct Scripted(Script, Arc<Mutex<Vec<HttpRequest>>>);

#[derive(Debug, Clone, Copy)]
enum Script {
    Answer(u16, &'static str),
    Break,
    Silence,
}

impl Scripted {
    fn new(script: Script) -> Self {
        Self(script, Arc::default())
    }

    fn seen(&self) -> usize {
        self.1.lock().unwrap().len()
    }
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.1.lock().unwrap().push(request);
        match self.0 {
            Script::Answer(status, body) => {
                let status = StatusCode::try_from(status).unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
            }
            Script::Break => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset".into())))
            }
            Script::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

const FOUND: Script = Script::Answer(
    200,
    r#"{"Responses":{"t":[{"PK":{"S":"ORG#o"},"SK":{"S":"ORG"}}]},"UnprocessedKeys":{}}"#,
);
const NOTHING: Script = Script::Answer(200, r#"{"Responses":{"t":[]},"UnprocessedKeys":{}}"#);

fn credentials(token: Option<&str>) -> Credentials {
    Credentials::new("AKID", "secret", token.map(str::to_owned), None, "test")
}

fn direct(connector: &Scripted, region: &str) -> Option<Direct> {
    Direct::new(SharedHttpConnector::new(connector.clone()), credentials(None), region, None)
}

/// A table that the SDK answers for with one script, and the direct way with another.
fn table(way: &Scripted, sdk: &Scripted) -> Store {
    let connector = SharedHttpConnector::new(sdk.clone());
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .credentials_provider(credentials(None))
        .region(Region::from_static("eu-west-1"))
        .build();
    Store::new(|| Client::from_conf(config), "t").directly(direct(way, "eu-west-1"))
}

/// How many items a read finds.
async fn read(store: &Store) -> usize {
    store.batch_get_all([Key::log("ORG#o", "ORG")]).await.unwrap().len()
}

#[tokio::test]
async fn what_is_answered_is_read_without_the_sdk() {
    let way = Scripted::new(FOUND);
    let store = Store::new(|| unreachable!(), "t").directly(direct(&way, "eu-west-1"));
    assert_eq!(read(&store).await, 1);
    assert_eq!((store.meter.calls(), way.seen()), (1, 1));
    let seen = way.1.lock().unwrap();
    let body: serde_json::Value = serde_json::from_slice(seen[0].body().bytes().unwrap()).unwrap();
    let expected = serde_json::json!({
        "RequestItems": {"t": {
            "Keys": [{"PK": {"S": "ORG#o"}, "SK": {"S": "ORG"}}], "ConsistentRead": true,
        }},
        "ReturnConsumedCapacity": "TOTAL",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_is_not_answered_is_read_by_the_sdk_and_all_else_for_ten_seconds() {
    for failure in [
        Script::Answer(400, r#"{"__type":"com.amazonaws#ProvisionedThroughputExceededException"}"#),
        Script::Answer(403, "{}"),
        Script::Answer(500, ""),
        Script::Answer(200, "<html>"),
        Script::Break,
        Script::Silence,
    ] {
        let (way, sdk) = (Scripted::new(failure), Scripted::new(NOTHING));
        let store = table(&way, &sdk);
        assert_eq!(read(&store).await, 0, "{failure:?}");
        assert_eq!(read(&store).await, 0, "{failure:?}");
        assert_eq!((way.seen(), sdk.seen(), store.meter.calls()), (1, 2, 2), "{failure:?}");
        let rested = &store.direct.as_ref().unwrap().0;
        rested.rests_until.store(rested.second(), Ordering::Relaxed);
        read(&store).await;
        assert_eq!((way.seen(), sdk.seen()), (2, 3), "{failure:?}");
    }
}

#[tokio::test]
async fn an_address_is_the_one_that_the_sdk_knows_or_left_to_it() {
    for region in ["us-east-1", "eu-central-2", "ap-southeast-7", "il-central-1", "mx-central-1"] {
        let parameters = Params::builder().region(region).build().unwrap();
        let known = DefaultResolver::new().resolve_endpoint(&parameters).await.unwrap();
        assert_eq!(address(region).unwrap(), format!("{}/", known.url()), "{region}");
    }
    let way = Scripted::new(FOUND);
    for region in ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "mars", ""] {
        assert!(direct(&way, region).is_none(), "{region}");
    }
}

/// Checked against a signature that is made here, by the letter of the protocol.
#[test]
fn a_call_is_signed_as_version_4_says() {
    let keyed = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let hex =
        |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    for token in [None, Some("session-token")] {
        let connector = SharedHttpConnector::new(Scripted::new(FOUND));
        let way = Direct::new(connector, credentials(token), "eu-west-1", None).unwrap();
        let moment = UNIX_EPOCH + Duration::from_hours(492_951);
        let time = SharedTimeSource::new(StaticTimeSource::new(moment));
        let way =
            Way { time, rests_until: AtomicU64::default(), ..Arc::into_inner(way.0).unwrap() };
        let request = way.signed("DynamoDB_20120810.BatchGetItem", b"{}".to_vec()).unwrap();
        assert_eq!(request.uri(), "https://dynamodb.eu-west-1.amazonaws.com/");
        assert_eq!(request.headers().get("x-amz-date"), Some("20260327T150000Z"));
        assert_eq!(request.headers().get("x-amz-security-token"), token);
        let mut headers = vec![
            ("content-type", CONTENT_TYPE),
            ("host", "dynamodb.eu-west-1.amazonaws.com"),
            ("x-amz-date", "20260327T150000Z"),
        ];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.push(("x-amz-target", "DynamoDB_20120810.BatchGetItem"));
        let lines = headers.iter().map(|(name, value)| format!("{name}:{value}\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let body = hex(&Sha256::digest(b"{}"));
        let canonical = format!("POST\n/\n\n{lines}\n{names}\n{body}");
        let scope = "20260327/eu-west-1/dynamodb/aws4_request";
        let digest = hex(&Sha256::digest(&canonical));
        let to_sign = format!("AWS4-HMAC-SHA256\n20260327T150000Z\n{scope}\n{digest}");
        let key = ["eu-west-1", "dynamodb", "aws4_request"]
            .into_iter()
            .fold(keyed(b"AWS4secret", "20260327"), |key, part| keyed(&key, part));
        let signature = hex(&keyed(&key, &to_sign));
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders={names}, Signature={signature}"
        );
        assert_eq!(request.headers().get("authorization"), Some(&*expected));
    }
}
