//! A group of rows that become durable together: DuckDB inserts them while more of them arrive, in one transaction,
//! which ends with the position that they reach.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use model::{Batch, Cursor, Result};
use tracing::field::Empty;
use tracing::{Span, info_span, trace_span};

use super::allowed::cores;
use super::bulk::BulkConnection;

/// A group is closed once it has this many bytes. Few large groups are faster: DuckDB's threads wait for each other at
/// the end of each, and it merges the row groups that they leave half full.
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// And once it is this old, so that a crash costs seconds where rows arrive slowly.
const AGE_MAX: Duration = Duration::from_secs(10);
/// Batches that wait for DuckDB, so that it does not wait for whoever sends them.
const BATCHES_WAITING_MAX: usize = 4;

/// A group that is being inserted. Dropping it takes its rows back.
#[derive(Debug)]
pub(super) struct OpenGroup {
    /// Rows for the insert; it ends when they do.
    rows: Option<SyncSender<WaitingRows>>,
    /// Takes the statement that records the position. Without it, the transaction is rolled back.
    last_statement: Sender<String>,
    worker: Option<JoinHandle<Result<u64, String>>>,
    opened_at: Instant,
    bytes: usize,
    pub(super) row_count: u64,
    /// The position after the rows sent so far.
    pub(super) reached: Option<Cursor>,
    /// Lasts as long as the group, for traces.
    span: Span,
}

/// Rows with what has to live until DuckDB has read them.
type WaitingRows = (RecordBatch, Option<Box<dyn Any + Send + Sync>>);

impl OpenGroup {
    /// Starts to insert rows of this schema into `table`. Nobody else may use the connection until the group is over.
    /// `within` is what the caller is traced by.
    pub(super) fn start(
        bulk: &Arc<Mutex<BulkConnection>>,
        table: String,
        schema: SchemaRef,
        within: &Span,
    ) -> Self {
        let (rows, waiting) = sync_channel(BATCHES_WAITING_MAX);
        let (last_statement, statements) = channel();
        let bulk = Arc::clone(bulk);
        let worker = std::thread::spawn(move || {
            let mut bulk = bulk.lock().unwrap_or_else(PoisonError::into_inner);
            let inserting = trace_span!(target: "timings", "insert");
            let arrival =
                Arrival { schema, waiting, being_read: VecDeque::new(), inserting: inserting.clone() };
            inserting.in_scope(|| insert(&mut bulk, &table, arrival, &statements))
        });
        Self {
            rows: Some(rows),
            last_statement,
            worker: Some(worker),
            opened_at: Instant::now(),
            bytes: 0,
            row_count: 0,
            reached: None,
            span: within
                .in_scope(|| info_span!(target: "snowferry::trace", "group", rows = Empty, bytes = Empty)),
        }
    }

    /// Hands storable rows to the insert, and waits while it is busy. Answers whether it takes more; where it does not,
    /// [`OpenGroup::close`] says why.
    pub(super) fn send(&mut self, batch: Batch) -> bool {
        self.bytes += batch.byte_size();
        self.row_count += batch.rows.num_rows() as u64;
        if let Some(resume) = batch.resume {
            self.reached = Some(resume);
        }
        self.rows.as_ref().is_some_and(|rows| rows.send((batch.rows, batch.held)).is_ok())
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX || self.opened_at.elapsed() >= AGE_MAX
    }

    /// Ends the insert with `last_statement`, which must change one row, and answers how many it changed. Unless that
    /// is one, nothing of the group has become durable.
    pub(super) fn close(mut self, last_statement: String) -> Result<u64, String> {
        // A worker that is gone has failed, and says so below.
        let _may_have_failed = self.last_statement.send(last_statement);
        self.span.record("rows", self.row_count).record("bytes", self.bytes);
        self.join()
    }

    fn join(&mut self) -> Result<u64, String> {
        self.rows = None;
        let worker = self.worker.take().ok_or_else(|| "the group is over".to_owned())?;
        worker.join().unwrap_or_else(|_| Err("the insert panicked".to_owned()))
    }
}

impl Drop for OpenGroup {
    fn drop(&mut self) {
        if self.worker.is_some() {
            // Without a last statement, whatever comes of the insert is rolled back.
            let _rolled_back = self.join();
        }
    }
}

fn insert(
    bulk: &mut BulkConnection,
    table: &str,
    arrival: Arrival,
    statements: &Receiver<String>,
) -> Result<u64, String> {
    bulk.with_rows(Box::new(arrival), |bulk, rows| {
        bulk.execute("BEGIN")?;
        let changed = bulk
            .execute(&format!("INSERT INTO {table} SELECT * FROM {rows}"))
            .and_then(|_| statements.try_recv().map_err(|_| "the rows were taken back".to_owned()))
            .and_then(|last_statement| {
                let _timed = trace_span!(target: "timings", "checkpoint").entered();
                let changed = bulk.execute(&last_statement)?;
                if changed == 1 { bulk.execute("COMMIT").map(|_| changed) } else { Ok(changed) }
            });
        if changed != Ok(1) {
            // A transaction that failed is over already; saying so again harms nothing.
            let _may_be_over = bulk.execute("ROLLBACK");
        }
        changed
    })
}

/// The rows of a group as DuckDB's threads ask for them.
struct Arrival {
    schema: SchemaRef,
    waiting: Receiver<WaitingRows>,
    /// What the rows hold that DuckDB is reading now: each of its threads is at one batch.
    being_read: VecDeque<Option<Box<dyn Any + Send + Sync>>>,
    /// Waiting is no part of it, whichever of DuckDB's threads waits.
    inserting: Span,
}

impl Iterator for Arrival {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (rows, held) = match self.waiting.try_recv() {
            Ok(next) => next,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {
                // Whoever sends may be waiting for this memory.
                self.being_read.clear();
                let _timed = trace_span!(target: "timings", parent: &self.inserting, "starve").entered();
                self.waiting.recv().ok()?
            }
        };
        self.being_read.push_back(held);
        if self.being_read.len() > cores() {
            self.being_read.pop_front();
        }
        Some(Ok(rows))
    }
}

impl RecordBatchReader for Arrival {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
