//! Replays: a retry of a request that creates something gets the first answer again.
//!
//! The record of the answer is written in the transaction of the change itself. So there is no
//! moment in which the one exists without the other, and no claim that a crash could leave behind;
//! of two requests at once, one writes, and the other finds its answer.
//!
//! The answer can hold a secret that is shown once. It is encrypted with a key derived from the
//! caller's own token and from the idempotency key, and the table has only digests of these: no
//! reader of the table opens it, not even with the deployment's secret.

use axum::http::StatusCode;
use sha2::{Digest, Sha256};

use super::{answer::Fixed, body::BodyDigest, idempotency::IdempotencyKey};
use crate::{
    auth::caller::Caller,
    call::Call,
    error::Error,
    ids::{OrganizationId, UserId},
    sealed,
    store::{Lost, ReplayKey, ReplayRecord},
};

/// A request that may be a retry, and is not: it has to be carried out. Without an idempotency key
/// it is just that.
pub struct First(Option<Idempotent>);

struct Idempotent {
    key: IdempotencyKey,
    fingerprint: [u8; 32],
    organization: OrganizationId,
    user: UserId,
}

/// What to do with a request that may be a retry.
pub enum Attempt {
    /// Carry it out.
    First(First),
    /// Answer what was answered before.
    Replay(Fixed),
}

/// What is written along with a change, so that a retry finds the answer.
pub type Record = Option<(ReplayKey, ReplayRecord)>;

impl Attempt {
    /// Looks at what the auth read has found for the request's key.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub fn of<L>(caller: &Caller<L>, path: &str, body: &BodyDigest) -> Result<Self, Error> {
        let Some(key) = caller.idempotency_key.clone() else {
            return Ok(Self::First(First(None)));
        };
        let mut fingerprint = Sha256::new();
        for part in [path.as_bytes(), body] {
            fingerprint.update((part.len() as u64).to_be_bytes());
            fingerprint.update(part);
        }
        let request = Idempotent {
            key,
            fingerprint: fingerprint.finalize().into(),
            organization: caller.organization.id,
            user: caller.user.id,
        };
        match &caller.replay {
            Some(record) if caller.call.now < record.expires_at => {
                request.replay(record).map(Self::Replay)
            }
            _ => Ok(Self::First(First(Some(request)))),
        }
    }
}

impl First {
    /// The record of an answer, where the request has an idempotency key.
    ///
    /// # Errors
    /// 500 where the cipher refuses.
    pub fn record(&self, call: &Call, answer: &Fixed) -> Result<Record, Error> {
        let Self(Some(request)) = self else { return Ok(None) };
        let (key, data) = (request.key.sealing_key(), request.associated_data());
        let sealed = sealed::seal(key, &answer.body, &data, &*call.random)?;
        let status = answer.status.as_u16();
        let record = ReplayRecord::new(request.fingerprint, status, sealed, call.now);
        Ok(Some((request.key.record().clone(), record)))
    }

    /// Turns the outcome of the write into the answer. Where another request with the same key was
    /// faster, that is its answer.
    ///
    /// # Errors
    /// What was lost; 409 `idempotency_key_in_flight` where the other request is still at it.
    pub async fn conclude(
        &self,
        call: &Call,
        written: Result<(), Lost>,
        answer: Fixed,
    ) -> Result<Fixed, Lost> {
        match (written, self) {
            (Ok(()), _) => Ok(answer),
            (Err(Lost::Busy), Self(Some(_))) => Err(Lost::Failed(Error::conflict(
                "idempotency_key_in_flight",
                "A request with this Idempotency-Key is being carried out. Try again.",
            ))),
            (Err(Lost::Condition(part)), Self(Some(request))) => {
                let Idempotent { key, organization, user, .. } = request;
                match call.store.read_replay(*organization, *user, key.record()).await? {
                    Some(record) if call.now < record.expires_at => Ok(request.replay(&record)?),
                    _ => Err(Lost::Condition(part)),
                }
            }
            (Err(lost), _) => Err(lost),
        }
    }
}

impl Idempotent {
    fn replay(&self, record: &ReplayRecord) -> Result<Fixed, Error> {
        if record.fingerprint.0 != self.fingerprint {
            return Err(Error::IdempotencyKeyReused);
        }
        let data = self.associated_data();
        let body = sealed::open(self.key.sealing_key(), &record.sealed_body, &data)?;
        let status = StatusCode::from_u16(record.status)
            .map_err(|_| Error::internal("replay: the recorded status is none"))?;
        Ok(Fixed { status, body, replayed: true })
    }

    fn associated_data(&self) -> Vec<u8> {
        self.key.record().associated_data(self.organization, self.user)
    }
}
