//! The queue of runs: who may work on what, until when, and what becomes of it.
//!
//! A run is claimed under the lease of its worker and under an epoch that grows with each claim of its sync. The worker
//! keeps its lease by a heartbeat; where it fails to, its runs are rescued, and whatever it still says about them is
//! refused, because every change is a compare-and-set on worker and epoch. That keeps our own tables right; the rows of
//! a customer are kept right by the destinations, which refuse an older epoch.
//!
//! ```text
//! enqueue ──> queued ──claim──> running ──finish──> succeeded | failed | cancelled
//!               ^                │  ^  └──> retrying ──claim──> running
//!               └── give back ───┘  └── heartbeat; without it: rescue ──> retrying
//! ```

mod breaker;
mod cancel;
mod choose;
mod claim;
mod depth;
mod enqueue;
mod finish;
mod lease;
mod rescue;

use std::time::Duration;

use model::{Epoch, RetryPolicy};
use serde_json::Value;

pub use breaker::BreakerPolicy;
pub use depth::Depth;
pub use enqueue::{Cause, Enqueued, NewRun};
pub use finish::Outcome;
pub use lease::{Held, Worker};

use crate::connection::Connection;
use crate::id::Id;
use crate::run::Run;
use crate::store::Store;
use crate::sync::Sync;
use crate::tenant::Tenant;

/// How the queue behaves.
#[derive(Clone, Debug)]
pub struct QueuePolicy {
    pub retry: RetryPolicy,
    pub breaker: BreakerPolicy,
    /// A worker that has not been heard of for so long has lost its runs. It says something every third of it.
    pub lease: Duration,
    /// So much longer its runs are left alone, so that it notices first.
    pub grace: Duration,
}

impl Default for QueuePolicy {
    /// A minute survives a restart of Postgres; six attempts within some two hours survive most outages, and the next
    /// fire of a daily schedule the others.
    fn default() -> Self {
        Self {
            retry: RetryPolicy {
                attempts_max: 6,
                delay_min: Duration::from_secs(30),
                delay_max: Duration::from_secs(3_600),
            },
            breaker: BreakerPolicy::default(),
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(15),
        }
    }
}

/// The queue of a store under one policy, which all workers should share.
#[derive(Clone, Debug)]
pub struct Queue {
    store: Store,
    policy: QueuePolicy,
}

/// What a worker shows to be heard about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub run: Id<Run>,
    pub worker: Id<Worker>,
    /// Goes into every write of this attempt.
    pub epoch: Epoch,
}

/// A run that a worker has got.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub ticket: Ticket,
    pub tenant: Id<Tenant>,
    pub sync: Id<Sync>,
    pub source: Id<Connection>,
    pub destination: Id<Connection>,
    pub attempt: u64,
    pub options: Value,
}

impl Queue {
    /// The queue of `store`.
    pub fn new(store: Store, policy: QueuePolicy) -> Self {
        Self { store, policy }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The policy that it goes by.
    pub fn policy(&self) -> &QueuePolicy {
        &self.policy
    }
}
