//! The sweep's lease: one at a time is at work, and leaves word for the next.

use serde::Deserialize;

use super::{Store, expression::Expression, key::Key};
use crate::{
    clock::{Timestamp, epoch},
    error::Error,
    ids::OrganizationId,
};

/// The sweep's own state.
#[derive(Debug, Clone, Deserialize)]
pub struct Lease {
    /// The organization to begin with: where the last sweep ran out of time.
    #[serde(default)]
    pub next: Option<OrganizationId>,
    /// When the last sweep began that left nothing undone.
    #[serde(with = "epoch::option", default)]
    pub clean_since: Option<Timestamp>,
}

impl Store {
    /// Takes the lease for a sweep until `until`; `None` where another sweep has it.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn take_sweep_lease(
        &self,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, Error> {
        let expression = Expression::default()
            .set(&["holder"], &holder)?
            .set(&["until"], &until.as_millisecond())?
            .when_absent_or_below(&["until"], &now.as_millisecond())?;
        let item = self.update(Key::sweep_lease(), expression).await?;
        item.map(|item| item.decode("lease of the sweep")).transpose()
    }

    /// Gives the lease back, and keeps what the next sweep wants to know. Where another sweep has
    /// taken it meanwhile, nothing is written.
    ///
    /// # Errors
    /// 503 where the table cannot answer.
    pub async fn end_sweep_lease(&self, holder: &str, lease: &Lease) -> Result<(), Error> {
        let expression = Expression::default()
            .set(&["until"], &0)?
            .put(&["next"], lease.next.as_ref())?
            .put(&["clean_since"], lease.clean_since.map(Timestamp::as_second).as_ref())?
            .when_equal(&["holder"], &holder)?;
        self.update(Key::sweep_lease(), expression).await.map(drop)
    }
}
