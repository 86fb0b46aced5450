//! Logs: to standard error, as wide as `-v` or `SNOWFERRY_LOG` ask for. A service logs what it does; a command is silent.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The variable that makes each line a JSON object, for whatever collects the logs of a service.
const FORMAT_VARIABLE: &str = "SNOWFERRY_LOG_FORMAT";

/// Starts logging. `SNOWFERRY_LOG` takes a filter such as `snowflake=debug` and wins over `-v`.
pub(crate) fn start(verbosity: u8, is_service: bool) {
    let default = match (verbosity, is_service) {
        (0, false) => "error",
        (0, true) | (1, false) => "info",
        (1, true) | (2, _) => {
            "info,app=debug,connectors=debug,emulator=debug,engine=debug,service=debug,snowflake=debug"
        }
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SNOWFERRY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let logs = logs.with_ansi(std::io::stderr().is_terminal());
    if std::env::var(FORMAT_VARIABLE).is_ok_and(|format| format == "json") {
        logs.json().flatten_event(true).init();
    } else {
        logs.init();
    }
}
