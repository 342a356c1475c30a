//! Time-based codes (TOTP, RFC 6238) and backup codes: how they are made and checked.
//!
//! The seed is encrypted under a key that the table has not, bound to its user. Of a backup code
//! there is only a keyed hash: it has 33 bits, which whoever reads a plain hash could try through.

use totp_rs::{Algorithm, Builder, Totp};

use super::code::{BackupCode, Code, TotpCode};
use crate::{
    call::Call,
    clock::Timestamp,
    error::Error,
    ids::UserId,
    model::second_factor::{SecondFactor, Spend},
    random::{self, Random},
    secrets::Cipher,
};

/// How many backup codes a user is given.
pub const BACKUP_CODES: usize = 10;

/// The length of a seed, in bytes (RFC 4226, section 4, R6: 160 bits recommended).
const SEED_LENGTH: usize = 20;
/// The length of a time step, in seconds.
const STEP_SECONDS: u64 = 30;
/// How many steps a clock may be off, either way (RFC 6238, section 5.2: one at most).
const DRIFT: u64 = 1;

/// The names under which the encryption keys are derived.
const SEEDS: &str = "seeds of one-time codes";
const BACKUPS: &str = "backup codes";

/// The seed of a user's codes. `Debug` prints nothing of it.
pub struct Seed([u8; SEED_LENGTH]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed([REDACTED])")
    }
}

impl Seed {
    /// A new seed.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// The seed of those bytes.
    #[must_use]
    pub const fn new(bytes: [u8; SEED_LENGTH]) -> Self {
        Self(bytes)
    }

    /// The seed in base 32, for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.totp().secret().to_base32()
    }

    /// Encrypts the seed for its user.
    ///
    /// # Errors
    /// 503 where the deployment's secret is out of reach.
    pub async fn seal(&self, call: &Call, user: UserId) -> Result<String, Error> {
        let cipher = call.keyring.cipher(SEEDS, &[]).await?;
        cipher.seal(&self.0, user.to_string().as_bytes(), &*call.random)
    }

    fn open(cipher: &Cipher, sealed: &str, user: UserId) -> Result<Self, Error> {
        let seed = cipher.open(sealed, user.to_string().as_bytes())?;
        let seed = seed.try_into().map_err(|_| Error::internal("a seed is not of its length"))?;
        Ok(Self(seed))
    }

    fn totp(&self) -> Totp {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(0)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0.to_vec())
            .build_noncompliant()
    }

    /// The step after `last_step`, and within the drift from `now`, that a code is of.
    fn step_of(&self, code: &TotpCode, last_step: u64, now: Timestamp) -> Option<u64> {
        let present = now.as_second().cast_unsigned() / STEP_SECONDS;
        let first = present.saturating_sub(DRIFT).max(last_step + 1);
        let totp = self.totp();
        (first..=present + DRIFT)
            .find(|step| totp.check(code.digits(), step * STEP_SECONDS).is_some())
    }
}

/// The refusal of what needs a second factor that is on.
#[must_use]
pub fn not_enabled() -> Error {
    Error::conflict("mfa_not_enabled", "MFA is off.")
}

/// Checks a code of the factor that is being set up; the step that it is of.
///
/// # Errors
/// 503 where the deployment's secret is out of reach.
pub async fn check_enrollment(
    call: &Call,
    user: UserId,
    sealed_seed: &str,
    code: &TotpCode,
) -> Result<Option<u64>, Error> {
    let cipher = call.keyring.cipher_for(SEEDS, &[], [sealed_seed]).await?;
    Ok(Seed::open(&cipher, sealed_seed, user)?.step_of(code, 0, call.now))
}

/// Checks a code against a user's second factor: what it would use up, where it is right. It is
/// used up only by being written so.
///
/// # Errors
/// 503 where the deployment's secret is out of reach.
pub async fn check(
    call: &Call,
    user: UserId,
    factor: &SecondFactor,
    code: &Code,
) -> Result<Option<Spend>, Error> {
    match code {
        Code::Totp(code) => {
            let Some(sealed) = &factor.sealed_seed else { return Ok(None) };
            let cipher = call.keyring.cipher_for(SEEDS, &[], [sealed.as_str()]).await?;
            let seed = Seed::open(&cipher, sealed, user)?;
            let Some(step) = seed.step_of(code, factor.last_step, call.now) else {
                return Ok(None);
            };
            let resealed = if cipher.is_current(sealed) {
                None
            } else {
                Some(cipher.seal(&seed.0, user.to_string().as_bytes(), &*call.random)?)
            };
            Ok(Some(Spend::Step { step, sealed_seed: sealed.clone(), resealed }))
        }
        Code::Backup(code) => {
            let hashes = factor.backup_codes.keys().map(String::as_str);
            let context = user.to_string();
            let cipher = call.keyring.cipher_for(BACKUPS, context.as_bytes(), hashes).await?;
            for stored in factor.backup_codes.keys() {
                // The hash is of a secret key, so how long a comparison takes tells nothing.
                if cipher.mac_like(stored, code.digits().as_bytes())? == *stored {
                    return Ok(Some(Spend::BackupCode { hash: stored.clone() }));
                }
            }
            Ok(None)
        }
    }
}

/// New backup codes, and the keyed hashes that are stored of them.
///
/// # Errors
/// 503 where the deployment's secret is out of reach.
pub async fn new_backup_codes(
    call: &Call,
    user: UserId,
) -> Result<(Vec<BackupCode>, std::collections::BTreeMap<String, bool>), Error> {
    let cipher = call.keyring.cipher(BACKUPS, user.to_string().as_bytes()).await?;
    let (mut codes, mut hashes) = (Vec::new(), std::collections::BTreeMap::new());
    while codes.len() < BACKUP_CODES {
        let code = BackupCode::new(ten_digits(&*call.random));
        // Two codes that are the same would be one.
        if hashes.insert(cipher.mac(code.digits().as_bytes())?, true).is_none() {
            codes.push(code);
        }
    }
    Ok((codes, hashes))
}

/// Ten random digits. Of 64 bits, what the remainder prefers is one part in 10^9.
fn ten_digits(random: &dyn Random) -> String {
    let number = u64::from_be_bytes(random::bytes(random)) % 10_000_000_000;
    format!("{number:010}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(*b"12345678901234567890");

    /// RFC 6238, appendix B: the vectors for SHA-1, of which six digits are the last six.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];

    fn step(code: &str, last_step: u64, now: i64) -> Option<u64> {
        let mut codes = deserr::deserialize::<Vec<TotpCode>, _, crate::http::fault::Faults>(
            serde_json::json!([code]),
        )
        .unwrap();
        SEED.step_of(&codes.remove(0), last_step, Timestamp::from_second(now))
    }

    #[test]
    fn the_rfc_s_own_vectors_pass() {
        for (moment, code) in VECTORS {
            let present = moment.cast_unsigned() / 30;
            assert_eq!(step(&code[2..], 0, moment), Some(present), "{moment}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step_and_not_by_two() {
        for (moment, code) in &VECTORS[1..] {
            let start = moment - moment % 30;
            let own = start.cast_unsigned() / 30;
            assert_eq!(step(&code[2..], 0, start - 31), None);
            assert_eq!(step(&code[2..], 0, start - 30), Some(own));
            assert_eq!(step(&code[2..], 0, start + 59), Some(own));
            assert_eq!(step(&code[2..], 0, start + 60), None);
        }
    }

    #[test]
    fn a_step_that_was_used_and_those_before_it_are_over() {
        let (moment, code) = VECTORS[3];
        let own = moment.cast_unsigned() / 30;
        assert_eq!(step(&code[2..], own - 1, moment), Some(own));
        assert_eq!(step(&code[2..], own, moment), None);
        assert_eq!(step(&code[2..], own + 1, moment), None);
    }

    #[test]
    fn a_seed_is_shown_in_base_32_and_nowhere_else() {
        assert_eq!(SEED.reveal(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(format!("{SEED:?}"), "Seed([REDACTED])");
    }
}
