//! Encryption of what the table must not reveal: AES-256-GCM (NIST SP 800-38D) with random nonces.
//! The keys come from where the purpose says: the deployment's secret, or a caller's own token.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    error::Error,
    random::{self, Random},
};

const NONCE_LENGTH: usize = 12;

/// Encrypts under a key, bound to `associated_data`.
///
/// # Errors
/// 500 where the cipher refuses.
pub(crate) fn seal(
    key: [u8; 32],
    plain: &[u8],
    associated_data: &[u8],
    random: &dyn Random,
) -> Result<String, Error> {
    let nonce = random::bytes::<NONCE_LENGTH>(random);
    let payload = Payload { msg: plain, aad: associated_data };
    let sealed = Aes256Gcm::new(&key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| Error::internal("AES-GCM refused to encrypt"))?;
    Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// Decrypts.
///
/// # Errors
/// 500 where the text was not sealed with this key for this data.
pub(crate) fn open(key: [u8; 32], sealed: &str, associated_data: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = || Error::internal("what is encrypted in the table does not open");
    let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| failed())?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LENGTH>().ok_or_else(failed)?;
    let payload = Payload { msg: sealed, aad: associated_data };
    Aes256Gcm::new(&key.into()).decrypt(&(*nonce).into(), payload).map_err(|_| failed())
}
