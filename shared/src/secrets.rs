//! The deployment's secret: fetched from Secrets Manager when it is first needed, and kept.
//!
//! Its value is JSON: `{"current": "k1", "k1": "…", "k0": "…"}`. New data is encrypted with the
//! current key; every other key still opens what was encrypted with it, so that keys rotate: add
//! `k2`, make it `current`, and remove `k1` when nothing is left that names it.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
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

/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// The deployment's keys.
#[derive(Clone)]
pub struct Keyring {
    client: Arc<LazyClient>,
    secret_id: Arc<str>,
    clock: Arc<dyn Clock>,
    cached: Arc<Mutex<Option<Fetched>>>,
}

/// A client that is made when it is first needed: most requests need none, and a cold start should
/// not pay for it.
type LazyClient = LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>;

/// Keys, and when they were fetched.
type Fetched = (Timestamp, Arc<Keys>);

/// The secret's value.
#[derive(Deserialize)]
struct Keys {
    current: String,
    #[serde(flatten)]
    material: BTreeMap<String, SecretString>,
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
        Self {
            client: Arc::new(LazyClient::new(Box::new(client))),
            secret_id: secret_id.into(),
            clock,
            cached: Arc::default(),
        }
    }

    /// A cipher for `purpose`. Its key is derived (HKDF, RFC 5869) from the deployment's keys, the
    /// purpose and the context, so that what is encrypted for one is no use for another.
    ///
    /// # Errors
    /// 503 where Secrets Manager is out of reach and nothing is kept from before.
    pub async fn cipher(&self, purpose: &'static str, context: &[u8]) -> Result<Cipher, Error> {
        Ok(Cipher { keys: self.keys().await?, purpose, context: context.to_vec() })
    }

    async fn keys(&self) -> Result<Arc<Keys>, Error> {
        let now = self.clock.now();
        // The lock is held during the fetch: requests that wait for it find the answer in the cache.
        let mut cached = self.cached.lock().await;
        if let Some((at, keys)) = &*cached
            && now.seconds_since(*at) < REFRESH_SECONDS
        {
            return Ok(Arc::clone(keys));
        }
        match (self.fetch().await, &*cached) {
            (Ok(keys), _) => {
                let keys = Arc::new(keys);
                *cached = Some((now, Arc::clone(&keys)));
                Ok(keys)
            }
            // A key that was good five minutes ago opens what it has closed; an outage of the
            // secret's store is no reason to refuse that.
            (Err(error), Some((_, keys))) => {
                tracing::warn!(cause = %error, "the secret was not refreshed");
                Ok(Arc::clone(keys))
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn fetch(&self) -> Result<Keys, Error> {
        let request = self.client.get_secret_value().secret_id(&*self.secret_id).send();
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
        let keys: Keys = serde_json::from_str(text.expose_secret())
            .map_err(|_| Error::unavailable("the secret's value is not of its form"))?;
        if keys.material.contains_key(&keys.current) {
            Ok(keys)
        } else {
            Err(Error::unavailable("the secret has no key of the name that `current` gives"))
        }
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
