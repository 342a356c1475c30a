//! Time, injected: a handler asks its clock, and a test turns it.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// The source of the present moment.
pub trait Clock: Send + Sync {
    /// The present moment, to the millisecond.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where ambient time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// A moment in UTC. It is written as RFC 3339 with whole seconds and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millisecond` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millisecond(millisecond: i64) -> Self {
        Self(millisecond)
    }

    /// The moment `second` seconds after the Unix epoch.
    #[must_use]
    pub const fn from_second(second: i64) -> Self {
        Self(second.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millisecond(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_second(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The second that the moment lies in.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self::from_second(self.as_second())
    }

    /// The moment `seconds` later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The moment `milliseconds` later.
    #[must_use]
    pub const fn plus_milliseconds(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// The moment `minutes` later.
    #[must_use]
    pub fn plus_minutes(self, minutes: u32) -> Self {
        self.plus_seconds(i64::from(minutes) * 60)
    }

    /// The moment `minutes` earlier.
    #[must_use]
    pub fn minus_minutes(self, minutes: u32) -> Self {
        self.plus_seconds(i64::from(minutes) * -60)
    }

    /// The moment `days` of 24 hours later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        self.plus_seconds(i64::from(days) * 86_400)
    }

    /// Whole seconds from `earlier` until this moment; zero where `earlier` is not earlier.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        let seconds = self.as_second().saturating_sub(earlier.as_second());
        if seconds < 0 { 0 } else { seconds }
    }

    /// The first moment of the UTC day.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        Self::from_second(self.as_second().div_euclid(86_400) * 86_400)
    }

    /// The first moment of a UTC day that is written as `yyyy-mm-dd`.
    #[must_use]
    pub fn of_day(day: &str) -> Option<Self> {
        Self::parse(&format!("{day}T00:00:00Z"))
    }

    /// Reads RFC 3339, and nothing else that looks like a time. What is finer than a millisecond is
    /// cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shape = b"dddd-dd-ddTdd:dd:dd";
        let shaped = text.len() > shape.len()
            && text.bytes().zip(shape).all(|(byte, wanted)| match wanted {
                b'd' => byte.is_ascii_digit(),
                b'T' => byte.eq_ignore_ascii_case(&b'T'),
                wanted => byte == *wanted,
            });
        let rest = text.get(shape.len()..)?;
        let rest = rest.strip_prefix('.').map_or(rest, |fraction| {
            fraction.trim_start_matches(|digit: char| digit.is_ascii_digit())
        });
        let offset = rest.eq_ignore_ascii_case("Z")
            || (rest.len() == 6
                && rest.starts_with(['+', '-'])
                && rest.as_bytes()[3] == b':'
                && rest.get(1..3).is_some_and(|hours| hours < "24"));
        let moment: jiff::Timestamp = (shaped && offset).then(|| text.parse().ok())??;
        Some(Self(moment.as_millisecond()))
    }

    /// The UTC day, as `yyyy-mm-dd`.
    #[must_use]
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_second(self.as_second()).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        write!(f, "{moment:.0}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Timestamp {}

/// A [`Timestamp`] in the table: whole seconds since the Unix epoch, as TTL wants them.
pub mod epoch {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Timestamp;

    /// Writes whole seconds.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        moment.as_second().serialize(serializer)
    }

    /// Reads whole seconds.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_second)
    }

    /// The same for a moment that may be missing.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::Timestamp;

        /// Writes whole seconds, or nothing.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(
            moment: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            moment.map(Timestamp::as_second).serialize(serializer)
        }

        /// Reads whole seconds, or nothing.
        ///
        /// # Errors
        /// Those of the deserializer.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_second))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_whole_seconds_and_z() {
        let moment = Timestamp::from_millisecond(1_743_087_600_999);
        assert_eq!(moment.to_string(), "2025-03-27T15:00:00Z");
        assert_eq!(moment.day(), "2025-03-27");
    }

    #[test]
    fn rfc_3339_is_read_and_nothing_else() {
        let read = |text: &str| Timestamp::parse(text).map(Timestamp::as_millisecond);
        for (text, millisecond) in [
            ("2025-03-27T15:00:00Z", 1_743_087_600_000),
            ("2025-03-27t15:00:00z", 1_743_087_600_000),
            ("2025-03-27T15:00:00.999Z", 1_743_087_600_999),
            ("2025-03-27T15:00:00.9999999Z", 1_743_087_600_999),
            ("2025-03-27T17:00:00+02:00", 1_743_087_600_000),
            ("2025-03-27T09:30:00-05:30", 1_743_087_600_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ] {
            assert_eq!(read(text), Some(millisecond), "{text}");
        }
        for text in [
            "",
            "2025-03-27",
            "2025-03-27T15:00:00",
            "2025-03-27 15:00:00Z",
            "2025-03-27T15:00Z",
            "2025-03-27T15:00:00 02:00",
            "2025-03-27T15:00:00+02",
            "2025-03-27T15:00:00+0200",
            "2025-03-27T15:00:00+24:00",
            "2025-03-27T15:00:00-25:00",
            "2025-03-27T15:00:00.Z",
            "2025-03-27T15:00:00Z[UTC]",
            "2025-02-30T15:00:00Z",
            "2025-03-27T24:00:00Z",
            "+002025-03-27T15:00:00Z",
            "20250327T150000Z",
            "1743087600",
            "2025-03-27T15:00:0\u{e9}Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Timestamp::of_day("2025-03-27").map(Timestamp::as_second), Some(1_743_033_600));
        assert_eq!(Timestamp::of_day("yesterday"), None);
    }

    #[test]
    fn a_moment_out_of_range_does_not_panic() {
        assert!(Timestamp::from_second(i64::MAX).to_string().starts_with("9999-"));
    }
}
