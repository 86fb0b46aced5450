//! A worker: claims runs as it has places, keeps its lease, and ends what it has when the lease is lost or it shuts down.
//!
//! One loop does it all in turn, so that nothing is claimed while a lease is in doubt. A lease that was lost is noticed on
//! this process's own clock: counted from before the heartbeat was sent, a worker that hears nothing for as long as its
//! lease stops everything, whatever the database would say. What a stopped run still writes is refused by its
//! destination, which has seen a later lease by then or will before anything is shown.

mod attempt;
mod lease;

use std::sync::Arc;
use std::time::Duration;

use model::Result;
use store::{Queue, Store, Vault};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::runner::Runner;
use attempt::Attempts;
use lease::{Ended, Lease};

/// How a worker behaves.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// What people call it, such as the host's name.
    pub name: String,
    /// Runs that go on at the same time.
    pub places: usize,
    /// So long runs may take to stop at shutdown before they are dropped. Kubernetes kills after thirty seconds.
    pub stop_patience: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { name: "worker".to_owned(), places: 4, stop_patience: Duration::from_secs(20) }
    }
}

/// What works on runs.
#[derive(Clone, Debug)]
pub struct Worker {
    store: Store,
    queue: Queue,
    vault: Vault,
    runner: Arc<dyn Runner>,
    metrics: Metrics,
    options: WorkerOptions,
}

/// Before the next try where the database does not answer; short against any lease.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl Worker {
    /// A worker on the runs of `queue`.
    pub fn new(
        (store, queue, vault): (Store, Queue, Vault),
        runner: Arc<dyn Runner>,
        metrics: Metrics,
        options: WorkerOptions,
    ) -> Self {
        Self { store, queue, vault, runner, metrics, options }
    }

    /// Works until `shutdown`, then gives back what it has.
    pub async fn run(&self, shutdown: &CancellationToken) -> Result<()> {
        while !shutdown.is_cancelled() {
            let registered = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                registered = Lease::take(&self.queue, &self.options.name) => registered,
            };
            let lease = match registered {
                Ok(lease) => lease,
                Err(error) => {
                    tracing::warn!(error = %error, error.code = error.code(), "no lease could be taken");
                    tokio::time::sleep(RETRY_DELAY).await;
                    continue;
                }
            };
            let mut attempts = Attempts::new(self);
            match lease.work(&mut attempts, shutdown).await {
                Ended::Shutdown(mut lease) => {
                    attempts.stop_for_shutdown(&mut lease).await;
                    lease.give_back().await?;
                }
                Ended::Lost => {
                    self.metrics.lease_lost();
                    tracing::error!(
                        worker.runs = attempts.count(),
                        "the lease was lost; its runs are stopped"
                    );
                    attempts.drop_all().await;
                }
            }
        }
        Ok(())
    }
}
