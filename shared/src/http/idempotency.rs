//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

use axum::http::HeaderMap;

use crate::{auth::token::PresentedToken, error::Error, store::ReplayKey};

const HEADER: &str = "idempotency-key";
const MAX_LENGTH: usize = 255;

/// What sets the keys that answers are sealed with apart from all others.
const PURPOSE: &[u8] = b"idempotent answers";

/// The request's idempotency key. It is its credential's own: the same text sent with another
/// credential is another key.
#[derive(Clone)]
pub struct IdempotencyKey {
    record: ReplayKey,
    #[cfg_attr(
        not(feature = "sealing"),
        expect(dead_code, reason = "only a function that records answers seals them")
    )]
    sealing_key: [u8; 32],
}

impl IdempotencyKey {
    /// What the header's value matches.
    pub const PATTERN: &str = "^[!-~]{1,255}$";

    /// Reads the header of a request with that token.
    ///
    /// # Errors
    /// 400 where its value is not 1 to 255 visible ASCII characters, or there are several.
    pub fn of(headers: &HeaderMap, token: &PresentedToken) -> Result<Option<Self>, Error> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let text = value.to_str().map_err(|_| Error::InvalidIdempotencyKey)?;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_LENGTH || !visible || values.next().is_some() {
            return Err(Error::InvalidIdempotencyKey);
        }
        Ok(Some(Self {
            record: ReplayKey::of(token.hash, text),
            sealing_key: token.derive_key(&[PURPOSE, text.as_bytes()])?,
        }))
    }

    /// The digest that the record is found by.
    #[must_use]
    pub const fn record(&self) -> &ReplayKey {
        &self.record
    }

    /// What the recorded answer is encrypted with: derived from the token and the header's value, the
    /// table having a digest of each. Who reads the table alone cannot open it.
    #[cfg(feature = "sealing")]
    pub(crate) const fn sealing_key(&self) -> [u8; 32] {
        self.sealing_key
    }
}
