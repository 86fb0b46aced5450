//! The lease of a worker, from when it was taken until it is given back or lost.

use std::time::Duration;

use model::{Error, Result};
use store::{Id, Queue, Worker as WorkerRow};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::RETRY_DELAY;
use super::attempt::Attempts;

/// How often an idle worker asks for runs: what a person notices when they have asked for one.
const CLAIM_EVERY: Duration = Duration::from_secs(1);

/// A third of the lease: two heartbeats may fail.
const HEARTBEATS_A_LEASE: u32 = 3;

/// The right to work on runs.
pub(super) struct Lease {
    queue: Queue,
    worker: Id<WorkerRow>,
    /// On this process's clock, and never later than on the database's.
    until: Instant,
    beat_at: Instant,
    claim_at: Instant,
}

/// How work under a lease ended.
pub(super) enum Ended {
    /// The lease holds, and runs may be ended in order.
    Shutdown(Box<Lease>),
    Lost,
}

/// The lease is gone.
pub(super) struct Lost;

impl Lease {
    pub(super) async fn take(queue: &Queue, name: &str) -> Result<Self> {
        let asked_at = Instant::now();
        let worker = queue.register(name).await?;
        tracing::info!(worker.id = %worker, worker.name = name, "worker registered");
        let lease = queue.policy().lease;
        Ok(Self {
            queue: queue.clone(),
            worker,
            until: asked_at + lease,
            beat_at: asked_at + lease / HEARTBEATS_A_LEASE,
            claim_at: asked_at,
        })
    }

    /// Claims and works until shutdown, or until the lease is lost.
    pub(super) async fn work(mut self, attempts: &mut Attempts, shutdown: &CancellationToken) -> Ended {
        loop {
            let has_room = attempts.room() > 0;
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ended::Shutdown(Box::new(self)),
                () = sleep_until(self.beat_at) => self.beat(attempts).await,
                () = attempts.next_ended(), if attempts.count() > 0 => {
                    self.claim_at = Instant::now();
                    Ok(())
                }
                () = sleep_until(self.claim_at), if has_room => self.claim(attempts).await,
            };
            if let Err(Lost) = next {
                return Ended::Lost;
            }
        }
    }

    /// Extends the lease, and hears what is to stop.
    pub(super) async fn beat(&mut self, attempts: &mut Attempts) -> Result<(), Lost> {
        let asked_at = Instant::now();
        if asked_at >= self.until {
            return Err(Lost);
        }
        let answer = timeout_at(self.until, self.queue.heartbeat(&self.worker)).await;
        match answer {
            Ok(Ok(held)) => {
                let lease = self.queue.policy().lease;
                self.until = asked_at + lease;
                self.beat_at = asked_at + lease / HEARTBEATS_A_LEASE;
                attempts.compare_with(held);
                Ok(())
            }
            Ok(Err(error)) if is_lost(&error) => Err(Lost),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, error.code = error.code(), "the heartbeat failed");
                self.beat_at = Instant::now() + RETRY_DELAY.min(self.queue.policy().lease / 10);
                Ok(())
            }
            Err(_elapsed) => Err(Lost),
        }
    }

    pub(super) fn beat_at(&self) -> Instant {
        self.beat_at
    }

    /// Asks for as many runs as there are places. An answer that comes too late is not waited for: what it would have
    /// brought is found with the next heartbeat, and handed back.
    async fn claim(&mut self, attempts: &mut Attempts) -> Result<(), Lost> {
        self.claim_at = Instant::now() + CLAIM_EVERY;
        let deadline = self.beat_at.max(Instant::now() + RETRY_DELAY).min(self.until);
        match timeout_at(deadline, self.queue.claim(&self.worker, attempts.room())).await {
            Ok(Ok(claimed)) => {
                claimed.into_iter().for_each(|claimed| attempts.start(claimed));
                Ok(())
            }
            Ok(Err(error)) if is_lost(&error) => Err(Lost),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, error.code = error.code(), "no runs could be claimed");
                Ok(())
            }
            Err(_elapsed) => {
                tracing::warn!("the state database takes too long to hand out runs");
                Ok(())
            }
        }
    }

    /// Hands back what is still held, to be started elsewhere at once.
    pub(super) async fn give_back(&self) -> Result<()> {
        match self.queue.give_back(&self.worker).await {
            Ok(runs) => {
                tracing::info!(worker.id = %self.worker, worker.runs = runs, "the lease was given back");
                Ok(())
            }
            Err(error) if is_lost(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn is_lost(error: &Error) -> bool {
    error.code() == "lease_lost"
}
