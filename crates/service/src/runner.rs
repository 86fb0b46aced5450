//! The seam to whoever knows how a stored sync is run.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::{RunProgress, RunReport};
use model::{Epoch, Result, Usage};
use serde_json::Value;
use store::{Id, Run, SecretValue};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::asked::RunAsked;

/// A stored sync that is to be run now.
#[derive(Clone, Debug)]
pub struct DueSync {
    /// The names of the tenant and of the sync within it.
    pub tenant: String,
    pub sync: String,
    /// The run, and which attempt at it this is.
    pub run: Id<Run>,
    pub attempt: u64,
    pub definition: Value,
    /// The secrets of its connections, by field.
    pub secrets: Vec<(String, SecretValue)>,
    /// The lease that every write of the run is made under.
    pub lease: Epoch,
    pub asked: RunAsked,
    /// Spreads the retries of many runs.
    pub seed: u64,
    /// Where the runner says what the run took, however it ended.
    pub usage: UsageSlot,
}

/// What a run took of the account, for whoever started it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct UsageSlot(Arc<Mutex<Usage>>);

impl UsageSlot {
    pub fn add(&self, usage: Usage) {
        self.usage().add(usage);
    }

    pub(crate) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs stored syncs. When its future is dropped, or has ended, nothing of the run goes on.
#[async_trait]
pub trait Runner: Debug + Send + Sync {
    /// Runs a sync once, and stops soon after `cancel`.
    async fn run(
        &self,
        due: &DueSync,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport>;
}
