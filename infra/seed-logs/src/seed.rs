//! Writes the records.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use local_stack::engine::TABLE;
use shared::{
    clock::Timestamp,
    error::Error,
    model::organization::Organization,
    random::{self, Random},
    store::{BATCH, Seeder, Store},
};
use tokio::task::JoinSet;

use crate::plan::Plan;

/// How many batches are on their way at once.
const CONCURRENCY: usize = 16;

/// Writes what the plan says, and tells after each batch how many records there are.
///
/// # Errors
/// 503 where the table does not take a batch, however often it is sent.
pub async fn seed(
    store: &Store,
    organization: &Organization,
    plan: &Plan,
    now: Timestamp,
    random: Arc<dyn Random>,
    mut told: impl FnMut(u64),
) -> Result<(), Error> {
    let seeder = store.seeder(organization.id);
    // A second run writes other records, and not the same ones again.
    let number = u32::from_be_bytes(random::bytes(&*random));
    let (mut sent, mut written) = (JoinSet::new(), 0);
    for share in plan.shares(organization, now) {
        seeder.enter_days(share.kind, &share.days(), &*random).await?;
        let mut ids = share.ids(number).peekable();
        while ids.peek().is_some() {
            if sent.len() == CONCURRENCY {
                written += next(&mut sent).await?;
                told(written);
            }
            let batch: Vec<_> = ids.by_ref().take(BATCH).collect();
            let (seeder, random): (Seeder, _) = (seeder.clone(), Arc::clone(&random));
            sent.spawn(async move {
                seeder.write(share.kind, &batch, &*random).await.map(|()| batch.len() as u64)
            });
        }
    }
    while !sent.is_empty() {
        written += next(&mut sent).await?;
        told(written);
    }
    Ok(())
}

async fn next(sent: &mut JoinSet<Result<u64, Error>>) -> Result<u64, Error> {
    match sent.join_next().await {
        Some(Ok(written)) => written,
        Some(Err(error)) => Err(Error::internal(error.to_string())),
        None => Ok(0),
    }
}

/// The table of a stack, by its engine's address.
#[must_use]
pub fn store_at(url: &str) -> Store {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(url)
        .build();
    Store::new(|| Client::from_conf(config), TABLE)
}
