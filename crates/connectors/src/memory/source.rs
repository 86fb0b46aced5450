//! Tables in memory, read in chunks whose results are kept like Snowflake keeps them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use model::{
    Audit, AuditPlan, Audited, Batch, BatchStream, BucketSummary, Cursor, EndOfRead, Error, ErrorKind,
    Moment, NullCursor, PlannedColumn, ReadEvent, ReadPlan, Result, RowMark, SNAPSHOT_UNAVAILABLE, Source,
    StreamFilter, StreamName, StreamPlan, StreamSchema,
};
use serde::{Deserialize, Serialize};

use super::audit;
use crate::watermark::{Watermark, lower_bound};

/// A source whose tables a test fills; each read gives chunks of a settable number of rows.
#[derive(Clone, Debug)]
pub struct MemorySource {
    state: Arc<Mutex<State>>,
    chunk_rows: usize,
}

#[derive(Debug, Default)]
struct State {
    tables: Vec<(StreamSchema, Vec<RecordBatch>)>,
    results: HashMap<String, Arc<Vec<RecordBatch>>>,
}

/// What a cursor of this source says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    watermark: Option<String>,
    null_count: u64,
    reading: Option<Reading>,
}

/// A result that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    result: String,
    next_chunk: usize,
    since: Option<String>,
}

impl MemorySource {
    /// A source without tables.
    pub fn new(chunk_rows: usize) -> Self {
        Self { state: Arc::default(), chunk_rows: chunk_rows.max(1) }
    }

    /// Sets what a stream holds from now on; results that are kept stay as they are.
    pub fn set_rows(&self, schema: StreamSchema, rows: Vec<RecordBatch>) {
        let mut state = self.lock();
        state.tables.retain(|(existing, _)| existing.stream != schema.stream);
        state.tables.push((schema, rows));
    }

    /// Forgets every kept result, as Snowflake does after a day.
    pub fn forget_results(&self) {
        self.lock().results.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that an audit looks at. There is no looking back here.
    fn audited(&self, plan: &AuditPlan) -> Result<Vec<RecordBatch>> {
        if plan.moment == Moment::Checkpoint {
            let message = "what is in memory is as it is now";
            return Err(Error::new(ErrorKind::NotFound, SNAPSHOT_UNAVAILABLE, message));
        }
        let state = self.lock();
        let (_, rows) = state.table(&plan.stream.stream)?;
        rows.iter().map(|rows| audit::with_value(rows, plan.required_column())).collect()
    }

    /// Selects the plan's rows as they are now, in chunks, and keeps them under a new result id.
    fn select(&self, plan: &StreamPlan, since: Option<&str>) -> Result<(String, Arc<Vec<RecordBatch>>)> {
        let mut state = self.lock();
        let (schema, rows) = state.table(&plan.stream)?;
        let mut chunks = Vec::new();
        for rows in rows {
            let kept = match &plan.read {
                ReadPlan::Buckets { filter, required_column } => {
                    let rows = audit::with_value(rows, required_column.as_deref())?;
                    audit::in_buckets(plan, filter, &rows, by_source, true)?
                }
                ReadPlan::Changes => return Err(untracked()),
                ReadPlan::Whole | ReadPlan::ByCursor { .. } => filter_by_cursor(plan, schema, rows, since)?,
            };
            let projected = project(plan, schema, &kept)?;
            for start in (0..projected.num_rows()).step_by(self.chunk_rows) {
                chunks.push(projected.slice(start, self.chunk_rows.min(projected.num_rows() - start)));
            }
        }
        let result = format!("result-{}", state.results.len() + 1);
        let chunks = Arc::new(chunks);
        state.results.insert(result.clone(), Arc::clone(&chunks));
        Ok((result, chunks))
    }
}

#[async_trait]
impl Audit for MemorySource {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        audit::summarize(plan, &self.audited(plan)?, by_source)
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        audit::mark_rows(plan, &self.audited(plan)?, buckets, by_source)
    }
}

fn by_source(column: &PlannedColumn) -> &str {
    &column.source
}

impl State {
    fn table(&self, stream: &StreamName) -> Result<&(StreamSchema, Vec<RecordBatch>)> {
        self.tables.iter().find(|(schema, _)| &schema.stream == stream).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "stream_not_found", format!("{stream} does not exist"))
        })
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn discover(&self, _filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        Ok(self.lock().tables.iter().map(|(schema, _)| schema.clone()).collect())
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        self.lock().table(stream).map(|(schema, _)| schema.clone())
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        Ok(format!("every row of {}", plan.stream))
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let committed: Position = plan.since.as_ref().map(Cursor::position).transpose()?.unwrap_or_default();
        let since = self.lower_bound(plan)?;
        let staged: Option<Position> = plan.staged.as_ref().map(Cursor::position).transpose()?;
        let kept = staged.and_then(|position| {
            let reading = position.reading.clone().filter(|reading| reading.since == since)?;
            let chunks = self.lock().results.get(&reading.result).map(Arc::clone)?;
            Some((position, reading, chunks))
        });
        let is_continued = kept.is_some();
        let (position, reading, chunks) = match kept {
            Some(kept) => kept,
            None => {
                let (result, chunks) = self.select(plan, since.as_deref())?;
                let position = Position { watermark: committed.watermark.clone(), ..Position::default() };
                (position, Reading { result, next_chunk: 0, since }, chunks)
            }
        };
        Ok(BatchStream {
            row_count: Some(chunks.iter().map(|chunk| chunk.num_rows() as u64).sum()),
            is_continued,
            withdrawn: None,
            started_over: None,
            query_id: Some(reading.result.clone()),
            events: stream::iter(read_events(plan, position, reading, &chunks)?).map(Ok).boxed(),
        })
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        let committed: Position = plan.since.as_ref().map(Cursor::position).transpose()?.unwrap_or_default();
        match (&plan.read, &committed.watermark) {
            (ReadPlan::ByCursor { cursor_type, lookback, from, .. }, Some(watermark)) => {
                lower_bound(cursor_type, watermark, *lookback, *from).map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn untracked() -> Error {
    Error::config("read_unsupported", "what is in memory has no history")
}

/// The remaining chunks of a result, each with the position after it, and the end.
fn read_events(
    plan: &StreamPlan,
    position: Position,
    mut reading: Reading,
    chunks: &[RecordBatch],
) -> Result<Vec<ReadEvent>> {
    let mut watermark = match &plan.read {
        ReadPlan::Whole | ReadPlan::Buckets { .. } | ReadPlan::Changes => None,
        ReadPlan::ByCursor { cursor_type, .. } => {
            Some(Watermark::starting_at(cursor_type, position.watermark.as_deref(), position.null_count)?)
        }
    };
    let mut events = Vec::new();
    for chunk in &chunks[reading.next_chunk..] {
        if let (Some(watermark), ReadPlan::ByCursor { cursor_column, .. }) = (&mut watermark, &plan.read) {
            watermark.observe(cursor_values(plan, chunk, cursor_column)?)?;
        }
        reading.next_chunk += 1;
        let resume = Position {
            watermark: watermark.as_ref().and_then(Watermark::text),
            null_count: watermark.as_ref().map_or(0, Watermark::null_count),
            reading: Some(reading.clone()),
        };
        events.push(ReadEvent::Batch(Batch::new(chunk.clone(), Some(Cursor::from_position(&resume)?))));
    }
    let end = Position { watermark: watermark.as_ref().and_then(Watermark::text), ..Position::default() };
    events.push(ReadEvent::End(EndOfRead {
        cursor: Cursor::from_position(&end)?,
        null_cursor_count: watermark.as_ref().map(Watermark::null_count),
        future_cursor_count: None,
        changed_values: Vec::new(),
    }));
    Ok(events)
}

fn cursor_values<'a>(plan: &StreamPlan, rows: &'a RecordBatch, cursor_column: &str) -> Result<&'a ArrayRef> {
    plan.column(cursor_column)
        .and_then(|column| rows.column_by_name(&column.target))
        .ok_or_else(|| Error::internal("the cursor column is missing from the rows that were read"))
}

/// Picks the planned columns, by their source names, under their target names.
fn project(plan: &StreamPlan, schema: &StreamSchema, rows: &RecordBatch) -> Result<RecordBatch> {
    let mut columns = Vec::new();
    for planned in &plan.columns {
        let first = rows
            .schema()
            .index_of(&planned.source)
            .map_err(|_| Error::internal(format!("{} lost column {}", schema.stream, planned.source)))?;
        let count = planned.logical_type.arrow_fields(&planned.target, true).len();
        columns.extend((first..first + count).map(|index| Arc::clone(rows.column(index))));
    }
    RecordBatch::try_new(plan.arrow_schema(), columns)
        .map_err(|error| Error::internal("rows do not have the planned types").with_source(error))
}

fn filter_by_cursor(
    plan: &StreamPlan,
    schema: &StreamSchema,
    rows: &RecordBatch,
    since: Option<&str>,
) -> Result<RecordBatch> {
    let ReadPlan::ByCursor { cursor_column, cursor_type, null_cursor, .. } = &plan.read else {
        return Ok(rows.clone());
    };
    let column = rows
        .column_by_name(cursor_column)
        .ok_or_else(|| Error::internal(format!("{} lost column {cursor_column}", schema.stream)))?;
    let mut keep = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        keep.push(if column.is_null(row) {
            *null_cursor == NullCursor::Include
        } else {
            is_at_or_after(cursor_type, &column.slice(row, 1), since)?
        });
    }
    filter_record_batch(rows, &BooleanArray::from(keep))
        .map_err(|error| Error::internal("rows could not be filtered").with_source(error))
}

/// Whether the one value of `column` is not below `since`: observing it then leaves or raises the watermark.
pub(super) fn is_at_or_after(
    cursor_type: &model::LogicalType,
    column: &ArrayRef,
    since: Option<&str>,
) -> Result<bool> {
    let Some(since) = since else { return Ok(true) };
    let mut of_value = Watermark::starting_at(cursor_type, None, 0)?;
    of_value.observe(column)?;
    let mut of_both = Watermark::starting_at(cursor_type, Some(since), 0)?;
    of_both.observe(column)?;
    Ok(of_value.text() == of_both.text())
}
