//! The values that commands are made of.

use std::collections::BTreeMap;

use deserr::{Deserr, IntoValue, Map as _, Value, ValueKind, ValuePointerRef};
use shared::{
    auth::{password::Password, permissions::Role},
    call::Call,
    error::Error,
    http::{
        fault::Faults,
        field::{Ruled, Text, TextRule},
    },
    ids::{OrganizationId, UserId},
    model::user::User,
    random,
};

pub use shared::http::{email_address::EmailAddress, field::Existing};

/// What people call an organization or a user.
pub type Name = Text<1, 100>;
/// The name of a plan or a feature: lowercase words with underscores.
pub type Word = Ruled<WordRule>;
/// An organization's name in addresses.
pub type Slug = Ruled<SlugRule>;
/// A day.
pub type Day = Ruled<DayRule>;

/// The name of a case that holds logs.
pub type Case = Text<1, 100>;

/// See [`Word`].
#[derive(Debug, Clone)]
pub struct WordRule;

impl TextRule for WordRule {
    type Output = String;
    const NAME: &'static str = "Word";
    const FORMAT: &'static str = "word";
    const PATTERN: Option<&'static str> = Some(r"^[a-z][a-z0-9_]*$");
    const MAX: usize = 64;

    fn read(text: &str) -> Result<String, &'static str> {
        let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if starts && plain {
            Ok(text.to_owned())
        } else {
            Err("Must be lowercase letters, digits and underscores, a letter first.")
        }
    }
}

/// See [`Slug`].
#[derive(Debug, Clone)]
pub struct SlugRule;

impl TextRule for SlugRule {
    type Output = String;
    const NAME: &'static str = "Slug";
    const FORMAT: &'static str = "slug";
    const PATTERN: Option<&'static str> = Some(r"^[a-z0-9]+(-[a-z0-9]+)*$");
    const MAX: usize = 63;

    fn read(text: &str) -> Result<String, &'static str> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let part = |part: &str| !part.is_empty() && part.bytes().all(plain);
        if text.split('-').all(part) {
            Ok(text.to_owned())
        } else {
            Err("Must be lowercase letters and digits with single hyphens between them.")
        }
    }
}

/// See [`Day`].
#[derive(Debug, Clone)]
pub struct DayRule;

impl TextRule for DayRule {
    type Output = String;
    const NAME: &'static str = "Day";
    const FORMAT: &'static str = "date";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 10;

    fn read(text: &str) -> Result<String, &'static str> {
        let date: jiff::civil::Date = text.parse().map_err(|_| "Must be a date, as yyyy-mm-dd.")?;
        Ok(date.to_string())
    }
}

/// The greatest limit: what every program that reads JSON can tell from its neighbours (RFC 8259,
/// section 6).
const MAX_LIMIT: u64 = (1 << 53) - 1;

/// Limits by name.
#[derive(Debug, Clone)]
pub struct Limits(pub BTreeMap<String, u64>);

impl Deserr<Faults> for Limits {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let wanted = "Expected an integer, from 0 to 9007199254740991.";
        by_name(value, location, wanted, |value| match value {
            Value::Integer(limit) => (limit <= MAX_LIMIT).then_some(limit),
            _ => None,
        })
        .map(Self)
    }
}

/// What is switched on or off, by name.
#[derive(Debug, Clone, Default)]
pub struct Flags(pub BTreeMap<String, bool>);

impl Deserr<Faults> for Flags {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        by_name(value, location, "Expected a boolean.", |value| match value {
            Value::Boolean(on) => Some(on),
            _ => None,
        })
        .map(Self)
    }
}

/// Reads a map from words to values of one kind.
fn by_name<V: IntoValue, T>(
    value: Value<V>,
    location: ValuePointerRef,
    expected: &'static str,
    read: impl Fn(Value<V>) -> Option<T>,
) -> Result<BTreeMap<String, T>, Faults> {
    let Value::Map(map) = value else {
        return Err(Faults::at(location, "invalid_type", "Expected an object."));
    };
    let mut values = BTreeMap::new();
    let mut faults: Option<Faults> = None;
    for (name, value) in map.into_iter() {
        let at = location.push_key(&name);
        let fault = match (WordRule::read(&name), read(value.into_value())) {
            (Ok(_), Some(value)) => {
                values.insert(name, value);
                continue;
            }
            (Ok(_), None) => Faults::at(at, "invalid_type", expected),
            (Err(detail), _) => Faults::at(at, "invalid_value", detail),
        };
        faults = Some(match faults {
            Some(faults) => faults.and(fault),
            None => fault,
        });
    }
    faults.map_or(Ok(values), Err)
}

/// A user's roles: one or more, each once.
#[derive(Debug)]
pub struct Roles(pub Vec<Role>);

impl Deserr<Faults> for Roles {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        if value.kind() == ValueKind::String {
            return Err(Faults::at(location, "invalid_type", "Expected an array."));
        }
        let mut roles = Vec::<Role>::deserialize_from_value(value, location)?;
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            return Err(Faults::at(location, "invalid_length", "Must name at least one role."));
        }
        Ok(Self(roles))
    }
}

/// Somebody to add.
#[derive(Debug, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct NewUser {
    /// The address to sign in with.
    pub email: EmailAddress,
    /// What people call them.
    pub display_name: Name,
    /// The first password. Left out: one is made up, and answered this once.
    #[deserr(default)]
    pub password: Option<Password>,
}

/// A user who is about to be written, and their password.
pub struct Prepared {
    /// The user.
    pub user: User,
    /// The hash of the password.
    pub password_hash: String,
    /// The password, where it was made up.
    pub generated: Option<String>,
}

impl NewUser {
    /// Makes the user's item, and hashes the password.
    ///
    /// # Errors
    /// 422 where the password is weak; `pointer` is the new user's place in the command.
    pub async fn prepare(
        self,
        call: &Call,
        pointer: &str,
        organization_id: OrganizationId,
        roles: Vec<Role>,
    ) -> Result<Prepared, Error> {
        let (email, display_name) = (self.email.0, self.display_name.0);
        let (password, generated) = if let Some(password) = self.password {
            password.check_new(&format!("{pointer}/password"), &[&email, &display_name], false)?;
            (password, None)
        } else {
            let text = made_up(call);
            (Password::new(&text), Some(text))
        };
        let password_hash = call.passwords.hash(&password, &*call.random).await?;
        let user = User {
            id: UserId::generate(call.now, &*call.random),
            organization_id,
            email,
            display_name,
            timezone: "UTC".to_owned(),
            locale: "en-US".to_owned(),
            avatar_url: None,
            roles,
            disabled: false,
            mfa_enabled: false,
            version: 1,
            credentials_version: 1,
            updated_at: call.now,
            api_keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
        };
        Ok(Prepared { user, password_hash, generated })
    }
}

/// A password of 130 random bits, in an alphabet without look-alikes.
fn made_up(call: &Call) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random::bytes::<26>(&*call.random);
    letters.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}
