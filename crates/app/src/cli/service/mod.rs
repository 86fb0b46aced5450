//! `snowferry serve` and `snowferry worker`: processes that run what is stored, until they are told to end.

pub(super) mod connections;
pub(super) mod handover;
mod keys;
mod runner;
pub(super) mod runs;
pub(super) mod syncs;
pub(super) mod token;
pub(super) mod why;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use model::{Error, Result};
use service::{
    AlertOptions, Alerting, ApiOptions, Metrics, Scheduler, Server, Worker, WorkerOptions, api, handovers,
};
use store::{Queue, QueuePolicy, Store};
use tokio_util::sync::CancellationToken;

use self::handover::accept;
use self::keys::StoredKeys;
use self::runner::StoredSyncs;
use self::syncs::goes_back_to;
use super::run::cancelled_by_signal;
use super::state::{StoreArgument, VaultArgument};
use crate::config::read_channels;
use crate::memory;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry serve
  snowferry serve --store postgres://snowferry@db/snowferry --places 8 --listen 0.0.0.0:8080

SIGTERM stops cleanly: runs stop at a batch, keep what is staged and are given back, to go on elsewhere.")]
pub(crate) struct ServeCommand {
    /// Where health, figures and the API are answered
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "SNOWFERRY_LISTEN")]
    listen: SocketAddr,

    #[command(flatten)]
    work: WorkArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry worker --store postgres://snowferry@db/snowferry --places 8
  snowferry worker --store postgres://snowferry@db/snowferry --listen 0.0.0.0:9090")]
pub(crate) struct WorkerCommand {
    /// Where health and figures are answered; nowhere unless given
    #[arg(long, value_name = "ADDRESS", env = "SNOWFERRY_LISTEN")]
    listen: Option<SocketAddr>,

    #[command(flatten)]
    work: WorkArguments,
}

#[derive(Args, Debug)]
struct WorkArguments {
    /// Runs that go on in this process at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    places: u16,

    /// Memory for rows on their way, of each run; less than 128MiB makes all of a run smaller, and a
    /// little slower
    #[arg(long, value_name = "SIZE", default_value = "128MiB", value_parser = memory::parse)]
    memory: u64,

    /// What people call this process; the host's name unless given
    #[arg(long, value_name = "NAME", env = "SNOWFERRY_WORKER")]
    name: Option<String>,

    /// How long runs may take to stop at shutdown, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    stop_patience: u64,

    /// A worker that is not heard of for so many seconds loses its runs; the same for all workers
    #[arg(long, value_name = "SECONDS", default_value_t = LEASE_SECONDS, value_parser = clap::value_parser!(u64).range(2..=3_600))]
    lease: u64,

    /// The file of the channels that are told when a sync fails, is late or is well again
    #[arg(long, value_name = "FILE", env = "SNOWFERRY_ALERTS")]
    alerts: Option<PathBuf>,

    #[command(flatten)]
    vault: VaultArgument,
}

/// What `--lease` says unless it is given: as long as a restart of Postgres may take.
const LEASE_SECONDS: u64 = 60;

impl ServeCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        self.work.run(Some(self.listen), true).await
    }
}

impl WorkerCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        self.work.run(self.listen, false).await
    }
}

impl WorkArguments {
    async fn run(&self, listen: Option<SocketAddr>, has_api: bool) -> Result<()> {
        let channels = self.alerts.as_deref().map(read_channels).transpose()?.unwrap_or_default();
        let (store, vault) = self.vault.open().await?;
        let shutdown = cancelled_by_signal();
        let queue = self.queue(&store);
        let metrics = Metrics::default();
        let runner = Arc::new(StoredSyncs { memory_bytes: self.memory });
        let options = WorkerOptions {
            name: self.name.clone().unwrap_or_else(host),
            places: usize::from(self.places),
            stop_patience: Duration::from_secs(self.stop_patience),
        };
        let server = match listen {
            Some(address) => {
                let open = (store.clone(), queue.clone(), metrics.clone());
                let options = ApiOptions { goes_back: Some(goes_back_to), ..ApiOptions::default() };
                let api = has_api.then(|| {
                    let desk = handovers(store.clone(), vault.clone(), accept);
                    let keys = Arc::new(StoredKeys::new(store.clone(), vault.clone()));
                    api(open.clone(), keys, options).merge(desk)
                });
                Some(Server::open(address, open, api, &shutdown).await?)
            }
            None => None,
        };
        let scheduler = Scheduler::new(queue.clone(), metrics.clone());
        let alerting = Alerting::new(store.clone(), metrics.clone(), channels, AlertOptions::default());
        let worker = Worker::new((store.clone(), queue, vault), runner, metrics, options);
        let scheduling = {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { scheduler.run(&shutdown).await })
        };
        let alerting = {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { alerting.run(&shutdown).await })
        };
        let serving = serve(server, &shutdown)?;
        let worked = worker.run(&shutdown).await;
        // Whatever ended the worker ends the others.
        shutdown.cancel();
        scheduling.await.map_err(|error| Error::internal("the scheduler panicked").with_source(error))?;
        alerting.await.map_err(|error| Error::internal("the alerts panicked").with_source(error))?;
        serving.await.map_err(|error| Error::internal("the server panicked").with_source(error))??;
        store.close().await;
        worked
    }

    fn queue(&self, store: &Store) -> Queue {
        let lease = Duration::from_secs(self.lease);
        Queue::new(store.clone(), QueuePolicy { lease, grace: lease / 4, ..QueuePolicy::default() })
    }
}

type Serving = tokio::task::JoinHandle<Result<()>>;

fn serve(server: Option<Server>, shutdown: &CancellationToken) -> Result<Serving> {
    let Some(server) = server else { return Ok(tokio::spawn(async { Ok(()) })) };
    tracing::info!(server.address = %server.address()?, "listening");
    Ok(tokio::spawn(server.run(shutdown.clone())))
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(std::io::Error::other));
    name.map_or_else(|_| "worker".to_owned(), |name| name.trim().to_owned())
}

/// The queue of a store, for commands that ask and do not work.
async fn opened(store: &StoreArgument) -> Result<(Store, Queue)> {
    let store = store.open().await?;
    let queue = Queue::new(store.clone(), QueuePolicy::default());
    Ok((store, queue))
}
