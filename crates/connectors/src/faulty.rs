//! A wrapper that makes any source, destination or journal fail on cue, for tests of whoever uses them.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::StreamExt;
use model::{
    Audit, AuditPlan, Audited, Batch, BatchStream, BucketSummary, Checkpoint, Committed, Cursor, Destination,
    Epoch, Error, ErrorKind, Journal, JournalEntry, JournalWrite, Prepared, Progress, Result, RowMark,
    Source, Staged, StreamFilter, StreamName, StreamPlan, StreamSchema, TableName, Withdrawn,
};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// The call fails before it does anything.
    Reject,
    /// The call does its work and its reply is lost.
    FailAfterWrite,
}

/// A source, destination or journal whose calls meet a scripted fault each, in the order in which they are made.
#[derive(Clone, Debug)]
pub struct Faulty<T> {
    inner: T,
    script: Arc<Mutex<VecDeque<Fault>>>,
}

impl<T> Faulty<T> {
    /// Wraps `inner`; once the script is used up, nothing fails any more.
    pub fn new(inner: T, script: impl IntoIterator<Item = Fault>) -> Self {
        Self { inner, script: Arc::new(Mutex::new(script.into_iter().collect())) }
    }

    fn next_fault(&self) -> Fault {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::Pass)
    }

    async fn meet<R>(&self, call: impl Future<Output = Result<R>>) -> Result<R> {
        match self.next_fault() {
            Fault::Pass => call.await,
            Fault::Reject => Err(scripted()),
            Fault::FailAfterWrite => {
                call.await?;
                Err(scripted())
            }
        }
    }
}

fn scripted() -> Error {
    Error::new(ErrorKind::Unavailable, "scripted", "a scripted fault")
}

#[async_trait]
impl<T: Source> Source for Faulty<T> {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        self.meet(self.inner.discover(filter)).await
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        self.meet(self.inner.describe(stream)).await
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        self.inner.statement(plan)
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        self.inner.lower_bound(plan)
    }

    async fn is_unchanged(&self, plan: &StreamPlan) -> Result<bool> {
        self.meet(self.inner.is_unchanged(plan)).await
    }

    async fn position_now(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        self.meet(self.inner.position_now(plan)).await
    }

    async fn position_of_unchanged(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        self.meet(self.inner.position_of_unchanged(plan)).await
    }

    /// Every event of the read meets a fault of its own: an event that is lost ends the read.
    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let mut read = self.meet(self.inner.read(plan)).await?;
        let script = Arc::clone(&self.script);
        let events = read.events.scan(false, move |has_failed, event| {
            if *has_failed {
                return std::future::ready(None);
            }
            let fault =
                script.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::Pass);
            *has_failed = fault != Fault::Pass;
            std::future::ready(Some(if *has_failed { Err(scripted()) } else { event }))
        });
        read.events = events.boxed();
        Ok(read)
    }
}

#[async_trait]
impl<T: Destination> Destination for Faulty<T> {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        self.meet(self.inner.progress(stream, target)).await
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        self.meet(self.inner.prepare(plan)).await
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        self.meet(self.inner.discard_staged(plan)).await
    }

    async fn withdraw(&self, plan: &StreamPlan, withdrawn: &Withdrawn) -> Result<Staged> {
        self.meet(self.inner.withdraw(plan, withdrawn)).await
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        self.meet(self.inner.stage(plan, batch)).await
    }

    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        self.meet(self.inner.flush(plan)).await
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        self.meet(self.inner.commit(plan, checkpoint)).await
    }
}

#[async_trait]
impl<T: Audit> Audit for Faulty<T> {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        self.meet(self.inner.summarize(plan)).await
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        self.meet(self.inner.mark_rows(plan, buckets)).await
    }
}

#[async_trait]
impl<T: Journal> Journal for Faulty<T> {
    async fn entry(&self, stream: &StreamName, target: &TableName) -> Result<JournalEntry> {
        self.meet(self.inner.entry(stream, target)).await
    }

    async fn take_over(&self, plan: &StreamPlan) -> Result<()> {
        self.meet(self.inner.take_over(plan)).await
    }

    async fn write(
        &self,
        stream: &StreamName,
        target: &TableName,
        epoch: Epoch,
        write: JournalWrite,
    ) -> Result<()> {
        self.meet(self.inner.write(stream, target, epoch, write)).await
    }
}
