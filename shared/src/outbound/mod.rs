//! Requests to addresses that callers name.

pub mod guard;
#[doc(hidden)]
#[cfg(any(test, feature = "hostile-addresses"))]
pub mod hostile;
