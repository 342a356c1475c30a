//! The log: JSON lines on standard output.

use std::fmt;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::clock::{Clock as _, SystemClock};

pub(super) fn start() {
    let level = super::variable("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
    // A second subscriber cannot be set, and need not be.
    let _ = log_to(std::io::stdout, &level).try_init();
}

/// A log of `error`, `warn`, `info`, `debug` or `trace` lines; `info` for any other level. Lambda
/// takes a line's level from it only if the line has a timestamp, too.
pub fn log_to<W>(writer: W, level: &str) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    // The runtime warns of settings that are none of ours.
    let filter = Targets::new()
        .with_default(level)
        .with_target("lambda_runtime", level.min(LevelFilter::ERROR));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_timer(WholeSeconds)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .with_ansi(false)
        .with_writer(writer)
        .with_filter(filter);
    tracing_subscriber::registry().with(lines)
}

struct WholeSeconds;

impl FormatTime for WholeSeconds {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", SystemClock.now())
    }
}
