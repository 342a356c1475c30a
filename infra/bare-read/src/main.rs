//! The least that a function which reads the table can be: one `GetItem` with the bare SDK. What
//! the others take beyond it is their own.

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
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

/// Reads the item of the partition that the request's path names.
async fn read(client: &Client, table: &str, request: Request) -> Result<Response<Body>, Error> {
    let partition = request.uri().path().trim_start_matches('/').replace("%23", "#");
    let output = client
        .get_item()
        .table_name(table)
        .key("PK", AttributeValue::S(partition))
        .key("SK", AttributeValue::S("ORG".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let item = output.item.ok_or("there is no such item")?;
    let name = item.get("name").and_then(|name| name.as_s().ok()).ok_or("it has no name")?;
    Ok(Response::new(Body::from(name.as_str())))
}
