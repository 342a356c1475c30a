//! Proving who one is: by the password, by a code, or by both.
//!
//! A guess is judged by what was read, and its outcome is told only once it is written: a wrong one
//! with its charge to the budgets of failures, a right one with what it was proof for. Both are
//! written on the condition that the budgets, and the code, are still as they were read. So however
//! many guesses run at once, no more of them get an answer than the budgets bear, and a code is
//! used up by one of them alone.

use super::{
    attempts::Attempts,
    password::{Password, Verdict},
};
#[cfg(feature = "second-factor")]
use crate::{
    auth::{
        code::{Code, TotpCode},
        second_factor,
    },
    ids::EnrollmentId,
};
use crate::{
    call::Call,
    clock::Timestamp,
    error::Error,
    ids::{ChallengeId, OrganizationId, UserId},
    model::{
        audit::{Action, Actor, Changes},
        organization::Organization,
        second_factor::Spend,
    },
    store::{Evidence, Failure, Lost, Used, Wanted},
};

/// Whose proof it is, and how a wrong one is answered and recorded.
pub struct Subject<'a> {
    /// In which organization.
    pub organization_id: OrganizationId,
    /// The organization, unless the account does not exist.
    pub organization: Option<&'a Organization>,
    /// Whose.
    pub user_id: UserId,
    /// Who tries.
    pub actor: Actor,
    /// What a refusal is in the audit log.
    pub refused: Action,
    /// The answer to a wrong password.
    pub wrong_password: fn() -> Error,
    /// The answer to a wrong code.
    pub wrong_code: fn() -> Error,
    /// The sign-in that a code is for.
    pub challenge: Option<ChallengeId>,
}

/// What is given as proof.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    password: Option<&'a Password>,
    #[cfg(feature = "second-factor")]
    code: Option<&'a Code>,
    #[cfg(feature = "second-factor")]
    enrollment: Option<(EnrollmentId, &'a TotpCode)>,
}

impl<'a> Given<'a> {
    /// The password.
    #[must_use]
    pub const fn password(password: &'a Password) -> Self {
        Self {
            password: Some(password),
            #[cfg(feature = "second-factor")]
            code: None,
            #[cfg(feature = "second-factor")]
            enrollment: None,
        }
    }
}

#[cfg(feature = "second-factor")]
impl<'a> Given<'a> {
    /// A code of the second factor that is on.
    #[must_use]
    pub fn code(code: &'a Code) -> Self {
        Self { code: Some(code), ..Self::default() }
    }

    /// A code of the second factor that is being set up.
    #[must_use]
    pub fn enrollment(id: EnrollmentId, code: &'a TotpCode) -> Self {
        Self { enrollment: Some((id, code)), ..Self::default() }
    }

    /// And a code, too.
    #[must_use]
    pub const fn and_code(mut self, code: &'a Code) -> Self {
        self.code = Some(code);
        self
    }
}

/// A proof that was right when it was checked. Whatever is done for it is written together with it,
/// so that it is still right then, and used up.
#[derive(Debug)]
pub struct Proof {
    /// The budgets, as they were read.
    pub(crate) attempts: Attempts,
    /// What its code uses up.
    pub spend: Option<Spend>,
    /// The time step of an enrollment's code.
    pub step: Option<u64>,
    /// The password's hash, where it has parameters of old.
    pub outdated_hash: Option<String>,
}

impl Proof {
    /// The proof, to be used up along with a write at that moment.
    #[must_use]
    pub const fn used(&self, now: Timestamp) -> Used<'_> {
        Used { attempts: &self.attempts, spend: self.spend.as_ref(), now }
    }
}

/// Checks proofs against what is stored.
pub struct Prover<'a> {
    call: &'a Call,
    subject: Subject<'a>,
    wanted: Wanted<'static>,
    evidence: Evidence,
    /// The hash that the password was tried against, and what came of it: a sign-in takes one
    /// argon2, however often the budgets have to be read again.
    tried: Option<(Option<String>, Verdict)>,
}

impl<'a> Prover<'a> {
    /// A prover that begins with what was read for `wanted`.
    #[must_use]
    pub const fn new(
        call: &'a Call,
        subject: Subject<'a>,
        wanted: Wanted<'static>,
        evidence: Evidence,
    ) -> Self {
        Self { call, subject, wanted, evidence, tried: None }
    }

    /// Checks a proof. A wrong one has been charged and recorded when this returns.
    ///
    /// # Errors
    /// 429 where the budgets are spent; what the subject says of a wrong password or code; 404 where
    /// there is no such enrollment or challenge; 503.
    pub async fn check(&mut self, given: Given<'_>) -> Result<Proof, Error> {
        loop {
            let admitted = self.evidence.attempts.admit(self.call.now);
            let charged = admitted.is_ok();
            let refusal = match admitted {
                Ok(()) => match self.judge(given).await? {
                    Ok(proof) => return Ok(proof),
                    Err(refusal) => refusal,
                },
                Err(refusal) => refusal,
            };
            match self.refuse(&refusal, charged).await {
                Err(Lost::Overtaken) => self.read_again().await?,
                // The challenge has been answered, or given up, meanwhile.
                Err(Lost::Condition(_)) => return Err(Error::NotFound),
                Err(lost) => return Err(lost.or(refusal)),
                Ok(()) => return Err(refusal),
            }
        }
    }

    /// Refuses what a right proof does not suffice for. It tells that the proof was right, so it is
    /// told only as long as the budgets are as they were.
    ///
    /// # Errors
    /// `Overtaken` where they are not; `Failed` with the refusal.
    pub async fn refuse_proven(&self, proof: &Proof, refusal: Error) -> Lost {
        let audit = self.audit(&refusal);
        let failure = Failure { charge: Some((&proof.attempts, false)), ..self.failure() };
        match self.call.store.refuse(failure, &audit, self.call.now, &*self.call.random).await {
            Ok(()) => Lost::Failed(refusal),
            Err(lost) => lost,
        }
    }

    /// Reads again what proofs are checked against, after something was written meanwhile.
    ///
    /// # Errors
    /// 503.
    pub async fn read_again(&mut self) -> Result<(), Error> {
        let Subject { organization_id, user_id, .. } = self.subject;
        let store = &self.call.store;
        let read = store.read_principal(organization_id, user_id, &self.wanted).await?;
        self.evidence = read.evidence;
        Ok(())
    }

    /// The second factor, as it was read.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    async fn judge(&mut self, given: Given<'_>) -> Result<Result<Proof, Error>, Error> {
        let attempts = self.evidence.attempts.clone();
        let mut proof = Proof { attempts, spend: None, step: None, outdated_hash: None };
        if let Some(password) = given.password {
            match self.verdict(password).await? {
                Verdict::Wrong => return Ok(Err((self.subject.wrong_password)())),
                Verdict::RightButOutdated => {
                    proof.outdated_hash.clone_from(&self.evidence.password_hash);
                }
                Verdict::Right => {}
            }
        }
        #[cfg(feature = "second-factor")]
        if let Some(refusal) = self.judge_code(given, &mut proof).await? {
            return Ok(Err(refusal));
        }
        Ok(Ok(proof))
    }

    async fn verdict(&mut self, password: &Password) -> Result<Verdict, Error> {
        let stored = &self.evidence.password_hash;
        if let Some((tried, verdict)) = &self.tried
            && tried == stored
        {
            return Ok(*verdict);
        }
        let verdict = self.call.passwords.verify(password, stored.as_deref()).await?;
        self.tried = Some((stored.clone(), verdict));
        Ok(verdict)
    }

    #[cfg(feature = "second-factor")]
    async fn judge_code(
        &self,
        given: Given<'_>,
        proof: &mut Proof,
    ) -> Result<Option<Error>, Error> {
        let (user, factor) = (self.subject.user_id, self.evidence.factor.as_ref());
        if let Some((id, code)) = given.enrollment {
            let enrollment = factor.and_then(|factor| factor.open_enrollment(id, self.call.now));
            let sealed = &enrollment.ok_or(Error::NotFound)?.sealed_seed;
            proof.step = second_factor::check_enrollment(self.call, user, sealed, code).await?;
            return Ok(proof.step.is_none().then(self.subject.wrong_code));
        }
        let Some(code) = given.code else { return Ok(None) };
        // A factor that another request has turned off meanwhile has no wrong codes.
        let factor = factor.ok_or_else(|| match self.subject.challenge {
            Some(_) => Error::NotFound,
            None => second_factor::not_enabled(),
        })?;
        proof.spend = second_factor::check(self.call, user, factor, code).await?;
        Ok(proof.spend.is_none().then(self.subject.wrong_code))
    }

    async fn refuse(&self, refusal: &Error, charged: bool) -> Result<(), Lost> {
        let audit = self.audit(refusal);
        let charge = charged.then_some((&self.evidence.attempts, true));
        let failure = Failure { charge, ..self.failure() };
        self.call.store.refuse(failure, &audit, self.call.now, &*self.call.random).await
    }

    const fn failure(&self) -> Failure<'_> {
        let Subject { organization, organization_id, user_id, challenge, .. } = self.subject;
        Failure { organization, organization_id, user_id, challenge, charge: None }
    }

    fn audit(&self, refusal: &Error) -> crate::model::audit::AuditRecord {
        let Subject { organization_id, user_id, actor, refused, .. } = self.subject;
        let changes = Changes::default();
        let mut audit = self.call.audit(organization_id, actor, refused, user_id, changes);
        audit.reason = Some(refusal.code());
        audit
    }
}
