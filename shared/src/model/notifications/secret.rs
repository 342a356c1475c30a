//! Secrets of channels: what callers give to reach one, and what requests to a webhook are signed
//! with. They are encrypted under a key that the table has not, bound to their organization and
//! their channel: what is copied to another channel does not open.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::Error,
    ids::{ChannelId, OrganizationId},
    random::{self, Random},
    secrets::{Cipher, Keyring},
};

/// The name under which the encryption keys are derived.
const PURPOSE: &str = "notification channels";

/// What a signing secret begins with (Standard Webhooks).
const SIGNING_PREFIX: &str = "whsec_";

/// The length of a signing secret, in bytes (Standard Webhooks: 24 to 64).
const SIGNING_LENGTH: usize = 32;

/// Encrypts and decrypts the secrets of one organization's channels.
pub struct ChannelCipher(Cipher);

impl ChannelCipher {
    /// The cipher of an organization.
    ///
    /// # Errors
    /// 503 where the deployment's secret is out of reach.
    pub async fn of(keyring: &Keyring, organization: OrganizationId) -> Result<Self, Error> {
        keyring.cipher(PURPOSE, organization.to_string().as_bytes()).await.map(Self)
    }

    /// The cipher of an organization, for secrets that were encrypted before.
    ///
    /// # Errors
    /// 503 where the deployment's secret is out of reach, or lacks a key that one of them names.
    pub async fn for_sealed<'a>(
        keyring: &Keyring,
        organization: OrganizationId,
        sealed: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<Self, Error> {
        let organization = organization.to_string();
        keyring.cipher_for(PURPOSE, organization.as_bytes(), sealed).await.map(Self)
    }

    /// Encrypts a secret for its channel.
    ///
    /// # Errors
    /// 500 where the cipher refuses.
    pub fn seal(
        &self,
        channel: ChannelId,
        secret: &SecretString,
        random: &dyn Random,
    ) -> Result<String, Error> {
        let plain = secret.expose_secret().as_bytes();
        self.0.seal(plain, channel.to_string().as_bytes(), random)
    }

    /// Decrypts a secret of a channel.
    ///
    /// # Errors
    /// 500 where it was not encrypted for this channel of this organization.
    pub fn open(&self, channel: ChannelId, sealed: &str) -> Result<SecretString, Error> {
        let plain = self.0.open(sealed, channel.to_string().as_bytes())?;
        let text = String::from_utf8(plain)
            .map_err(|_| Error::internal("a channel's secret is not text"))?;
        Ok(text.into())
    }

    /// Encrypts a secret of a channel anew where another key is current by now; tells whether it was.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reseal(
        &self,
        channel: ChannelId,
        sealed: &mut String,
        random: &dyn Random,
    ) -> Result<bool, Error> {
        if self.0.is_current(sealed) {
            return Ok(false);
        }
        *sealed = self.seal(channel, &self.open(channel, sealed)?, random)?;
        Ok(true)
    }
}

/// A new signing secret, as a receiver's library takes it.
#[must_use]
pub fn new_signing_secret(random: &dyn Random) -> SecretString {
    let bytes = random::bytes::<SIGNING_LENGTH>(random);
    format!("{SIGNING_PREFIX}{}", STANDARD.encode(bytes)).into()
}
