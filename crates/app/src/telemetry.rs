//! Logs: to standard error, off by default, as wide as `-v` or `SNOWFERRY_LOG` ask for.

use tracing_subscriber::EnvFilter;

/// Starts logging. `SNOWFERRY_LOG` takes a filter such as `snowflake=debug` and wins over `-v`.
pub(crate) fn start(verbosity: u8) {
    let default = match verbosity {
        0 => "error",
        1 => "info",
        2 => "info,app=debug,connectors=debug,emulator=debug,engine=debug,snowflake=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SNOWFERRY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
