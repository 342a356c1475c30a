//! When a delivery is tried again: the schedule that Standard Webhooks recommends, with jitter, so that
//! what failed together is not tried together.

use shared::{
    clock::Timestamp,
    random::{self, Random},
};

/// The time before each attempt after the first, in seconds: 5 s, 5 min, 30 min, then 2, 5, 10, 14, 20
/// and 24 h. Together a little over three days.
const PAUSES: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How many attempts a delivery gets.
pub const ATTEMPTS: usize = PAUSES.len() + 1;

/// By how many parts of a thousand a pause is longer or shorter than it is written.
const JITTER: i64 = 200;

/// When a delivery that has been tried so often, just now for the last time, is tried again; never
/// where that was its last attempt. A receiver's own wish is respected where it is later.
#[must_use]
pub fn next(
    attempts: usize,
    retry_after: Option<i64>,
    now: Timestamp,
    random: &dyn Random,
) -> Option<Timestamp> {
    let pause = PAUSES.get(attempts.checked_sub(1)?)?;
    let draw = i64::from(u16::from_be_bytes(random::bytes(random))) % (2 * JITTER + 1);
    let pause = pause * (1000 + draw - JITTER) / 1000;
    Some(now.plus_seconds(pause.max(retry_after.unwrap_or_default())).whole_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u16);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.to_be_bytes());
        }
    }

    const NOW: Timestamp = Timestamp::from_second(1_000_000);

    fn pause(attempts: usize, retry_after: Option<i64>, draw: u16) -> Option<i64> {
        next(attempts, retry_after, NOW, &Fixed(draw)).map(|at| at.seconds_since(NOW))
    }

    #[test]
    fn each_pause_is_within_a_fifth_of_what_is_written() {
        for (attempts, written) in (1..).zip(PAUSES) {
            assert_eq!(pause(attempts, None, 0), Some(written * 8 / 10));
            assert_eq!(pause(attempts, None, 200), Some(written));
            assert_eq!(pause(attempts, None, 400), Some(written * 12 / 10));
        }
    }

    #[test]
    fn after_the_last_attempt_there_is_none() {
        assert_eq!(ATTEMPTS, 10);
        assert_eq!(pause(ATTEMPTS, None, 0), None);
        assert_eq!(pause(0, None, 0), None);
    }

    #[test]
    fn the_receiver_s_wish_counts_where_it_is_later() {
        assert_eq!(pause(1, Some(120), 200), Some(120));
        assert_eq!(pause(2, Some(120), 200), Some(300));
    }
}
