//! Logs, to standard error, as wide as `-v` or `SNOWFERRY_LOG` ask for; and traces, where OpenTelemetry's variables say where to.
//! A service logs what it does; a command is silent.

mod courier;
mod traces;

use std::io::IsTerminal;

use model::Result;
use tracing_subscriber::filter::{FilterExt, dynamic_filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::traces::Traces;
pub(crate) use self::traces::{begin_trace_of, run_within};
use crate::timings::Timings;

/// The variable that makes each line a JSON object, for whatever collects the logs of a service.
const FORMAT_VARIABLE: &str = "SNOWFERRY_LOG_FORMAT";

/// What is told about the program while it runs. To be ended, so that what waits is sent.
#[must_use]
pub(crate) struct Telemetry {
    traces: Option<Traces>,
}

/// Starts logging, and tracing where it is asked for. `SNOWFERRY_LOG` takes a filter such as `snowflake=debug` and wins over
/// `-v`.
pub(crate) fn start(verbosity: u8, is_service: bool, timings: Option<&Timings>) -> Result<Telemetry> {
    let default = match (verbosity, is_service) {
        (0, false) => "error",
        (0, true) | (1, false) => "info",
        (1, true) | (2, _) => {
            "info,app=debug,connectors=debug,emulator=debug,engine=debug,service=debug,snowflake=debug"
        }
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SNOWFERRY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // Spans are for traces: a line of a log stands for itself. Asked each time: where a library only asks whether it would be
    // heard, the answer would otherwise stand for the next event as well.
    let filter = filter.and(dynamic_filter_fn(|metadata, _| metadata.is_event()));
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = logs.with_ansi(std::io::stderr().is_terminal());
    let logs = match std::env::var(FORMAT_VARIABLE).is_ok_and(|format| format == "json") {
        true => logs.json().flatten_event(true).boxed(),
        false => logs.boxed(),
    };
    let (traces, refused) = match Traces::from_environment() {
        Ok(traces) => (traces, None),
        Err(error) => (None, Some(error)),
    };
    let (registry, logs) = (tracing_subscriber::registry(), logs.with_filter(filter));
    match &traces {
        None => registry.with(logs).with(timings.map(Timings::layer)).init(),
        // A list and not layer upon layer: an absent layer takes an interest in every span.
        Some(traces) => {
            let mut layers = vec![logs.boxed(), traces.layer().boxed()];
            layers.extend(timings.map(|timings| timings.layer().boxed()));
            registry.with(layers).init();
        }
    }
    refused.map_or(Ok(Telemetry { traces }), Err)
}

impl Telemetry {
    /// Sends what waits, for a few seconds at most.
    pub(crate) fn end(self) {
        if let Some(traces) = self.traces {
            traces.end();
        }
    }
}
