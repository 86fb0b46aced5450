//! One read: a thread that runs the statement in one snapshot and hands on batches as they are taken.

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use futures_util::{StreamExt, stream};
use model::{
    Batch, BatchStream, Cursor, EndOfRead, Error, NullCursor, Publish, ReadEvent, ReadPlan, Result,
    StreamKind, StreamPlan,
};
use tokio::sync::mpsc;

use super::appending::Appending;
use super::catalog::{count, described, kind};
use super::database::{Interrupt, TenantConnection, TenantDatabase};
use super::error::reading_failed;
use super::footprint::Footprint;
use super::position::Position;
use super::read_sql::{ReadStatement, from_sql, read_statement};
use super::read_values::converted;
use crate::followed::Followed;
use crate::watermark::Watermark;

/// DuckDB gives vectors of 2,048 rows; destinations work better with more at once. Many more at once leave the cache
/// before they are worked on.
const BATCH_ROWS_MAX: usize = 16_384;
/// Rows may be wide: a batch is also full when it has this many bytes.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Batches that wait to be taken, so that DuckDB works while the destination does; with the one that is being put
/// together and the one that is taken, a read holds at most four.
const BATCHES_AHEAD_MAX: usize = 2;

/// A block of values, one of their validity, one of a dictionary, and one that is being left, of 256 KiB each.
const SCANNED_COLUMN_BYTES: u64 = 1024 * 1024;

/// A read that has begun: its snapshot is taken, its statement made.
pub(super) struct Read {
    connection: TenantConnection,
    plan: StreamPlan,
    statement: ReadStatement,
    row_count: Option<u64>,
    following: Following,
}

/// What a read finds out about the cursor column.
struct Following {
    /// The cursor column's index among the Arrow columns, and what was seen of it.
    watermark: Option<(usize, Watermark)>,
    appending: Option<Appending>,
    /// Rows that were not read because their cursor is NULL.
    excluded_count: u64,
    changed: Vec<u64>,
}

impl Read {
    /// Takes the snapshot and makes the statement. Blocks.
    pub(super) fn begin(database: &TenantDatabase, plan: StreamPlan) -> Result<Self> {
        let committed = committed(&plan)?;
        let connection = database.connect_read_only()?;
        let kind = kind(&connection, &plan.stream)?;
        let from = from_sql(&connection, &plan.stream)?;
        let statement = read_statement(&plan, &committed, &from, &described(&connection, &plan.stream)?)?;
        let is_table = kind == StreamKind::Table;
        if is_table {
            database.allow_memory(scan_bytes(statement.columns.len(), database.footprint()))?;
            database.allow_cores_if_large()?;
        } else {
            database.allow_work()?;
        }
        // How many of the rows at the watermark are left out is known only after they were read.
        let is_counted =
            is_table && !(plan.since.is_some() && matches!(plan.publish, Publish::Append { .. }));
        let row_count =
            if is_counted { Some(count(&connection, &from, statement.condition.as_deref())?) } else { None };
        let mut following = Following::new(&plan, &committed)?;
        if is_table && let Some(excluded) = excluded(&plan) {
            following.excluded_count = count(&connection, &from, Some(&excluded))?;
        }
        Ok(Self { connection, plan, statement, row_count, following })
    }

    /// Starts the thread, and gives what comes from it. Dropping the stream stops the statement.
    pub(super) fn stream(self) -> BatchStream {
        let row_count = self.row_count;
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD_MAX);
        let batches = Batches { receiver: Some(receiver), interrupt: self.connection.interrupt() };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = self.run(&sender) {
                // Nobody listens where the stream was dropped, which is why the statement has failed then.
                let _may_be_closed = sender.blocking_send(Err(error));
            }
        });
        let events = stream::unfold(batches, async |mut batches| {
            let event = batches.receiver.as_mut()?.recv().await?;
            Some((event, batches))
        });
        BatchStream {
            events: events.boxed(),
            row_count,
            is_continued: false,
            withdrawn: None,
            started_over: None,
            query_id: None,
        }
    }

    fn run(mut self, sender: &mpsc::Sender<Result<ReadEvent>>) -> Result<()> {
        let failed = |error: duckdb::Error| reading_failed(&self.plan.stream, &error);
        let schema = self.plan.arrow_schema();
        let mut statement = self.connection.prepare(&self.statement.sql).map_err(failed)?;
        if sender.is_closed() {
            return Ok(());
        }
        statement.stream_arrow([]).map(drop).map_err(failed)?;
        let mut gathered = Gathered::default();
        loop {
            let scanned = tracing::trace_span!(target: "timings", "scan").in_scope(|| statement.step());
            let part = scanned.map_err(failed)?.map(RecordBatch::from);
            let is_over = part.is_none();
            gathered.push(part);
            if !gathered.is_full() && !is_over {
                continue;
            }
            if let Some(raw) = gathered.take()? {
                let converted = converted(&raw, &schema, &self.statement.columns)?;
                let rows = self.following.observe(converted.rows, &converted.changed)?;
                let is_closed = rows.num_rows() > 0
                    && sender.blocking_send(Ok(ReadEvent::Batch(Batch::new(rows, None)))).is_err();
                if is_closed {
                    return Ok(());
                }
            }
            if is_over {
                break;
            }
        }
        let end = self.following.end(&self.plan)?;
        let _may_be_closed = sender.blocking_send(Ok(ReadEvent::End(end)));
        Ok(())
    }
}

/// What reading through a table takes at most: each thread holds the blocks of each column that it is in.
fn scan_bytes(columns: usize, footprint: Footprint) -> u64 {
    footprint.looking_bytes() + footprint.threads() * SCANNED_COLUMN_BYTES * columns as u64
}

/// Parts of an answer that are to become one batch.
#[derive(Default)]
struct Gathered {
    parts: Vec<RecordBatch>,
    row_count: usize,
    bytes: usize,
    /// The last part of the batch before. While it is there the allocator keeps the memory of the others, which the next
    /// ones need, instead of giving it back to the system in between.
    _last: Option<RecordBatch>,
}

impl Gathered {
    fn push(&mut self, part: Option<RecordBatch>) {
        let Some(part) = part else { return };
        self.row_count += part.num_rows();
        self.bytes += part.get_array_memory_size();
        self.parts.push(part);
    }

    fn is_full(&self) -> bool {
        self.row_count >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    fn take(&mut self) -> Result<Option<RecordBatch>> {
        let Some(first) = self.parts.first() else { return Ok(None) };
        let whole = concat_batches(&first.schema(), &self.parts)
            .map_err(|error| Error::internal("rows could not be put together").with_source(error))?;
        *self = Self { _last: self.parts.pop(), ..Self::default() };
        Ok(Some(whole))
    }
}

impl Following {
    fn new(plan: &StreamPlan, committed: &Position) -> Result<Self> {
        let schema = plan.arrow_schema();
        let watermark = match &plan.read {
            ReadPlan::Whole => None,
            ReadPlan::Buckets { .. } => {
                return Err(Error::config("read_unsupported", "a vendor database is not read by buckets")
                    .with_remedy("verify a pull; a push is not compared"));
            }
            ReadPlan::Changes => {
                return Err(Error::config(
                    "read_unsupported",
                    "a vendor database does not track its changes",
                )
                .with_remedy("name a cursor column under `read.incremental`"));
            }
            ReadPlan::ByCursor { cursor_column, cursor_type, .. } => {
                let target = plan.column(cursor_column).map(|column| column.target.as_str());
                let index = schema
                    .index_of(target.unwrap_or_default())
                    .map_err(|_| Error::internal("the cursor column is missing from the plan"))?;
                Some((index, Watermark::starting_at(cursor_type, committed.watermark.as_deref(), 0)?))
            }
        };
        let appending = Appending::new(plan, committed)?;
        Ok(Self { watermark, appending, excluded_count: 0, changed: vec![0; schema.fields().len()] })
    }

    /// Takes rows into account; gives those that are to be delivered.
    fn observe(&mut self, rows: RecordBatch, changed: &[(usize, u64)]) -> Result<RecordBatch> {
        for (index, count) in changed {
            self.changed[*index] += count;
        }
        let rows = match &mut self.appending {
            None => rows,
            Some(appending) => {
                let rows = appending.undelivered(rows)?;
                appending.observe(&rows)?;
                rows
            }
        };
        if let Some((index, watermark)) = &mut self.watermark {
            watermark.observe(rows.column(*index))?;
        }
        Ok(rows)
    }

    fn end(&self, plan: &StreamPlan) -> Result<EndOfRead> {
        let watermark = self.watermark.as_ref().map(|(_, watermark)| watermark);
        let delivered = self.appending.as_ref().map(|appending| appending.delivered(plan)).transpose()?;
        let position = Position {
            watermark: watermark.and_then(Watermark::text),
            followed: Followed::by(plan),
            delivered: delivered.filter(|_| watermark.and_then(Watermark::text).is_some()),
        };
        let schema = plan.arrow_schema();
        let changed = schema.fields().iter().zip(&self.changed).filter(|(_, count)| **count > 0);
        Ok(EndOfRead {
            cursor: Cursor::from_position(&position)?,
            null_cursor_count: watermark.map(|watermark| watermark.null_count() + self.excluded_count),
            future_cursor_count: None,
            changed_values: changed.map(|(field, count)| (field.name().clone(), *count)).collect(),
        })
    }
}

/// The rows that a plan leaves out for want of a cursor value.
fn excluded(plan: &StreamPlan) -> Option<String> {
    let ReadPlan::ByCursor { cursor_column, null_cursor: NullCursor::Exclude, .. } = &plan.read else {
        return None;
    };
    Some(format!("{} IS NULL", super::sql::quoted(cursor_column)))
}

/// The position that a plan goes on from.
pub(super) fn committed(plan: &StreamPlan) -> Result<Position> {
    let position: Position = plan.since.as_ref().map(Cursor::position).transpose()?.unwrap_or_default();
    if let Some(followed) = &position.followed {
        followed.refuse_another(plan)?;
    }
    Ok(position)
}

/// A statement that is only about to start does not notice that it is interrupted, so it is told again after this long.
const INTERRUPT_AGAIN_MS: u64 = 100;

/// What comes from the thread that reads. Dropping it stops the statement, whatever it is at.
struct Batches {
    receiver: Option<mpsc::Receiver<Result<ReadEvent>>>,
    interrupt: Interrupt,
}

impl Drop for Batches {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        receiver.close();
        self.interrupt.interrupt();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let interrupt = self.interrupt.clone();
        runtime.spawn(async move {
            // The channel ends when the thread does.
            let again = std::time::Duration::from_millis(INTERRUPT_AGAIN_MS);
            let is_over = async |receiver: &mut mpsc::Receiver<_>| while receiver.recv().await.is_some() {};
            while tokio::time::timeout(again, is_over(&mut receiver)).await.is_err() {
                interrupt.interrupt();
            }
        });
    }
}
