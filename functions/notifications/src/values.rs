//! Fields of bodies.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use shared::http::{
    fault::Faults,
    field::{Ruled, Text, TextRule},
};

/// What people call a channel or a rule.
pub type Name = Text<1, 100>;

/// The name of a workspace, or of what is in it.
pub type SlackName = Text<1, 80>;

/// A list of `MIN` to `MAX` values, no two of them the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct<T, const MIN: usize, const MAX: usize>(pub Vec<T>);

impl<T: Deserr<Faults> + PartialEq, const MIN: usize, const MAX: usize> Deserr<Faults>
    for Distinct<T, MIN, MAX>
{
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        // The bound comes first: no more is told than may be sent.
        if let Value::Sequence(list) = &value
            && !(MIN..=MAX).contains(&deserr::Sequence::len(list))
        {
            let detail = format!("Must have {MIN} to {MAX} elements.");
            return Err(Faults::at(location, "invalid_length", detail));
        }
        let list = Vec::<T>::deserialize_from_value(value, location)?;
        let repeated = (1..list.len()).filter(|index| list[..*index].contains(&list[*index]));
        let faults = repeated.map(|index| {
            Faults::at(location.push_index(index), "duplicate", "Is in the list before this.")
        });
        faults.reduce(Faults::and).map_or(Ok(Self(list)), Err)
    }
}

/// The routing key of a `PagerDuty` service.
pub type RoutingKey = Ruled<RoutingKeyRule>;

/// How a routing key is read: 32 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingKeyRule;

impl TextRule for RoutingKeyRule {
    type Output = String;
    const NAME: &'static str = "RoutingKey";
    const FORMAT: &'static str = "pagerduty-routing-key";
    const PATTERN: Option<&'static str> = Some(r"^[A-Za-z0-9]{32}$");
    const MAX: usize = 32;

    fn read(text: &str) -> Result<String, &'static str> {
        if text.len() == Self::MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(text.to_owned())
        } else {
            Err("Must be 32 letters and digits.")
        }
    }
}

/// A time of the day, as minutes after midnight.
pub type TimeOfDay = Ruled<TimeOfDayRule>;

/// How a time of the day is read: `HH:MM`, from 00:00 to 23:59.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOfDayRule;

impl TextRule for TimeOfDayRule {
    type Output = u16;
    const NAME: &'static str = "TimeOfDay";
    const FORMAT: &'static str = "hh:mm";
    const PATTERN: Option<&'static str> = Some(r"^([01][0-9]|2[0-3]):[0-5][0-9]$");
    const MAX: usize = 5;

    fn read(text: &str) -> Result<u16, &'static str> {
        let minutes = || {
            let (hours, minutes) = text.split_once(':')?;
            let two = |text: &str| {
                let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse::<u16>().ok()).flatten()
            };
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        minutes().ok_or("Must be a time of the day as HH:MM, from 00:00 to 23:59.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_day_has_two_digits_twice() {
        assert_eq!(TimeOfDayRule::read("00:00"), Ok(0));
        assert_eq!(TimeOfDayRule::read("23:59"), Ok(1439));
        for text in ["24:00", "7:30", "07:60", "0730", "07:3", "+7:30", "٠٧:30", "07:30:00", ":"]
        {
            assert!(TimeOfDayRule::read(text).is_err(), "{text}");
        }
    }
}
