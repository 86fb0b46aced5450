//! Bounded rows that move together.

use std::any::Any;
use std::fmt;

use arrow_array::{Array, RecordBatch};
use futures_util::stream::BoxStream;

use crate::{Cursor, LogicalType, Result};

/// Rows of a stream, in the Arrow schema of its plan.
pub struct Batch {
    pub rows: RecordBatch,
    /// Where to go on once this batch and all before it are durable; absent in the middle of what can only be read as
    /// a whole.
    pub resume: Option<Cursor>,
    /// What has to live as long as the rows do, such as their share of a memory budget.
    pub held: Option<Box<dyn Any + Send + Sync>>,
}

impl Batch {
    /// A batch that nothing is held for.
    pub fn new(rows: RecordBatch, resume: Option<Cursor>) -> Self {
        Self { rows, resume, held: None }
    }

    /// Bytes of these rows alone, even where their buffers are shared with other batches.
    pub fn byte_size(&self) -> usize {
        let columns = self.rows.columns().iter();
        columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or_default()).sum()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("row_count", &self.rows.num_rows())
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}

/// What a read gives, one after the other: batches, then exactly one end.
#[derive(Debug)]
pub enum ReadEvent {
    Batch(Batch),
    End(EndOfRead),
}

/// What a source says once everything was read and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndOfRead {
    /// Where the next run starts.
    pub cursor: Cursor,
    /// Rows whose cursor column was NULL, where there is a cursor column.
    pub null_cursor_count: Option<u64>,
    /// Rows that were read though their cursor lies beyond the source's own clock, where there is a cursor of time.
    /// They are read again by every run until the clock has reached them.
    pub future_cursor_count: Option<u64>,
    /// Values that were changed to fit, by column, in columns where that was allowed.
    pub changed_values: Vec<(String, u64)>,
}

/// Staged rows that a read gives once more, because what it would have gone on with is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    pub ranges: Vec<StagedRange>,
    /// The position that holds without them.
    pub resume: Cursor,
}

/// Staged rows by a range of a column, which holds no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedRange {
    /// The column at the destination.
    pub column: String,
    pub logical_type: LogicalType,
    /// The lowest value, inclusive, as exact text; absent where there is no bound.
    pub from: Option<String>,
    /// The highest, exclusive.
    pub until: Option<String>,
    /// The rows without a value instead.
    pub is_of_nulls: bool,
    /// How many rows there have to be.
    pub row_count: u64,
}

/// A read in progress.
pub struct BatchStream {
    pub events: BoxStream<'static, Result<ReadEvent>>,
    /// Rows of the whole read, including those an earlier run staged, where the source has said so.
    pub row_count: Option<u64>,
    /// Whether this read goes on with what an earlier run staged; otherwise that has to be discarded.
    pub is_continued: bool,
    /// Of what an earlier run staged, the rows that this read gives again and that have to go before.
    pub withdrawn: Option<Withdrawn>,
    /// Why this read could not go on with what an earlier run staged, where somebody has to know.
    pub started_over: Option<String>,
    /// The query at the source, for people who look there.
    pub query_id: Option<String>,
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream")
            .field("row_count", &self.row_count)
            .field("is_continued", &self.is_continued)
            .field("query_id", &self.query_id)
            .finish_non_exhaustive()
    }
}
