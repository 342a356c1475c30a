//! What a request spends at the table.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Counts calls and capacity units. Read and write units are one sum here, as they are on the bill
/// of a request; a route's test asserts it.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU32,
    tenths: AtomicU32,
}

impl Meter {
    pub(super) fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "units are few, and halves"
    )]
    pub(super) fn consumed<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units: f64 = capacity.into_iter().filter_map(|part| part.capacity_units).sum();
        self.tenths.fetch_add((units * 10.0).round() as u32, Ordering::Relaxed);
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many capacity units they consumed.
    #[must_use]
    pub fn units(&self) -> f64 {
        f64::from(self.tenths.load(Ordering::Relaxed)) / 10.0
    }
}
