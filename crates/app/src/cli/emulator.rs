//! `snowferry emulator`: an emulated Snowflake account on this machine, until Ctrl-C.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use emulator::sample::{self, Sample};
use emulator::{DEFAULT_PASSWORD, DEFAULT_USER, Emulator, EmulatorConfig, RunningEmulator};
use model::{Error, ErrorKind, Result};

use crate::output::{Terminal, print_line, seconds};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry emulator --port 8181 --sample
  snowferry emulator --port 8181 --data ./account --sample --tpch 0.1

Any Snowflake driver can connect; it needs host 127.0.0.1, the port, and protocol http.
It listens on this machine only and is not made to hold anything of value.")]
pub(crate) struct EmulatorCommand {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8181)]
    port: u16,

    /// Keep databases in this folder; without it everything is gone in the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Load sample data: a CRM with offline revenue, product usage and ad spend
    #[arg(long)]
    sample: bool,

    /// Load TPC-H too, at this scale; 1 is six million line items
    #[arg(long, value_name = "SCALE", requires = "sample")]
    tpch: Option<f64>,
}

impl EmulatorCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let config = EmulatorConfig {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port),
            data_folder: self.data.clone(),
            ..EmulatorConfig::default()
        };
        let running = start(config).await?;
        if self.sample {
            let started = Instant::now();
            let running = load(running, Sample { tpch_scale: self.tpch, ..Sample::default() }).await?;
            print_line(&terminal.dim(&format!("sample data loaded in {}", seconds(started.elapsed()))))?;
            return self.serve(terminal, running).await;
        }
        self.serve(terminal, running).await
    }

    async fn serve(&self, terminal: &Terminal, running: RunningEmulator) -> Result<()> {
        print_line(&format!("an emulated Snowflake listens on {}", terminal.bold(running.url())))?;
        print_line(&format!(
            "  user {DEFAULT_USER}, password {DEFAULT_PASSWORD}, any account name, role ACCOUNTADMIN"
        ))?;
        print_line(&terminal.dim("Ctrl-C stops it"))?;
        let stopped = tokio::signal::ctrl_c().await;
        running.shutdown().await;
        stopped.map_err(|error| Error::internal("Ctrl-C cannot be listened for").with_source(error))
    }
}

/// Starts an emulator with these settings.
pub(super) async fn start(config: EmulatorConfig) -> Result<RunningEmulator> {
    let address = config.address;
    Emulator::start(config).await.map_err(|error| {
        Error::new(
            ErrorKind::Conflict,
            "emulator_not_started",
            format!("the emulator cannot listen on {address}: {error}"),
        )
        .with_remedy("choose another --port, or --port 0 for a free one")
    })
}

/// Loads the sample into a running emulator.
pub(super) async fn load(running: RunningEmulator, sample: Sample) -> Result<RunningEmulator> {
    on_emulator(running, move |running| sample::load(running, sample)).await
}

/// Runs blocking work on an emulator and gives it back.
pub(super) async fn on_emulator(
    running: RunningEmulator,
    work: impl FnOnce(&RunningEmulator) -> std::result::Result<(), emulator::outcome::SqlError> + Send + 'static,
) -> Result<RunningEmulator> {
    let done = tokio::task::spawn_blocking(move || (work(&running), running)).await;
    let (result, running) =
        done.map_err(|error| Error::internal("the emulator's loader panicked").with_source(error))?;
    result.map_err(|error| Error::internal("the emulator refused its own statements").with_source(error))?;
    Ok(running)
}
