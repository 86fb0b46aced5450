//! A source whose reads somebody else does; all the rest is its own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use model::{BatchStream, Cursor, Result, Source, StreamFilter, StreamName, StreamPlan, StreamSchema};

/// Reads from a source in a way of its own.
#[async_trait]
pub(crate) trait Reader: Send + Sync {
    async fn read(&self, inner: &dyn Source, plan: &StreamPlan) -> Result<BatchStream>;
}

pub(crate) struct ReadBy<R> {
    pub(crate) inner: Arc<dyn Source>,
    pub(crate) reader: R,
}

impl<R> fmt::Debug for ReadBy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBy").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl<R: Reader> Source for ReadBy<R> {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        self.inner.discover(filter).await
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        self.inner.describe(stream).await
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        self.inner.statement(plan)
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        self.reader.read(self.inner.as_ref(), plan).await
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        self.inner.lower_bound(plan)
    }

    async fn is_unchanged(&self, plan: &StreamPlan) -> Result<bool> {
        self.inner.is_unchanged(plan).await
    }

    async fn position_now(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        self.inner.position_now(plan).await
    }

    async fn position_of_unchanged(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        self.inner.position_of_unchanged(plan).await
    }
}
