//! Passwords: argon2id with OWASP's parameters, and the rules of NIST SP 800-63B-4.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{
        self,
        phc::{PasswordHash, Salt},
    },
};
use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use crate::{
    error::Error,
    http::{fault::Faults, field::wrong_kind},
    random::{self, Random},
};

/// The shortest password, in characters, for a user without a second factor (NIST SP 800-63B-4,
/// 3.1.1.2).
pub const MIN_CHARACTERS: usize = 15;
/// The shortest password, in characters, for a user with one (NIST SP 800-63B-4, 3.1.1.2).
pub const MIN_CHARACTERS_WITH_MFA: usize = 8;
/// The longest password, in characters. None is ever truncated.
pub const MAX_CHARACTERS: usize = 128;
/// The least estimated strength, in guesses: from here on zxcvbn calls a password safely unguessable, which is
/// its 3 of 4. Its score wants five guesses more, and so refuses every password of eight random characters:
/// none is estimated at more than 10^8 and one.
const MIN_GUESSES: u64 = 100_000_000;

/// What one hash takes, in KiB (OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a function needs for all else, in MiB.
const RESERVED_MIB: usize = 64;

/// A password, normalized (NFC, as NIST SP 800-63B-4, 3.1.1.2 advises), so that it does not matter
/// which keyboard composed its letters. `Debug` prints nothing of it.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// The password that a text means.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.nfc().collect::<String>().into())
    }

    fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// Whether the two are the same. Both come from one request, so timing tells nothing.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }

    /// Whether the password is long enough for a user with or without a second factor.
    #[must_use]
    pub fn is_long_enough(&self, mfa_enabled: bool) -> bool {
        self.0.expose_secret().chars().count() >= min_characters(mfa_enabled)
    }

    /// Checks a new password's length and its estimated strength. There are no rules of
    /// composition (NIST SP 800-63B-4, 3.1.1.2).
    ///
    /// # Errors
    /// A fault at `pointer`. It says what is wrong and quotes nothing.
    pub fn check_new(
        &self,
        pointer: &str,
        hints: &[&str],
        mfa_enabled: bool,
    ) -> Result<(), Faults> {
        let text = self.0.expose_secret();
        let (length, min) = (text.chars().count(), min_characters(mfa_enabled));
        if !(min..=MAX_CHARACTERS).contains(&length) {
            let detail = format!("Must have {min} to {MAX_CHARACTERS} characters.");
            return Err(Faults::new(pointer, "invalid_length", detail));
        }
        let mut words: Vec<&str> = hints.to_vec();
        words.extend(hints.iter().flat_map(|hint| hint.split(['@', '.', ' ', '-', '_', '+'])));
        words.retain(|word| word.chars().count() > 2);
        if zxcvbn::zxcvbn(text, &words).guesses() < MIN_GUESSES {
            let detail = "Too easy to guess. Use several unrelated words, or a password manager's.";
            return Err(Faults::new(pointer, "too_weak", detail));
        }
        Ok(())
    }
}

const fn min_characters(mfa_enabled: bool) -> usize {
    if mfa_enabled { MIN_CHARACTERS_WITH_MFA } else { MIN_CHARACTERS }
}

impl Deserr<Faults> for Password {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        match value {
            Value::String(text) => Ok(Self::new(&text)),
            other => Err(wrong_kind(other, &[ValueKind::String], location)),
        }
    }
}

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .write_only(true)
            .into()
    }
}

impl ToSchema for Password {}

/// What a password turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is wrong.
    Wrong,
    /// It is right.
    Right,
    /// It is right, and its hash has other parameters than a new one would have.
    RightButOutdated,
}

/// Hashes passwords, as many at once as the function's memory has room for.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    room: Arc<Semaphore>,
    invocations: Arc<AtomicU64>,
    decoy: Arc<str>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// A hasher for a function with that much memory, in MiB.
    ///
    /// # Errors
    /// 500 where argon2 refuses its parameters.
    pub fn new(memory_mib: usize) -> Result<Self, Error> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|error| Error::internal(format!("argon2: {error}")))?;
        let per_hash = usize::try_from(MEMORY_KIB / 1024).unwrap_or(19) + 1;
        let room = (memory_mib.saturating_sub(RESERVED_MIB) / per_hash).max(1);
        // A hash of nothing: no password verifies against it, and trying costs as much as trying
        // a real one. Its salt and output are constants because nothing depends on them.
        let decoy = format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$AAAAAAAAAAAAAAAAAAAAAA$\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        );
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            room: Arc::new(Semaphore::new(room)),
            invocations: Arc::default(),
            decoy: decoy.into(),
        })
    }

    /// Hashes a new password into a PHC string.
    ///
    /// # Errors
    /// 503 where there is no memory left for it.
    pub async fn hash(&self, password: &Password, random: &dyn Random) -> Result<String, Error> {
        let salt = Salt::new(&random::bytes::<16>(random))
            .map_err(|error| Error::internal(format!("argon2: {error}")))?;
        self.run(password, move |argon2, bytes| {
            argon2.hash_password_with_salt(bytes, &salt).map(|hash| hash.to_string())
        })
        .await?
        .map_err(|error| Error::internal(format!("argon2: {error}")))
    }

    /// Verifies a password against a stored hash. Without one, as for an account that does not
    /// exist, the same work is done and the password is wrong.
    ///
    /// # Errors
    /// 503 where there is no memory left for it; 500 where the stored hash is not a PHC string.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verdict, Error> {
        let exists = stored.is_some();
        let text = stored.unwrap_or(&self.decoy).to_owned();
        let current = self.argon2.params().clone();
        let verdict = self
            .run(password, move |argon2, bytes| {
                let hash = PasswordHash::new(&text).map_err(password_hash::Error::from)?;
                match argon2.verify_password(bytes, &hash) {
                    Ok(()) => Ok(Some(hash)),
                    Err(password_hash::Error::PasswordInvalid) => Ok(None),
                    Err(error) => Err(error),
                }
            })
            .await?
            .map_err(|error| Error::internal(format!("argon2: {error}")))?;
        Ok(match verdict {
            Some(hash) if exists => {
                let is_current = Params::try_from(&hash).is_ok_and(|params| {
                    (params.m_cost(), params.t_cost(), params.p_cost())
                        == (current.m_cost(), current.t_cost(), current.p_cost())
                }) && hash.algorithm.as_str() == "argon2id";
                if is_current { Verdict::Right } else { Verdict::RightButOutdated }
            }
            _ => Verdict::Wrong,
        })
    }

    /// How many hashes have been computed.
    #[must_use]
    pub fn invocations(&self) -> u64 {
        self.invocations.load(Ordering::Relaxed)
    }

    /// How many more hashes could be begun right now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room.available_permits()
    }

    /// Runs argon2 beside the runtime's thread, if there is memory for it: a burst is refused with
    /// 503, never answered by the process's death.
    async fn run<T: Send + 'static>(
        &self,
        password: &Password,
        work: impl FnOnce(&Argon2<'static>, &[u8]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| Error::unavailable("no memory left for another password hash"))?;
        self.invocations.fetch_add(1, Ordering::Relaxed);
        let (argon2, password) = (self.argon2.clone(), password.clone());
        tokio::task::spawn_blocking(move || {
            let result = work(&argon2, password.bytes());
            drop(permit);
            result
        })
        .await
        .map_err(|_| Error::internal("the hashing thread died"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[tokio::test]
    async fn a_burst_beyond_the_memory_is_refused_and_the_rest_is_hashed() {
        // Room for one hash beside what the function needs for all else.
        let hasher = Hasher::new(RESERVED_MIB + 19).unwrap();
        let password = Password::new("gravel-umbrella-tenor");
        let hash = || hasher.hash(&password, &SystemRandom);
        let (first, second) = tokio::join!(hash(), hash());
        assert!(first.is_ok());
        assert_eq!(second.map_err(|error| error.code()), Err("unavailable"));
        assert_eq!((hasher.invocations(), hasher.room()), (1, 1));
        assert!(hash().await.is_ok());
    }

    #[tokio::test]
    async fn a_password_is_never_truncated_and_has_one_normal_form() {
        let hasher = Hasher::new(1024).unwrap();
        let long = "é".repeat(MAX_CHARACTERS);
        let hash = hasher.hash(&Password::new(&long), &SystemRandom).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verdict =
            async |text: &str| hasher.verify(&Password::new(text), Some(&hash)).await.unwrap();
        assert_eq!(verdict(&long).await, Verdict::Right);
        assert_eq!(verdict(&"e\u{301}".repeat(MAX_CHARACTERS)).await, Verdict::Right);
        assert_eq!(verdict(&"é".repeat(MAX_CHARACTERS - 1)).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn an_account_that_does_not_exist_costs_one_hash_and_is_wrong() {
        let hasher = Hasher::new(1024).unwrap();
        let verdict = hasher.verify(&Password::new("anything"), None).await.unwrap();
        assert_eq!((verdict, hasher.invocations()), (Verdict::Wrong, 1));
    }

    #[test]
    fn eight_random_characters_are_strong_enough_beside_a_second_factor() {
        for text in ["q7#Zk!m2", "x9$Lp@4v", "T(3kw&Zb"] {
            assert!(Password::new(text).check_new("", &[], true).is_ok(), "{text}");
            assert!(Password::new(text).check_new("", &[], false).is_err(), "{text}");
        }
        for text in ["password", "qwertzui", "12345678", "viewer01"] {
            assert!(Password::new(text).check_new("", &["viewer@acme.example"], true).is_err());
        }
    }

    #[test]
    fn a_password_does_not_show_itself() {
        assert!(!format!("{:?}", Password::new("gravel")).contains("gravel"));
    }
}
