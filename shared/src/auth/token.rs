//! Bearer tokens.
//!
//! A token is a prefix that names its kind, 88 base 62 characters and a checksum:
//!
//! | part | characters | what |
//! |---|---|---|
//! | `plnx_live_` or `plnx_sess_` | 10 | an API key, or a session |
//! | secret | 44 | 256 random bits, two words of 128 |
//! | organization, user | 22 + 22 | the ids of the owner, so that everything that decides access is found by one read |
//! | checksum | 6 | CRC-32 of all before it, as in GitHub's tokens: garbage is refused without a read |
//!
//! Neither the ids nor the checksum are secret, nor trusted: a token is valid only while the
//! SHA-256 of the whole of it stands in its user's item. Only that hash is ever stored.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{
    error::Error,
    ids::{OrganizationId, UserId},
    random::{self, Random},
};

const PREFIX_LENGTH: usize = 10;
const WORD_LENGTH: usize = 22;
const CHECKSUM_LENGTH: usize = 6;
const TOKEN_LENGTH: usize = PREFIX_LENGTH + 4 * WORD_LENGTH + CHECKSUM_LENGTH;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A program's long-lived key.
    ApiKey,
    /// A person's signed-in session.
    Session,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "plnx_live_",
            Self::Session => "plnx_sess_",
        }
    }
}

/// A token in the clear. It exists between its making and the answer that shows it once; `Debug`
/// prints nothing of it.
pub struct PlainToken(SecretString);

/// A token that a caller sent, its shape and checksum found right. It proves nothing yet.
#[derive(Debug, Clone, Copy)]
pub struct PresentedToken {
    /// What it claims to be.
    pub kind: TokenKind,
    /// The organization it claims.
    pub organization_id: OrganizationId,
    /// The user it claims.
    pub user_id: UserId,
    /// The hash that has to stand in the user's item.
    pub hash: TokenHash,
    secret: TokenSecret,
}

/// A token's 256 random bits, of which the table has nothing but the token's hash: who has no more
/// than the table derives no key from them.
#[derive(Clone, Copy)]
struct TokenSecret([u8; 32]);

/// SHA-256 of a token: all that is stored of it. The 256 random bits in a token leave nothing to
/// guess, so a slow or keyed hash would add nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

/// How an API key begins: what all begin with, and the four characters that tell it apart, which
/// alone are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyPrefix([u8; 4]);

impl KeyPrefix {
    pub(crate) const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl From<[u8; 4]> for KeyPrefix {
    fn from(characters: [u8; 4]) -> Self {
        Self(characters)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TokenKind::ApiKey.prefix())?;
        self.0.into_iter().map(char::from).try_for_each(|character| write!(f, "{character}"))
    }
}

impl fmt::Debug for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for KeyPrefix {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PlainToken {
    /// A new token for a user.
    #[must_use]
    pub fn generate(
        kind: TokenKind,
        organization_id: OrganizationId,
        user_id: UserId,
        random: &dyn Random,
    ) -> Self {
        let words = [
            u128::from_be_bytes(random::bytes(random)),
            u128::from_be_bytes(random::bytes(random)),
            organization_id.to_bits(),
            user_id.to_bits(),
        ];
        let mut text = String::with_capacity(TOKEN_LENGTH);
        text.push_str(kind.prefix());
        for word in words {
            push_base62::<WORD_LENGTH>(&mut text, word);
        }
        let checksum = crc32fast::hash(text.as_bytes());
        push_base62::<CHECKSUM_LENGTH>(&mut text, u128::from(checksum));
        Self(text.into())
    }

    /// The token's hash.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose_secret())
    }

    /// The part of an API key that lists show, so that its owner can tell it from the others.
    #[must_use]
    pub fn display_prefix(&self) -> KeyPrefix {
        let secret = &self.0.expose_secret().as_bytes()[PREFIX_LENGTH..];
        KeyPrefix(secret.first_chunk().copied().unwrap_or_default())
    }

    /// The token itself, for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken([REDACTED])")
    }
}

impl PresentedToken {
    /// Reads a token's parts. `None` where it cannot be one of ours: wrong prefix, length,
    /// alphabet or checksum.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_LENGTH || !text.is_ascii() {
            return None;
        }
        let kind = [TokenKind::ApiKey, TokenKind::Session]
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))?;
        let (body, checksum) = text.split_at(TOKEN_LENGTH - CHECKSUM_LENGTH);
        if base62(checksum)? != u128::from(crc32fast::hash(body.as_bytes())) {
            return None;
        }
        let word = |index: usize| {
            let start = PREFIX_LENGTH + index * WORD_LENGTH;
            base62(&body[start..start + WORD_LENGTH])
        };
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&word(0)?.to_be_bytes());
        secret[16..].copy_from_slice(&word(1)?.to_be_bytes());
        Some(Self {
            kind,
            organization_id: OrganizationId::from_bits(word(2)?),
            user_id: UserId::from_bits(word(3)?),
            hash: TokenHash::of(text),
            secret: TokenSecret(secret),
        })
    }

    /// A key that only the token's holder can derive: HMAC-SHA-256 of the context.
    ///
    /// # Errors
    /// 500 where HMAC refuses its key, which it does for no length.
    pub(crate) fn derive_key(&self, context: &[&[u8]]) -> Result<[u8; 32], Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret.0)
            .map_err(|_| Error::internal("HMAC refused its key"))?;
        for part in context {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret([REDACTED])")
    }
}

impl TokenHash {
    fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for TokenHash {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

fn push_base62<const N: usize>(text: &mut String, mut value: u128) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(value % 62).unwrap_or_default()];
        value /= 62;
    }
    text.extend(digits.map(char::from));
}

/// The number that `text` spells; `None` for a character outside the alphabet or a number over
/// 128 bits, so that a token has one spelling only.
fn base62(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        value.checked_mul(62)?.checked_add(u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn token() -> PlainToken {
        PlainToken::generate(
            TokenKind::ApiKey,
            OrganizationId::from_bits(u128::MAX),
            UserId::from_bits(7),
            &SystemRandom,
        )
    }

    #[test]
    fn a_token_carries_its_owner() {
        let token = token();
        let presented = PresentedToken::parse(token.reveal()).unwrap();
        assert_eq!(presented.kind, TokenKind::ApiKey);
        assert_eq!(presented.organization_id, OrganizationId::from_bits(u128::MAX));
        assert_eq!(presented.user_id, UserId::from_bits(7));
        assert_eq!(presented.hash, token.hash());
        assert_eq!(token.display_prefix().to_string(), token.reveal()[..14]);
    }

    #[test]
    fn no_single_character_can_be_changed() {
        let token = token();
        for index in 0..TOKEN_LENGTH {
            for replacement in [b'0', b'z', b'~', b' '] {
                let mut bytes = token.reveal().as_bytes().to_vec();
                if bytes[index] != replacement {
                    bytes[index] = replacement;
                    let text = String::from_utf8(bytes).unwrap();
                    assert!(PresentedToken::parse(&text).is_none(), "index {index}");
                }
            }
        }
    }

    #[test]
    fn garbage_is_refused() {
        let long = "9".repeat(TOKEN_LENGTH);
        let prefixed = format!("plnx_live_{}", "z".repeat(TOKEN_LENGTH - PREFIX_LENGTH));
        let multibyte = "é".repeat(TOKEN_LENGTH / 2);
        for text in ["", "plnx_live_", &long, &prefixed, &multibyte, "Bearer"] {
            assert!(PresentedToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let token = token();
        assert_eq!(format!("{token:?}"), "PlainToken([REDACTED])");
        assert_eq!(format!("{:?}", token.hash()), "TokenHash(…)");
    }
}
