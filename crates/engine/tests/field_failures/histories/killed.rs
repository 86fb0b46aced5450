//! A destination whose process dies at one of its calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use model::{
    Batch, Checkpoint, Committed, Destination, Prepared, Progress, Result, Staged, StreamName, StreamPlan,
    TableName, Withdrawn,
};
use tokio::sync::Notify;

/// Calls are let through until one of them never returns, before or after it did its work.
pub(super) struct Killed {
    pub(super) inner: Arc<dyn Destination>,
    pub(super) calls_left: AtomicI64,
    pub(super) does_its_work: bool,
    /// Told when the process is to be dropped.
    pub(super) died: Arc<Notify>,
}

impl fmt::Debug for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Killed").finish_non_exhaustive()
    }
}

impl Killed {
    async fn pass<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return call.await;
        }
        if self.does_its_work {
            let _nobody_hears_of_it = call.await;
        }
        self.died.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Destination for Killed {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        self.pass(self.inner.progress(stream, target)).await
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        self.pass(self.inner.prepare(plan)).await
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        self.pass(self.inner.discard_staged(plan)).await
    }

    async fn withdraw(&self, plan: &StreamPlan, withdrawn: &Withdrawn) -> Result<Staged> {
        self.pass(self.inner.withdraw(plan, withdrawn)).await
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        self.pass(self.inner.stage(plan, batch)).await
    }

    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        self.pass(self.inner.flush(plan)).await
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        self.pass(self.inner.commit(plan, checkpoint)).await
    }
}
