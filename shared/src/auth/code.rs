//! The codes of a second factor, as callers type them in.

use std::fmt;

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use secrecy::{ExposeSecret, SecretString};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::http::{fault::Faults, field::wrong_kind};

/// Six digits from an authenticator app. `Debug` prints nothing of them.
#[derive(Clone)]
pub struct TotpCode(SecretString);

/// Six digits from an authenticator app, or a backup code. `Debug` prints nothing of either.
#[derive(Debug, Clone)]
pub enum Code {
    /// From an authenticator app.
    Totp(TotpCode),
    /// A backup code.
    Backup(BackupCode),
}

/// Ten digits, shown as `1234-5678-90`. `Debug` prints nothing of them.
#[derive(Clone)]
pub struct BackupCode(SecretString);

impl TotpCode {
    fn parse(text: &str) -> Option<Self> {
        // ASCII alone: in other scripts, too, there are digits.
        (text.len() == 6 && all_digits(text)).then(|| Self(text.into()))
    }

    pub(crate) fn digits(&self) -> &str {
        self.0.expose_secret()
    }
}

impl BackupCode {
    /// A code of ten digits.
    #[must_use]
    pub fn new(digits: String) -> Self {
        Self(digits.into())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: String = match text.split('-').collect::<Vec<_>>()[..] {
            [all] if all.len() == 10 => all.to_owned(),
            [a, b, c] if (a.len(), b.len(), c.len()) == (4, 4, 2) => [a, b, c].concat(),
            _ => return None,
        };
        all_digits(&digits).then(|| Self::new(digits))
    }

    pub(crate) fn digits(&self) -> &str {
        self.0.expose_secret()
    }

    /// The code as it is shown, once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let digits = self.digits();
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        format!("{}-{}-{}", part(0, 4), part(4, 8), part(8, 10))
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode([REDACTED])")
    }
}

impl fmt::Debug for BackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCode([REDACTED])")
    }
}

fn read<V: IntoValue, T>(
    value: Value<V>,
    location: ValuePointerRef,
    parse: impl FnOnce(&str) -> Option<T>,
    expected: &'static str,
) -> Result<T, Faults> {
    let Value::String(text) = value else {
        return Err(wrong_kind(value, &[ValueKind::String], location));
    };
    parse(&text).ok_or_else(|| Faults::at(location, "invalid_value", expected))
}

impl Deserr<Faults> for TotpCode {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        read(value, location, Self::parse, "Must be six digits, without spaces.")
    }
}

impl Deserr<Faults> for Code {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let parse = |text: &str| {
            let totp = TotpCode::parse(text).map(Self::Totp);
            totp.or_else(|| BackupCode::parse(text).map(Self::Backup))
        };
        let expected = "Must be six digits, or a backup code such as 1234-5678-90.";
        read(value, location, parse, expected)
    }
}

fn pattern(pattern: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).write_only(true).into()
}

impl PartialSchema for TotpCode {
    fn schema() -> RefOr<Schema> {
        pattern("^[0-9]{6}$")
    }
}

impl ToSchema for TotpCode {}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        pattern("^([0-9]{6}|[0-9]{10}|[0-9]{4}-[0-9]{4}-[0-9]{2})$")
    }
}

impl ToSchema for Code {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_ascii_digits_in_one_of_its_shapes() {
        assert!(TotpCode::parse("048219").is_some());
        for text in ["1111-2222-33", "1111222233"] {
            assert_eq!(BackupCode::parse(text).unwrap().reveal(), "1111-2222-33");
        }
        for text in [
            "",
            "12345",
            "1234567",
            "12 345",
            " 12345",
            "123456 ",
            "-12345",
            "+12345",
            "12345a",
            "１２３４５６",
            "٤٨٢١٩٣",
            "48219\u{664}",
            "1111-2222-3",
            "11112-222-33",
            "1111--222233",
            "1111 2222 33",
            "1111-2222-33-",
            "1111\u{2013}2222\u{2013}33",
            "١١١١-2222-33",
        ] {
            assert!(TotpCode::parse(text).is_none(), "{text}");
            assert!(BackupCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_code_does_not_show_itself() {
        let code = Code::Totp(TotpCode::parse("482193").unwrap());
        assert!(!format!("{code:?}").contains("482193"));
        let code = Code::Backup(BackupCode::parse("1111-2222-33").unwrap());
        assert!(!format!("{code:?}").contains("1111"));
    }
}
