//! The writing seam.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::{Batch, Checkpoint, Error, Progress, Result, StreamName, StreamPlan, TableName, Withdrawn};

/// What [`Destination::prepare`] found or made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// What an interrupted run has left staged.
    pub staged: Staged,
}

/// What is durable after a [`Destination::stage`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// Rows of this read that would survive a crash now.
    pub durable_row_count: u64,
}

/// What [`Destination::commit`] made visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Rows that are new.
    pub inserted: u64,
    /// Rows that replaced one with the same key.
    pub updated: u64,
    /// Rows that were removed.
    pub deleted: u64,
    /// Rows that were marked as deleted.
    pub marked: u64,
    /// Rows in the table now, where the destination says so.
    pub total: Option<u64>,
    /// Rows that were left out, because the sync allows that.
    pub rejected: Vec<Rejected>,
}

/// Rows with a value that does not fit into a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The column at the destination.
    pub column: String,
    /// The stable snake_case word for what the value breaks.
    pub rule: String,
    pub row_count: u64,
    /// The keys of some of these rows, or their numbers within the run where there is no key; never other values.
    pub sample_keys: Vec<String>,
}

/// Writes streams into one system.
///
/// Staged rows are durable and invisible: a crash loses none that were reported durable, and no reader sees them before
/// [`Destination::commit`]. Rows and the checkpoint that describes them become durable together.
#[async_trait]
pub trait Destination: Debug + Send + Sync {
    /// How far this destination has got with `stream` in `target`. A target that belongs to another stream is refused.
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress>;

    /// Checks the target and raises the fence to the plan's epoch: writers of older epochs are refused from here on.
    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared>;

    /// Drops what is staged, for a read that starts over.
    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()>;

    /// Takes staged rows back that a read gives once more, and records the position that holds without them. Rows that
    /// cannot be found exactly are never left: then everything staged is dropped, and the error says to try again.
    ///
    /// Only the destinations of sources that read in ranges are ever asked.
    async fn withdraw(&self, plan: &StreamPlan, _withdrawn: &Withdrawn) -> Result<Staged> {
        Err(Error::internal(format!("{} cannot take a range of its rows back", plan.target)))
    }

    /// Stages rows, durable at the latest when [`Destination::commit`] returns.
    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged>;

    /// Makes durable what was staged so far, so that a later run goes on from there.
    async fn flush(&self, plan: &StreamPlan) -> Result<Staged>;

    /// Publishes what is staged and records `checkpoint`, as one.
    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed>;
}

#[async_trait]
impl<T: Destination + ?Sized> Destination for Arc<T> {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        (**self).progress(stream, target).await
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        (**self).prepare(plan).await
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        (**self).discard_staged(plan).await
    }

    async fn withdraw(&self, plan: &StreamPlan, withdrawn: &Withdrawn) -> Result<Staged> {
        (**self).withdraw(plan, withdrawn).await
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        (**self).stage(plan, batch).await
    }

    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        (**self).flush(plan).await
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        (**self).commit(plan, checkpoint).await
    }
}
