//! Replays: a retry of a request that creates something gets the first answer again.
//!
//! The record of the answer is written in the transaction of the change itself. So there is no
//! moment in which the one exists without the other, and no claim that a crash could leave behind;
//! of two requests at once, one writes, and the other finds its answer.
//!
//! The answer can hold a secret that is shown once, and the request a password. So the answer and
//! the request's digest are encrypted together, with a key derived from the caller's own token and
//! from the idempotency key, of which the table has digests only: no reader of the table opens it,
//! not even with the deployment's secret, and none can guess the password by a digest in plain
//! sight.

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
        let plain = [&request.fingerprint[..], &answer.body].concat();
        let sealed = sealed::seal(key, &plain, &data, &*call.random)?;
        let record = ReplayRecord::new(answer.status.as_u16(), sealed, call.now);
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
            (Err(Lost::Condition(part)), _) => {
                self.earlier(call).await?.ok_or(Lost::Condition(part))
            }
            (Err(lost), _) => Err(lost),
        }
    }

    /// Turns a refusal into the answer of an earlier request with the same key, where there is one by
    /// now: it may have used up what this one was refused for.
    ///
    /// # Errors
    /// The refusal; 503 where the table cannot answer.
    pub async fn refused(&self, call: &Call, refusal: Error) -> Result<Fixed, Error> {
        self.earlier(call).await?.ok_or(refusal)
    }

    /// What was answered to the key since the auth read.
    async fn earlier(&self, call: &Call) -> Result<Option<Fixed>, Error> {
        let Self(Some(request)) = self else { return Ok(None) };
        let Idempotent { key, organization, user, .. } = request;
        match call.store.read_replay(*organization, *user, key.record()).await? {
            Some(record) if call.now < record.expires_at => request.replay(&record).map(Some),
            _ => Ok(None),
        }
    }
}

impl Idempotent {
    fn replay(&self, record: &ReplayRecord) -> Result<Fixed, Error> {
        let data = self.associated_data();
        let plain = sealed::open(self.key.sealing_key(), &record.sealed, &data)?;
        let (fingerprint, body) = plain
            .split_at_checked(self.fingerprint.len())
            .ok_or_else(|| Error::internal("replay: the record is too short"))?;
        if fingerprint != self.fingerprint {
            return Err(Error::IdempotencyKeyReused);
        }
        let status = StatusCode::from_u16(record.status)
            .map_err(|_| Error::internal("replay: the recorded status is none"))?;
        Ok(Fixed { status, body: body.to_vec(), replayed: true })
    }

    fn associated_data(&self) -> Vec<u8> {
        self.key.record().associated_data(self.organization, self.user)
    }
}
