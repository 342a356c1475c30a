//! Log records as the platform's other services write them, for stacks to try the sweep on.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use serde::Serialize;

use super::{Store, batch::BATCH, encode::encode, key::Key};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{AuditId, OrganizationId},
    model::{
        audit::{Action, Actor, AuditRecord, Changes},
        retention::LogKind,
    },
    random::Random,
};

/// What seeded audit records name as their request.
const REQUEST: &str = "seed-logs";

/// What a seeded record of the other kinds says.
#[derive(Serialize)]
struct Line {
    message: &'static str,
}

/// Puts log records into the table.
#[derive(Debug, Clone)]
pub struct Seeder {
    store: Store,
    organization: OrganizationId,
}

impl Store {
    /// A seeder for an organization's logs.
    #[must_use]
    pub fn seeder(&self, organization: OrganizationId) -> Seeder {
        Seeder { store: self.clone(), organization }
    }
}

impl Seeder {
    /// Enters the days of moments into the index, before there are records of them.
    ///
    /// # Errors
    /// 503 where the table does not take them all.
    pub async fn enter_days(
        &self,
        kind: LogKind,
        days: &[Timestamp],
        random: &dyn Random,
    ) -> Result<(), Error> {
        let entry = |at: &Timestamp| Key::log_day(self.organization, kind, &at.day());
        for days in days.chunks(BATCH) {
            let requests = days.iter().map(|at| {
                let item = Some(entry(at).attributes());
                put(PutRequest::builder().set_item(item))
            });
            self.send(requests.collect::<Result<_, _>>()?, random).await?;
        }
        Ok(())
    }

    /// Writes up to [`BATCH`] records of a kind, each at the moment of its id, under that id's ULID.
    ///
    /// # Errors
    /// 503 where the table does not take them all.
    pub async fn write(
        &self,
        kind: LogKind,
        ids: &[AuditId],
        random: &dyn Random,
    ) -> Result<(), Error> {
        let requests = ids.iter().map(|id| {
            let at = id.created_at();
            let key = Key::log_of(self.organization, kind, *id);
            let item = if kind == LogKind::AuditLogs {
                encode(key, &self.audit_record(*id, at))?
            } else {
                encode(key, &Line { message: "Seeded, to be swept." })?
            };
            put(PutRequest::builder().set_item(Some(item)))
        });
        self.send(requests.collect::<Result<_, _>>()?, random).await
    }

    fn audit_record(&self, id: AuditId, at: Timestamp) -> AuditRecord {
        AuditRecord {
            id,
            organization_id: self.organization,
            occurred_at: at,
            actor: Actor::Operator,
            action: Action::EntitlementsUpdated,
            target: self.organization.to_string(),
            reason: None,
            ip_address: None,
            request_id: REQUEST.to_owned(),
            changes: Changes::default(),
        }
    }

    async fn send(&self, requests: Vec<WriteRequest>, random: &dyn Random) -> Result<(), Error> {
        let all = requests.len();
        let done = self.store.write_batch(|| requests.clone(), random).await;
        if done == all { Ok(()) } else { Err(Error::unavailable("a batch was not taken")) }
    }
}

fn put(
    request: aws_sdk_dynamodb::types::builders::PutRequestBuilder,
) -> Result<WriteRequest, Error> {
    let put = request.build().map_err(|error| Error::internal(error.to_string()))?;
    Ok(WriteRequest::builder().put_request(put).build())
}
