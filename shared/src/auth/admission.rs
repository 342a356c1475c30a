//! Lets requests in, or not, by the address that they come from, and notes what came of it beside
//! the answer.

use super::{
    allowlist::{Means, Verdict},
    caller::Credential,
};
use crate::{call::Call, error::Error, ids::OrganizationId, model::organization::Organization};

/// A request that the allowlist lets in.
#[derive(Debug, Clone, Copy)]
#[must_use = "that the list was evaluated is to be noted"]
pub struct Admission {
    organization: OrganizationId,
    verdict: Verdict,
}

/// Judges the address that a request comes from.
///
/// # Errors
/// 403 `ip_not_allowed`.
pub fn admit(call: &Call, organization: &Organization, means: Means) -> Result<Admission, Error> {
    match organization.allowlist.judge(call.address, means, call.now) {
        Verdict::Refused => Err(Error::IpNotAllowed),
        verdict => Ok(Admission { organization: organization.id, verdict }),
    }
}

impl Admission {
    /// Notes that the list was evaluated, and with which credential it would have refused: at most
    /// once a minute each, and no answer waits for it. Of a refusal nothing is noted, so that
    /// strangers write nothing.
    ///
    /// An instance asks the table at most once a minute; what other instances have noted meanwhile
    /// is found there.
    pub fn note(self, call: &Call, credential: Option<Credential>) {
        let Self { organization, verdict } = self;
        if verdict == Verdict::NotAsked {
            return;
        }
        let now = call.now;
        let credential = credential.filter(|_| verdict == Verdict::WouldBeRefused);
        let due = |id: u128| call.background.is_due(id, now);
        let evaluated = due(organization.to_bits());
        let credential = credential.filter(|credential| due(credential.to_bits()));
        if !evaluated && credential.is_none() {
            return;
        }
        let store = call.background_store();
        call.background.spawn(async move {
            let credential = credential.map(|credential| credential.to_string());
            if let Err(error) = store.note_evaluation(organization, credential, now).await {
                tracing::warn!(cause = %error, "the allowlist's evaluation was not noted");
            }
        });
    }
}
