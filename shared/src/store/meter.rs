//! What a request spends at the table.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use serde::Deserialize;

/// Counts calls and capacity units. Read and write units are one sum here, as they are on the bill
/// of a request; a route's test asserts it.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU32,
    tenths: AtomicU32,
}

/// What a call tells of its cost.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Consumed {
    #[serde(default)]
    capacity_units: f64,
}

impl From<&ConsumedCapacity> for Consumed {
    fn from(capacity: &ConsumedCapacity) -> Self {
        Self { capacity_units: capacity.capacity_units.unwrap_or_default() }
    }
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
    pub(super) fn consumed(&self, parts: impl IntoIterator<Item = impl Into<Consumed>>) {
        let units: f64 = parts.into_iter().map(|part| part.into().capacity_units).sum();
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
