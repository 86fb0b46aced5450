//! The reading seam.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{BatchStream, Cursor, Result, StreamFilter, StreamName, StreamPlan, StreamSchema};

/// Reads streams from one system.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// Lists the streams that can be read, with their columns.
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>>;

    /// Describes one stream; an absent stream is an error of kind `NotFound`.
    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema>;

    /// The statement that [`Source::read`] would run, for a person to see beforehand.
    fn statement(&self, plan: &StreamPlan) -> Result<String>;

    /// Reads `plan`: on from what is staged where that is still possible, otherwise from the plan's committed position.
    ///
    /// Rows arrive in the plan's Arrow schema. The stream ends with [`crate::ReadEvent::End`] only after the source
    /// has proved that it delivered every row; otherwise it ends with an error.
    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream>;

    /// The lowest cursor value that [`Source::read`] gives for `plan`, as exact text; absent where it gives all of them.
    fn lower_bound(&self, _plan: &StreamPlan) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether `plan` would read nothing but what its committed position stands for. A source that cannot tell without
    /// reading says no.
    async fn is_unchanged(&self, _plan: &StreamPlan) -> Result<bool> {
        Ok(false)
    }

    /// Where reading by changes can go on from now, for a destination that is brought there by comparison; absent where
    /// the plan is read in another way.
    async fn position_now(&self, _plan: &StreamPlan) -> Result<Option<Cursor>> {
        Ok(None)
    }

    /// A later position of an unchanged stream, where the committed one would become too old to be gone on from.
    async fn position_of_unchanged(&self, _plan: &StreamPlan) -> Result<Option<Cursor>> {
        Ok(None)
    }
}

#[async_trait]
impl<T: Source + ?Sized> Source for Arc<T> {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        (**self).discover(filter).await
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        (**self).describe(stream).await
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        (**self).statement(plan)
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        (**self).read(plan).await
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        (**self).lower_bound(plan)
    }

    async fn is_unchanged(&self, plan: &StreamPlan) -> Result<bool> {
        (**self).is_unchanged(plan).await
    }

    async fn position_now(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        (**self).position_now(plan).await
    }

    async fn position_of_unchanged(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        (**self).position_of_unchanged(plan).await
    }
}
