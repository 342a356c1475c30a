//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

use axum::http::HeaderMap;

use crate::{error::Error, store::ReplayKey};

const HEADER: &str = "idempotency-key";
const MAX_LENGTH: usize = 255;

/// The request's idempotency key.
#[derive(Clone)]
pub struct IdempotencyKey {
    value: String,
    record: ReplayKey,
}

impl IdempotencyKey {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 where its value is not 1 to 255 visible ASCII characters, or there are several.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let text = value.to_str().map_err(|_| Error::InvalidIdempotencyKey)?;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_LENGTH || !visible || values.next().is_some() {
            return Err(Error::InvalidIdempotencyKey);
        }
        Ok(Some(Self { value: text.to_owned(), record: ReplayKey::of(text) }))
    }

    /// The digest that the record is found by.
    #[must_use]
    pub const fn record(&self) -> &ReplayKey {
        &self.record
    }

    /// The header's value.
    #[must_use]
    pub const fn value(&self) -> &str {
        self.value.as_str()
    }
}
