//! Second factors: everybody's seed is the one of RFC 6238's own vectors.

use shared::{
    auth::{attempts::Attempts, code::BackupCode, second_factor},
    call::Call,
    ids::{ChallengeId, EnrollmentId},
    model::{
        challenge::{CHALLENGE_SECONDS, Challenge},
        second_factor::{ENROLLMENT_MINUTES, Enrollment},
    },
    store::{Activation, FirstStep, Principal, Used, Wanted},
};
use totp_rs::{Algorithm, Builder, Secret};

use crate::{Person, World};

/// Everybody's seed.
pub const SEED: [u8; 20] = *b"12345678901234567890";

/// The code that an authenticator app shows at a moment, in seconds since the Unix epoch, for a seed
/// in base 32.
pub fn code_of(seed: &str, moment: i64) -> String {
    generate(Secret::try_from_base32(seed).unwrap(), moment)
}

fn generate(seed: impl Into<Secret>, moment: i64) -> String {
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(seed).build();
    totp.unwrap().generate(moment.cast_unsigned()).to_string()
}

impl World {
    /// The code of the present time step.
    #[must_use]
    pub fn code(&self) -> String {
        self.code_at(0)
    }

    /// The code of the time step that is `steps` after the present one.
    #[must_use]
    pub fn code_at(&self, steps: i64) -> String {
        generate(SEED.to_vec(), self.now().as_second() + steps * 30)
    }

    /// Begins to set up a second factor, under an id of zeros.
    pub async fn enroll(&self, person: &Person) -> EnrollmentId {
        let id = EnrollmentId::from_bits(0);
        let Principal { organization, user } = self.principal(person).await;
        if !user.mfa_enabled {
            let call = Call::new(&self.app, "set-up", None, None);
            let sealed_seed = second_factor::Seed::new(SEED).seal(&call, user.id).await.unwrap();
            let expires_at = self.now().plus_minutes(ENROLLMENT_MINUTES);
            let enrollment = Enrollment { id, sealed_seed, expires_at };
            let audit = self.some_audit(organization.id, user.id);
            let store = &self.app.store;
            store
                .begin_enrollment(
                    &organization,
                    &user,
                    &enrollment,
                    None,
                    &audit,
                    &*self.app.random,
                )
                .await
                .unwrap();
        }
        id
    }

    /// Turns a second factor on, none of whose codes has been used; its backup codes.
    pub async fn enable_mfa(&self, person: &Person) -> Vec<String> {
        let Principal { organization, user } = self.principal(person).await;
        if user.mfa_enabled {
            return Vec::new();
        }
        self.enroll(person).await;
        let call = Call::new(&self.app, "set-up", None, None);
        let (codes, hashes) = second_factor::new_backup_codes(&call, user.id).await.unwrap();
        let wanted = Wanted { factor: true, ..Wanted::default() };
        let read = self.app.store.read_principal(organization.id, user.id, &wanted).await.unwrap();
        let enrollment = read.evidence.factor.unwrap().enrollment.unwrap();
        let activation =
            Activation { enrollment: &enrollment, step: 0, backup_codes: &hashes, replay: None };
        let (attempts, audit) =
            (self.attempts(person).await, self.some_audit(organization.id, user.id));
        let proof = Used { attempts: &attempts, spend: None, now: self.now() };
        let random = &*self.app.random;
        let store = &self.app.store;
        store.enable_mfa(&organization, &user, activation, proof, &audit, random).await.unwrap();
        codes.iter().map(BackupCode::reveal).collect()
    }

    /// Begins a challenge, under an id of the caller's choice.
    pub async fn challenge(&self, person: &Person, bits: u128) -> ChallengeId {
        let id = ChallengeId::from_bits(bits);
        let Principal { organization, user } = self.principal(person).await;
        if self.app.store.read_challenge(id).await.unwrap().is_none() {
            let challenge = Challenge {
                organization_id: organization.id,
                user_id: user.id,
                credentials_version: user.credentials_version,
                tries: 0,
                expires_at: self.now().plus_seconds(CHALLENGE_SECONDS),
            };
            let (attempts, audit) =
                (self.attempts(person).await, self.some_audit(organization.id, user.id));
            let step = FirstStep {
                organization: &organization,
                id,
                challenge: &challenge,
                proof: Used { attempts: &attempts, spend: None, now: self.now() },
                rehash: None,
                audit: &audit,
            };
            self.app.store.begin_challenge(step, &*self.app.random).await.unwrap();
        }
        id
    }

    /// The budgets of failures of a person, for a request from nowhere.
    pub(crate) async fn attempts(&self, person: &Person) -> Attempts {
        let wanted = Wanted { attempts: true, ..Wanted::default() };
        let (organization, user) = (person.organization_id, person.user_id);
        let read = self.app.store.read_principal(organization, user, &wanted).await;
        read.unwrap().evidence.attempts
    }
}
