//! What looks at the schedules and rescues the runs of silent workers. Any number of processes may do so at once.

use std::time::Duration;

use store::Queue;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// How often schedules are looked at: cron knows minutes, and a person who has asked for a run watches.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often silent workers are looked for: a fraction of the lease that they have let pass.
const RESCUE_EVERY: Duration = Duration::from_secs(5);

/// Looks at schedules, and turns what is due into runs.
#[derive(Clone, Debug)]
pub struct Scheduler {
    queue: Queue,
    metrics: Metrics,
}

impl Scheduler {
    /// The scheduler of a queue.
    pub fn new(queue: Queue, metrics: Metrics) -> Self {
        Self { queue, metrics }
    }

    /// Goes on until `shutdown`. What fails is tried again with the next look.
    pub async fn run(&self, shutdown: &CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rescue_every = RESCUE_EVERY.min(self.queue.policy().lease / 3);
        let mut rescued_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                _ = looks.tick() => {}
            }
            self.look().await;
            if rescued_at.elapsed() >= rescue_every {
                rescued_at = Instant::now();
                self.rescue().await;
            }
        }
    }

    async fn look(&self) {
        loop {
            match self.queue.tick().await {
                Ok(tick) => {
                    self.metrics.fires(tick.queued, tick.passed);
                    if !tick.is_full {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, error.code = error.code(), "schedules could not be looked at");
                    return;
                }
            }
        }
    }

    async fn rescue(&self) {
        match self.queue.rescue().await {
            Ok(rescued) => {
                for run in &rescued {
                    tracing::warn!(run.id = %run, "a run was taken from a worker that was not heard of any more");
                }
                self.metrics.rescued(rescued.len());
            }
            Err(error) => {
                tracing::warn!(error = %error, error.code = error.code(), "silent workers could not be looked for");
            }
        }
    }
}
