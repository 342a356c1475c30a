//! `cron(minutes hours day-of-month month day-of-week year)`, in UTC, with `*`, `?`, values, names,
//! lists, ranges and steps; `L`, `W` and `#` are refused.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// How many days ahead a time is looked for: 29 February falls within it.
const HORIZON: usize = 366 * 9;

/// When a schedule falls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: BTreeSet<i16>,
    months: BTreeSet<i16>,
    weekdays: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

impl Cron {
    /// Reads the six fields; nothing where they are not understood.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields.try_into().ok()?;
        // One of the two says nothing: AWS takes no expression that names both.
        if (days == "?") == (weekdays == "?") {
            return None;
        }
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 1, 7, &WEEKDAYS)?,
            years: field(years, 1970, 2199, &[])?,
        })
    }

    /// The first time after another; none where no further one comes.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let now = TimeZone::UTC.to_datetime(after);
        let days = now.date().series(1.day()).take(HORIZON).filter(|date| self.falls_on(*date));
        let times = days.flat_map(|date| {
            self.hours.iter().flat_map(move |hour| {
                self.minutes.iter().filter_map(move |minute| {
                    let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
                    Some(date.at(hour, minute, 0, 0))
                })
            })
        });
        let next = times.into_iter().find(|time| *time > now)?;
        TimeZone::UTC.to_timestamp(next).ok()
    }

    fn falls_on(&self, date: Date) -> bool {
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        self.years.contains(&date.year())
            && self.months.contains(&date.month().into())
            && self.days.contains(&date.day().into())
            && self.weekdays.contains(&weekday)
    }
}

/// The values of a field; names count from its first.
fn field(text: &str, first: i16, last: i16, names: &[&str]) -> Option<BTreeSet<i16>> {
    let value = |text: &str| {
        let index = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match index {
            Some(index) => first + i16::try_from(index).ok()?,
            None => text.parse().ok()?,
        };
        (first..=last).contains(&value).then_some(value)
    };
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0_usize)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (first, last),
            Some((from, to)) => (value(from)?, value(to)?),
            // A step goes on to the end of the field.
            None => (value(range)?, if step.is_some() { last } else { value(range)? }),
        };
        if from > to {
            return None;
        }
        values.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, after: &str, expected: &[&str]) {
        let cron = Cron::parse(expression).unwrap();
        let mut time: Timestamp = after.parse().unwrap();
        for expected in expected {
            time = cron.next(time).unwrap();
            assert_eq!(time.to_string(), *expected, "{expression}");
        }
    }

    #[test]
    fn the_next_time_is_after_the_last() {
        let day = ["2026-03-28T04:30:00Z", "2026-03-29T04:30:00Z"];
        check("30 4 * * ? *", "2026-03-27T04:30:00Z", &day);
        let quarters = ["2026-03-27T23:45:00Z", "2026-03-28T00:00:00Z", "2026-03-28T00:15:00Z"];
        check("0/15 * * * ? *", "2026-03-27T23:30:01Z", &quarters);
        check(
            "*/20 9-10 ? * MON-FRI *",
            "2026-03-27T10:39:59Z",
            &["2026-03-27T10:40:00Z", "2026-03-30T09:00:00Z"],
        );
        check(
            "0 0 1 JAN,jul ? *",
            "2026-03-27T00:00:00Z",
            &["2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"],
        );
        check("0 12 29 2 ? *", "2026-03-27T00:00:00Z", &["2028-02-29T12:00:00Z"]);
        check("0 0 ? * 1 2026-2027", "2026-12-26T00:00:00Z", &["2026-12-27T00:00:00Z"]);
    }

    #[test]
    fn a_year_that_is_over_has_no_next_time() {
        let cron = Cron::parse("0 0 1 1 ? 2025").unwrap();
        assert_eq!(cron.next("2026-01-01T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        for expression in [
            "",
            "0 0 * * ?",
            "0 0 * * * *",
            "0 0 ? * ? *",
            "60 0 * * ? *",
            "0 24 * * ? *",
            "0 0 L * ? *",
            "0 0 ? * MON#1 *",
            "0/0 0 * * ? *",
            "5-1 0 * * ? *",
            "0 0 0 * ? *",
            "0 0 1 FOO ? *",
            "0 0 * * ? * *",
        ] {
            assert_eq!(Cron::parse(expression), None, "{expression}");
        }
    }
}
