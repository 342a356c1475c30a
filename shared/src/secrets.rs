//! The deployment's secrets: fetched from Secrets Manager when they are first needed, and kept.
//!
//! The one that the functions' keys are derived from is JSON: `{"current": "k1", "k1": "…", "k0":
//! "…"}`. New data is encrypted with the current key; every other key still opens what was encrypted
//! with it, so that keys rotate: add `k2`, make it `current`, and remove `k1` when nothing is left that
//! names it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::Sha256;
use tokio::sync::Mutex;

use crate::{
    clock::{Clock, Timestamp},
    error::Error,
    random::Random,
    sealed,
};

/// The length of a keyed hash, in bytes: 128 bits are out of reach of guessing.
const MAC_LENGTH: usize = 16;

/// How long a fetched secret is used before it is fetched again, in seconds: a rotated key reaches
/// every instance within this time.
const REFRESH_SECONDS: i64 = 300;

/// How long fetched keys are taken for all that there are, in seconds, when something names another one.
const RELEARN_SECONDS: i64 = 5;

/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// The value of a secret, as JSON has it.
pub trait SecretValue: DeserializeOwned + Send + Sync {
    /// What is wrong with it, in words that quote nothing of it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self) -> Result<(), &'static str>;
}

/// A secret of the deployment.
pub struct Secret<T> {
    client: Arc<LazyClient>,
    id: Arc<str>,
    clock: Arc<dyn Clock>,
    cached: Arc<Mutex<Option<Fetched<T>>>>,
    /// How many fetches have failed.
    failures: Arc<AtomicU64>,
}

/// A client that is made when it is first needed: most requests need none, and a cold start should
/// not pay for it.
type LazyClient = LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>;

/// A value, and when it was fetched.
type Fetched<T> = (Timestamp, Arc<T>);

impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self {
            client: Arc::clone(&self.client),
            id: Arc::clone(&self.id),
            clock: Arc::clone(&self.clock),
            cached: Arc::clone(&self.cached),
            failures: Arc::clone(&self.failures),
        }
    }
}

impl<T: SecretValue> Secret<T> {
    /// The secret of that name or ARN. Nothing is fetched yet.
    #[must_use]
    pub fn new(
        client: impl FnOnce() -> Client + Send + 'static,
        id: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let client = Arc::new(LazyClient::new(Box::new(client)));
        Self { client, id: id.into(), clock, cached: Arc::default(), failures: Arc::default() }
    }

    /// Its value.
    ///
    /// # Errors
    /// 503 where Secrets Manager is out of reach and nothing is kept from before.
    pub async fn value(&self) -> Result<Arc<T>, Error> {
        self.value_within(REFRESH_SECONDS).await
    }

    /// Its value as it was so many seconds ago or later, where it can be had.
    async fn value_within(&self, seconds: i64) -> Result<Arc<T>, Error> {
        let now = self.clock.now();
        let failures = self.failures.load(Ordering::Relaxed);
        // The lock is held during the fetch: requests that wait for it find the answer in the cache.
        let mut cached = self.cached.lock().await;
        if let Some((at, value)) = &*cached
            && now.seconds_since(*at) < seconds
        {
            return Ok(Arc::clone(value));
        }
        // Nor does each that has waited for a fetch that failed wait for another one of its own.
        let fetched = if self.failures.load(Ordering::Relaxed) == failures {
            self.fetch().await
        } else {
            Err(Error::unavailable("GetSecretValue: failed just now"))
        };
        if fetched.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        match (fetched, &*cached) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                *cached = Some((now, Arc::clone(&value)));
                Ok(value)
            }
            // A key that was good five minutes ago opens what it has closed; an outage of the
            // secret's store is no reason to refuse that.
            (Err(error), Some((_, value))) => {
                tracing::warn!(cause = %error, "the secret was not refreshed");
                Ok(Arc::clone(value))
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn fetch(&self) -> Result<T, Error> {
        let request = self.client.get_secret_value().secret_id(&*self.id).send();
        let output = tokio::time::timeout(FETCH_TIMEOUT, request)
            .await
            .map_err(|_| Error::unavailable("GetSecretValue: timed out"))?
            .map_err(|error| {
                use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
                let code = error.code().unwrap_or("out of reach");
                Error::unavailable(format!("GetSecretValue: {code}"))
            })?;
        let text = SecretString::from(output.secret_string.unwrap_or_default());
        // The parser's message could quote the secret, so it goes nowhere.
        let value: T = serde_json::from_str(text.expose_secret())
            .map_err(|_| Error::unavailable("the secret's value is not of its form"))?;
        value.check().map_err(Error::unavailable)?;
        Ok(value)
    }
}

/// The deployment's keys.
#[derive(Clone)]
pub struct Keyring(Secret<Keys>);

/// The value of the secret that keys are derived from.
#[derive(Deserialize)]
struct Keys {
    current: String,
    #[serde(flatten)]
    material: BTreeMap<String, SecretString>,
}

impl SecretValue for Keys {
    fn check(&self) -> Result<(), &'static str> {
        let missing = "the secret has no key of the name that `current` gives";
        self.material.contains_key(&self.current).then_some(()).ok_or(missing)
    }
}

/// Encrypts and decrypts for one purpose.
pub struct Cipher {
    keys: Arc<Keys>,
    purpose: &'static str,
    context: Vec<u8>,
}

impl Keyring {
    /// The keys in the secret of that name or ARN. Nothing is fetched yet.
    #[must_use]
    pub fn new(
        client: impl FnOnce() -> Client + Send + 'static,
        secret_id: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Secret::new(client, secret_id, clock))
    }

    /// A cipher for `purpose`. Its key is derived (HKDF, RFC 5869) from the deployment's keys, the
    /// purpose and the context, so that what is encrypted for one is no use for another.
    ///
    /// # Errors
    /// 503 where Secrets Manager is out of reach and nothing is kept from before.
    pub async fn cipher(&self, purpose: &'static str, context: &[u8]) -> Result<Cipher, Error> {
        Ok(Cipher { keys: self.0.value().await?, purpose, context: context.to_vec() })
    }

    /// A [cipher](Self::cipher) for what was sealed or hashed before: an instance that learnt sooner of a
    /// new key may have done it with that.
    ///
    /// # Errors
    /// 503 where the secret lacks a key that one of the texts names, too.
    pub async fn cipher_for<'a>(
        &self,
        purpose: &'static str,
        context: &[u8],
        texts: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<Cipher, Error> {
        let lacks = |keys: &Keys| {
            let mut ids = texts.clone().into_iter().filter_map(key_id);
            ids.any(|id| !keys.material.contains_key(id))
        };
        let mut keys = self.0.value().await?;
        if lacks(&keys) {
            keys = self.0.value_within(RELEARN_SECONDS).await?;
        }
        if lacks(&keys) {
            return Err(Error::unavailable("the secret lacks a key in use"));
        }
        Ok(Cipher { keys, purpose, context: context.to_vec() })
    }
}

impl Cipher {
    /// Encrypts (AES-256-GCM). The answer names the key, so that keys can rotate.
    ///
    /// # Errors
    /// 500 where the cipher refuses.
    pub fn seal(
        &self,
        plain: &[u8],
        associated_data: &[u8],
        random: &dyn Random,
    ) -> Result<String, Error> {
        let id = &self.keys.current;
        let sealed = sealed::seal(self.derive(id)?, plain, associated_data, random)?;
        Ok(format!("{id}.{sealed}"))
    }

    /// Decrypts.
    ///
    /// # Errors
    /// 500 where the text was not sealed with these keys for this purpose, context and data.
    pub fn open(&self, sealed: &str, associated_data: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, text) =
            sealed.rsplit_once('.').ok_or_else(|| Error::internal("a ciphertext names no key"))?;
        sealed::open(self.derive(id)?, text, associated_data)
    }

    /// Whether a text was sealed with the current key.
    #[must_use]
    pub fn is_current(&self, sealed: &str) -> bool {
        key_id(sealed).is_some_and(|id| id == self.keys.current)
    }

    /// A keyed hash (HMAC-SHA-256, cut to 128 bits) under the current key, which it names.
    ///
    /// # Errors
    /// 500 where the key cannot be derived.
    pub fn mac(&self, data: &[u8]) -> Result<String, Error> {
        self.mac_with(&self.keys.current, data)
    }

    /// The keyed hash under the key that another one names.
    ///
    /// # Errors
    /// 500 where the secret lacks that key.
    pub fn mac_like(&self, other: &str, data: &[u8]) -> Result<String, Error> {
        let id = key_id(other).ok_or_else(|| Error::internal("a keyed hash names no key"))?;
        self.mac_with(id, data)
    }

    fn mac_with(&self, id: &str, data: &[u8]) -> Result<String, Error> {
        let refused = |_| Error::internal("HMAC refused its key");
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.derive(id)?).map_err(refused)?;
        Mac::update(&mut mac, data);
        let text = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..MAC_LENGTH]);
        Ok(format!("{id}.{text}"))
    }

    fn derive(&self, id: &str) -> Result<[u8; 32], Error> {
        let material = self.keys.material.get(id);
        let material = material.ok_or_else(|| Error::internal("the secret lacks a key in use"))?;
        let hkdf = Hkdf::<Sha256>::new(Some(&self.context), material.expose_secret().as_bytes());
        let mut key = [0; 32];
        hkdf.expand(self.purpose.as_bytes(), &mut key)
            .map_err(|_| Error::internal("HKDF refused the key's length"))?;
        Ok(key)
    }
}

/// The name of the key that something was sealed or hashed with.
fn key_id(text: &str) -> Option<&str> {
    text.rsplit_once('.').map(|(id, _)| id)
}
