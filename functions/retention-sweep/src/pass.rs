//! One pass over all organizations.

use shared::{
    call::Call,
    clock::Timestamp,
    error::Error,
    ids::OrganizationId,
    model::organization::Organization,
    store::{LogDays, ORGANIZATIONS_AT_ONCE},
};
use tokio::task::JoinSet;

use crate::{
    organization::{End, Sweep},
    summary::Summary,
};

/// A pass.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    /// The invocation. Its moment is the one that cut-offs are reckoned from.
    pub call: &'a Call,
    /// When nothing more is begun.
    pub until: Timestamp,
    /// Whether it only counts.
    pub dry_run: bool,
}

impl Pass<'_> {
    /// Whether the time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.call.clock.now() >= self.until
    }

    /// Sweeps all organizations, beginning with `first`, where the last pass ran out of time: so none
    /// is always the last one. Tells where to begin the next time, too.
    ///
    /// # Errors
    /// 503 where the organizations cannot be listed.
    pub async fn run(
        &self,
        first: Option<OrganizationId>,
    ) -> Result<(Summary, Option<OrganizationId>), Error> {
        let mut ids = self.call.store.list_organizations().await?;
        let begin = ids.partition_point(|id| first.is_some_and(|first| *id < first));
        let all = ids.len().max(1);
        ids.rotate_left(begin % all);
        let mut summary = Summary::default();
        for some in ids.chunks(ORGANIZATIONS_AT_ONCE) {
            if self.is_over() {
                return Ok((summary, some.first().copied()));
            }
            for (id, read) in self.read(some).await {
                match read {
                    Ok((organization, days)) => {
                        let sweep = Sweep::new(*self, &organization, days);
                        let (swept, work, end) = sweep.run().await;
                        summary.work.add(work);
                        if swept.is_telling() {
                            summary.organizations.push(swept);
                        }
                        match end {
                            End::Done => {}
                            End::Incomplete => summary.skipped.push(id),
                            End::OutOfTime => return Ok((summary, Some(id))),
                        }
                    }
                    Err(error) => {
                        tracing::error!(organization = %id, %error, "skipped");
                        summary.skipped.push(id);
                    }
                }
            }
        }
        summary.complete = true;
        Ok((summary, None))
    }

    /// Reads organizations in one call, and their days side by side.
    async fn read(
        &self,
        ids: &[OrganizationId],
    ) -> Vec<(OrganizationId, Result<(Organization, LogDays), Error>)> {
        let organizations = match self.call.store.read_organizations(ids).await {
            Ok(organizations) => organizations,
            Err(error) => {
                let cause = error.to_string();
                let failed = |id: &OrganizationId| (*id, Err(Error::unavailable(cause.clone())));
                return ids.iter().map(failed).collect();
            }
        };
        let (mut found, mut reads) = (Vec::with_capacity(ids.len()), JoinSet::new());
        for (id, organization) in organizations {
            match organization {
                Ok(organization) => {
                    let store = self.call.store.clone();
                    reads.spawn(async move {
                        let days = store.log_days(id).await;
                        (id, days.map(|days| (organization, days)))
                    });
                }
                Err(error) => found.push((id, Err(error))),
            }
        }
        found.extend(reads.join_all().await);
        // In the order of the ids, which is where a next pass goes on.
        found.sort_by_key(|(id, _)| ids.iter().position(|it| it == id));
        found
    }
}
