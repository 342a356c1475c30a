//! Quiet hours, as they are given and shown.

use std::collections::BTreeSet;

use deserr::{Deserr, ValuePointerRef};
use serde::Serialize;
use shared::{
    http::{fault::Faults, time_zone::TimeZone},
    model::notifications::channel::{QuietHours, Weekday},
};
use utoipa::ToSchema;

use crate::values::{Distinct, TimeOfDay};

const ALL_DAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

/// Hours in which a channel holds back what is not critical: it is delivered when they are over.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields, validate = leaves_time -> Faults)]
#[schema(as = QuietHours)]
pub struct GivenQuietHours {
    /// An IANA time zone.
    timezone: TimeZone,
    /// When they begin, by the zone's clock.
    from: TimeOfDay,
    /// When they end. At or before `from`: on the day after. They must leave some time of the week.
    to: TimeOfDay,
    /// The days on which they begin. Left out or `null`: every day.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeSet<Weekday>>, min_items = 1, max_items = 7)]
    days: Option<Distinct<Weekday, 1, 7>>,
}

/// Refuses hours that are always: what is held back until they are over would never be delivered.
fn leaves_time(
    hours: GivenQuietHours,
    location: ValuePointerRef,
) -> Result<GivenQuietHours, Faults> {
    let every_day = hours.days.as_ref().is_none_or(|days| days.0.len() == ALL_DAYS.len());
    if every_day && hours.from.0 == hours.to.0 {
        let detail = "Must leave some time of the week.";
        return Err(Faults::at(location.push_key("to"), "invalid_value", detail));
    }
    Ok(hours)
}

impl From<GivenQuietHours> for QuietHours {
    fn from(given: GivenQuietHours) -> Self {
        let GivenQuietHours { timezone, from, to, days } = given;
        let days =
            days.map_or_else(|| BTreeSet::from(ALL_DAYS), |days| days.0.into_iter().collect());
        Self { timezone: timezone.0, from: from.0, to: to.0, days }
    }
}

/// Hours in which a channel holds back what is not critical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownQuietHours {
    /// An IANA time zone.
    timezone: String,
    /// When they begin, as `HH:MM`.
    from: String,
    /// When they end, as `HH:MM`. At or before `from`: on the day after.
    to: String,
    /// The days on which they begin.
    days: Vec<Weekday>,
}

impl From<&QuietHours> for ShownQuietHours {
    fn from(hours: &QuietHours) -> Self {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        Self {
            timezone: hours.timezone.clone(),
            from: clock(hours.from),
            to: clock(hours.to),
            days: hours.days.iter().copied().collect(),
        }
    }
}
