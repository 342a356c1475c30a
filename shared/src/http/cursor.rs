//! Cursors: where a page ended, sealed with a key of the organization, so that a cursor that was
//! tampered with, or given out for another list or caller, is refused.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{
    answer::{Page, PageMeta},
    query::Paging,
};
use crate::{error::Error, model::organization::CursorKey};

/// The length of a cursor's seal, in bytes: 128 bits are out of reach of guessing.
const SEAL_LENGTH: usize = 16;

/// A list, as cursors know it.
pub struct List<'a> {
    /// The organization's key.
    pub key: &'a CursorKey,
    /// What the list is, and whose: a cursor is good for nothing else.
    pub scope: &'a [&'a str],
}

impl List<'_> {
    fn seal(&self, position: &str) -> Result<[u8; SEAL_LENGTH], Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes())
            .map_err(|_| Error::internal("HMAC refused the cursor key"))?;
        for part in self.scope.iter().chain([&position]) {
            // The length keeps parts apart: ("ab", "c") is not ("a", "bc").
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let mut seal = [0; SEAL_LENGTH];
        seal.copy_from_slice(&mac.finalize().into_bytes()[..SEAL_LENGTH]);
        Ok(seal)
    }

    fn write(&self, position: &str) -> Result<String, Error> {
        let sealed = [&self.seal(position)?[..], position.as_bytes()].concat();
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn read(&self, cursor: &str) -> Result<String, Error> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::InvalidCursor)?;
        let (seal, position) = sealed.split_at_checked(SEAL_LENGTH).ok_or(Error::InvalidCursor)?;
        let position = str::from_utf8(position).map_err(|_| Error::InvalidCursor)?;
        // A seal guards a position in a list that the caller may read anyway: timing tells nothing.
        if self.seal(position)? == seal {
            Ok(position.to_owned())
        } else {
            Err(Error::InvalidCursor)
        }
    }

    /// Where the page before has ended.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub fn after(&self, paging: &Paging) -> Result<Option<String>, Error> {
        paging.cursor.as_deref().map(|cursor| self.read(cursor)).transpose()
    }

    /// Cuts one page out of a whole list whose entries are ordered by `position`, descending.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub fn page<T, U>(
        &self,
        entries: impl Iterator<Item = T>,
        paging: &Paging,
        position: impl Fn(&T) -> String,
        show: impl Fn(T) -> U,
    ) -> Result<Page<U>, Error> {
        let after = self.after(paging)?;
        let mut rest = entries
            .filter(|entry| after.as_ref().is_none_or(|after| position(entry) < *after))
            .peekable();
        let mut data = Vec::new();
        let mut last = None;
        while data.len() < paging.limit
            && let Some(entry) = rest.next()
        {
            last = Some(position(&entry));
            data.push(show(entry));
        }
        let next_cursor = match last {
            Some(last) if rest.peek().is_some() => Some(self.write(&last)?),
            _ => None,
        };
        Ok(Page { data, meta: PageMeta { next_cursor } })
    }
}
