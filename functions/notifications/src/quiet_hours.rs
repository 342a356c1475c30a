//! Quiet hours, as they are given and shown.

use std::collections::BTreeSet;

use deserr::Deserr;
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
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = QuietHours)]
pub struct GivenQuietHours {
    /// An IANA time zone.
    timezone: TimeZone,
    /// When they begin, by the zone's clock.
    from: TimeOfDay,
    /// When they end. At or before `from`: on the day after.
    to: TimeOfDay,
    /// The days on which they begin. Left out or `null`: every day.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeSet<Weekday>>, min_items = 1, max_items = 7)]
    days: Option<Distinct<Weekday, 1, 7>>,
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
