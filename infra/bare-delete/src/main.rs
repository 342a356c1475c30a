//! The least that a function which deletes many items can be: full batches with the bare SDK, some
//! of them on their way at once. What the sweep takes beyond it is its own.

use std::{collections::HashMap, fs};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeValue, DeleteRequest, WriteRequest},
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How many items a batch has: the most that the table takes.
const BATCH: usize = 25;

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
    lambda_runtime::run(service_fn(|event| delete_all(&client, &table, event))).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the function measures the SDK, without shared's start"
)]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

/// Deletes the items whose keys are in the file `keys`, a line each, so many batches at once as
/// `concurrency` says.
async fn delete_all(
    client: &Client,
    table: &str,
    event: LambdaEvent<Value>,
) -> Result<Value, Error> {
    let path = event.payload["keys"].as_str().ok_or("no keys are named")?;
    let most = event.payload["concurrency"].as_u64().ok_or("no concurrency is named")?;
    let file = fs::read_to_string(path)?;
    let keys: Vec<_> = file.lines().filter_map(|line| line.split_once(' ')).collect();
    let (mut sent, mut deleted) = (JoinSet::new(), 0);
    for batch in keys.chunks(BATCH) {
        if sent.len() as u64 == most
            && let Some(one) = sent.join_next().await
        {
            deleted += one??;
        }
        let requests = batch.iter().map(|(partition, sort)| delete(partition, sort));
        let requests = requests.collect::<Result<Vec<_>, _>>()?;
        let request = client.batch_write_item().request_items(table, requests);
        let count = batch.len();
        sent.spawn(async move {
            let output = request.send().await?;
            let left = output.unprocessed_items.is_some_and(|left| !left.is_empty());
            if left { Err(Error::from("items are left undone")) } else { Ok(count) }
        });
    }
    for one in sent.join_all().await {
        deleted += one?;
    }
    Ok(json!({"deleted": deleted}))
}

fn delete(partition: &str, sort: &str) -> Result<WriteRequest, Error> {
    let attribute = |text: &str| AttributeValue::S(text.to_owned());
    let key = HashMap::from([
        ("PK".to_owned(), attribute(partition)),
        ("SK".to_owned(), attribute(sort)),
    ]);
    let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}
