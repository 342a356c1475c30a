//! The least that a function which reads the table can be: one `GetItem` with the bare SDK. What
//! the others take beyond it is their own.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeValue, KeysAndAttributes},
};
use lambda_http::{Body, Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB")?)
        .build();
    let (client, table) = (Client::from_conf(config), variable("TABLE_NAME")?);
    lambda_http::run(service_fn(|request| read(&client, &table, request))).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the function measures the SDK, without shared's start"
)]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

/// Reads the organization's item that the request's path names; with a user's beside it, both in one
/// `BatchGetItem`.
async fn read(client: &Client, table: &str, request: Request) -> Result<Response<Body>, Error> {
    let path = request.uri().path().replace("%23", "#");
    let keys: Vec<_> = path.split('/').skip(1).map(key).collect();
    let item = if keys.len() == 1 {
        let request = client.get_item().table_name(table).set_key(keys.into_iter().next());
        request.consistent_read(true).send().await?.item
    } else {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let output = client.batch_get_item().request_items(table, keys.build()?).send().await?;
        output.responses.and_then(|mut tables| tables.remove(table)).and_then(|mut it| it.pop())
    };
    let item = item.ok_or("there is no such item")?;
    let id = item.get("id").and_then(|id| id.as_s().ok()).ok_or("it has no id")?;
    Ok(Response::new(Body::from(id.as_str())))
}

fn key(partition: &str) -> HashMap<String, AttributeValue> {
    let sort = partition.split('#').next().unwrap_or_default();
    let attribute = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("PK".to_owned(), attribute(partition)), ("SK".to_owned(), attribute(sort))])
}
