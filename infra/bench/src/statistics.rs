//! Of many noisy times, the one in the middle.

use std::time::Duration;

/// The median, in microseconds.
pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Runs `measure` in turn for each of `subjects`, `rounds` times, so that whatever else the machine
/// does meets all of them alike; `burst` times in a row, so that each finds the processor's caches
/// as it has left them itself. Answers with a median each.
pub(crate) async fn in_turn<S>(
    subjects: &[S],
    rounds: usize,
    burst: usize,
    measure: impl AsyncFn(&S) -> Duration,
) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds * burst); subjects.len()];
    for _ in 0..rounds {
        for (subject, times) in subjects.iter().zip(&mut times) {
            for _ in 0..burst {
                times.push(measure(subject).await);
            }
        }
    }
    times.into_iter().map(median).collect()
}
