//! What we note about deliveries into a system where nothing of ours may stay.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Checkpoint, Epoch, Progress, Result, StreamName, StreamPlan, TableName};

/// Durable notes in a database of ours, for destinations that cannot keep their own checkpoints.
///
/// A destination writes here what it is about to do before it does it, so that after a crash the other system can be
/// asked whether it was done.
#[async_trait]
pub trait Journal: Debug + Send + Sync {
    /// What is noted of `stream` into `target`. A target that belongs to another stream is refused.
    async fn entry(&self, stream: &StreamName, target: &TableName) -> Result<JournalEntry>;

    /// Raises the fence to the plan's epoch: writes under older ones are refused from here on.
    async fn take_over(&self, plan: &StreamPlan) -> Result<()>;

    /// Notes everything in `write` durably and as one, unless a later epoch has taken over.
    async fn write(
        &self,
        stream: &StreamName,
        target: &TableName,
        epoch: Epoch,
        write: JournalWrite,
    ) -> Result<()>;
}

/// What is noted of one stream into one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// How far the target is known to have got; nothing is ever staged here.
    pub progress: Progress,
    /// The destination's own notes, understood by it only.
    pub notes: Option<String>,
}

/// What is to be noted together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalWrite {
    /// The checkpoint that the target has reached; absent where it stays as it was.
    pub committed: Option<Checkpoint>,
    /// The destination's own notes, in place of those before.
    pub notes: Option<String>,
    /// Rows to be kept for inspection.
    pub quarantine: Vec<QuarantinedRow>,
    /// The attempt whose quarantined rows are forgotten again, because it came to nothing.
    pub forgotten_attempt: Option<String>,
}

/// A row that was left out, kept in the vendor database with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// The attempt that left it out.
    pub attempt: String,
    /// The column at the destination whose rule the row breaks.
    pub column: String,
    /// The stable snake_case word for that rule.
    pub rule: String,
    /// The row's key as JSON; absent where the sync has none.
    pub key: Option<String>,
    /// The whole row as a JSON object.
    pub row: String,
}
