//! Schedules: a function is invoked when the template says so.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::{
    clock::now,
    cron::Cron,
    error::Error,
    events::Schedule,
    invoke::{Failure, Invoke},
    template::Template,
};

/// How often it is looked whether a schedule is due.
const TICK: Duration = Duration::from_secs(1);

/// When a schedule falls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Again and again after the same time.
    Rate(SignedDuration),
    /// At times of the calendar.
    Cron(Cron),
}

impl Expression {
    /// Reads `rate(…)` or `cron(…)`.
    ///
    /// # Errors
    /// [`Error::Template`] where it is not understood.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unknown = || Error::Template(format!("the schedule {text:?} is not understood"));
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(fields) = inner("cron") {
            return Cron::parse(fields).map(Self::Cron).ok_or_else(unknown);
        }
        let (number, unit) =
            inner("rate").and_then(|rate| rate.split_once(' ')).ok_or_else(unknown)?;
        let number = number.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(unknown)?;
        let minutes = match unit {
            "minute" | "minutes" => 1,
            "hour" | "hours" => 60,
            "day" | "days" => 24 * 60,
            _ => return Err(unknown()),
        };
        Ok(Self::Rate(SignedDuration::from_mins(i64::from(number) * minutes)))
    }

    /// The next time after `now`. Times of a rate are counted from `last`, so that they do not drift.
    fn next(&self, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(period) => {
                let passed = now.duration_since(last).as_secs().max(0) / period.as_secs();
                let periods = i32::try_from(passed + 1).ok()?;
                last.checked_add(period.checked_mul(periods)?).ok()
            }
            Self::Cron(cron) => cron.next(now),
        }
    }
}

/// The template's schedules, and when each is next due.
#[derive(Debug)]
struct Keeper(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    function: String,
    schedule: Schedule,
    /// None where no further time comes.
    next: Option<Timestamp>,
    /// What is still at work is not started again: a function that is being compiled would be handed
    /// all that has gathered at once.
    running: bool,
    failing: bool,
}

impl Keeper {
    fn new(template: &Template, now: Timestamp) -> Self {
        let schedules = template.functions.iter().flat_map(|(function, of)| {
            of.schedules.iter().map(move |schedule| Entry {
                function: function.clone(),
                schedule: schedule.clone(),
                next: schedule.expression.next(now, now),
                running: false,
                failing: false,
            })
        });
        Self(schedules.collect())
    }

    /// The schedules that are to be started now, by their place. A time that passed while the machine
    /// was asleep counts once.
    fn due(&mut self, now: Timestamp) -> Vec<usize> {
        let mut due = Vec::new();
        for (index, entry) in self.0.iter_mut().enumerate() {
            let Some(time) = entry.next.filter(|time| *time <= now) else { continue };
            entry.next = entry.schedule.expression.next(time, now);
            if !entry.running {
                entry.running = true;
                due.push(index);
            }
        }
        due
    }

    /// Notes how an invocation ended; what to tell of it. The same trouble is told once.
    fn ended(&mut self, index: usize, result: Result<(), Failure>) -> Option<String> {
        let entry = self.0.get_mut(index)?;
        entry.running = false;
        let was_failing = std::mem::replace(&mut entry.failing, result.is_err());
        let function = &entry.function;
        match result {
            Err(failure) if !was_failing => {
                Some(format!("==> {function}, by its schedule: {failure}; tried at the next time"))
            }
            Ok(()) if was_failing => Some(format!("==> {function}, by its schedule: works again")),
            _ => None,
        }
    }
}

/// Keeps the template's schedules, for as long as it is polled.
pub async fn keep(template: &Template, invoke: Arc<impl Invoke>, tell: impl Fn(&str)) {
    let mut keeper = Keeper::new(template, now());
    let mut running = JoinSet::new();
    let mut timer = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = timer.tick() => {
                for index in keeper.due(now()) {
                    let Some(entry) = keeper.0.get(index) else { continue };
                    let (function, input) = (entry.function.clone(), entry.schedule.input.clone());
                    let invoke = Arc::clone(&invoke);
                    running.spawn(async move {
                        (index, invoke.invoke(&function, input).await.map(drop))
                    });
                }
            }
            Some(Ok((index, result))) = running.join_next() => {
                if let Some(text) = keeper.ended(index, result) {
                    tell(&text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2026-03-27T10:20:30Z";

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn keeper(expression: &str) -> Keeper {
        let text = format!(
            "Resources:
  Table: {{Type: 'AWS::DynamoDB::Table', Properties: {{}}}}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {{SecretStringTemplate: '{{}}', GenerateStringKey: k, PasswordLength: 1}}
  Sweep:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/sweep
      Events:
        Timer: {{Type: ScheduleV2, Properties: {{ScheduleExpression: {expression}}}}}"
        );
        Keeper::new(&Template::parse(&text).unwrap(), at(START))
    }

    #[test]
    fn a_rate_falls_due_a_period_after_the_start_and_does_not_drift() {
        let mut keeper = keeper("rate(1 hour)");
        assert!(keeper.due(at("2026-03-27T11:20:29Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-27T11:20:33Z")), [0]);
        assert_eq!(keeper.ended(0, Ok(())), None);
        assert!(keeper.due(at("2026-03-27T12:20:29Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-27T12:20:30Z")), [0]);
    }

    #[test]
    fn a_cron_falls_due_at_its_times() {
        let mut keeper = keeper("cron(0/30 * * * ? *)");
        assert!(keeper.due(at("2026-03-27T10:29:59Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-27T10:30:00Z")), [0]);
        keeper.ended(0, Ok(()));
        assert!(keeper.due(at("2026-03-27T10:59:59Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-27T11:00:01Z")), [0]);
    }

    #[test]
    fn times_that_were_slept_through_count_once() {
        let mut keeper = keeper("rate(5 minutes)");
        assert_eq!(keeper.due(at("2026-03-29T08:01:00Z")), [0]);
        keeper.ended(0, Ok(()));
        assert!(keeper.due(at("2026-03-29T08:05:29Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-29T08:05:30Z")), [0]);
    }

    #[test]
    fn a_clock_that_goes_back_starts_nothing() {
        let mut keeper = keeper("rate(1 minute)");
        assert!(keeper.due(at("2026-03-27T09:00:00Z")).is_empty());
        assert_eq!(keeper.due(at("2026-03-27T10:21:30Z")), [0]);
    }

    #[test]
    fn what_is_still_at_work_is_not_started_again() {
        let mut keeper = keeper("rate(1 minute)");
        assert_eq!(keeper.due(at("2026-03-27T10:21:30Z")), [0]);
        assert!(keeper.due(at("2026-03-27T10:22:30Z")).is_empty());
        keeper.ended(0, Ok(()));
        assert_eq!(keeper.due(at("2026-03-27T10:23:30Z")), [0]);
    }

    #[test]
    fn a_failure_is_told_once_and_tried_at_the_next_time() {
        let mut keeper = keeper("rate(1 minute)");
        let failed = || Err(Failure::Function("out of luck".to_owned()));
        assert_eq!(keeper.due(at("2026-03-27T10:21:30Z")), [0]);
        let told = keeper.ended(0, failed()).unwrap();
        assert_eq!(
            told,
            "==> sweep, by its schedule: it failed: out of luck; tried at the next time"
        );
        assert_eq!(keeper.due(at("2026-03-27T10:22:30Z")), [0]);
        assert_eq!(keeper.ended(0, failed()), None);
        assert_eq!(keeper.ended(0, Ok(())).unwrap(), "==> sweep, by its schedule: works again");
        assert_eq!(keeper.ended(0, Ok(())), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "rate(5minutes)",
            "rate(5 minutes",
            "rate(-1 hours)",
            "at(2026-11-20T13:00:00)",
            "cron(0 0 * * *)",
        ] {
            assert!(matches!(Expression::parse(text), Err(Error::Template(_))), "{text}");
        }
    }

    #[test]
    fn rates_are_read() {
        for (text, minutes) in [
            ("rate(1 minute)", 1),
            ("rate(90 minutes)", 90),
            ("rate(2 hours)", 120),
            ("rate(1 day)", 1440),
        ] {
            let expected = Expression::Rate(SignedDuration::from_mins(minutes));
            assert_eq!(Expression::parse(text).unwrap(), expected, "{text}");
        }
    }
}
