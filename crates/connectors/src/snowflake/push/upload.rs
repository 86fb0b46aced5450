//! Rows become Parquet files on all cores, and each file leaves for the Snowflake stage as soon as it is full.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;
use model::{Batch, Error, Result};
use snowflake::StageUploads;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument, Span, info_span, trace_span};

use super::intent::SentFile;
use super::misfits::{Origin, Rejects};
use super::progress::DeliveryProgress;
use super::settings::MisfitPolicy;
use super::sizes::Sizes;
use crate::snowflake::error::from_client;
use crate::snowflake::fit::{EncodedFile, Mapping, ParquetFile};

/// Batches in the queue; what bounds them is their bytes.
const WAITING_MAX: usize = 64;
/// The unit of account of memory. Bytes themselves would overflow the counter of a semaphore.
const UNIT_BYTES: u64 = 1024;

/// Rows on their way into files, and files on their way into a folder of the Snowflake stage.
pub(super) struct Upload {
    /// Goes first where an upload is dropped, so that no encoder takes the end of the queue for the end of the rows.
    stop: DropGuard,
    queue: Option<mpsc::Sender<Waiting>>,
    workers: JoinSet<Result<()>>,
    shared: Arc<Shared>,
}

/// What an upload needs to know.
pub(super) struct UploadPlan {
    pub(super) attempt: String,
    pub(super) key: Vec<String>,
    pub(super) mapping: Arc<Mapping>,
    pub(super) policy: MisfitPolicy,
    pub(super) rejects: Arc<Mutex<Rejects>>,
    pub(super) sizes: Sizes,
    pub(super) uploads: StageUploads,
    pub(super) progress: watch::Sender<DeliveryProgress>,
}

struct Shared {
    plan: UploadPlan,
    runtime: Handle,
    stop: CancellationToken,
    queue: tokio::sync::Mutex<mpsc::Receiver<Waiting>>,
    waiting: Pool,
    open: Pool,
    full: Pool,
    sending: tokio::sync::Mutex<JoinSet<Result<()>>>,
    files: Mutex<Vec<SentFile>>,
    file_count: AtomicUsize,
    /// What the spans of files are within.
    span: Span,
}

/// A batch in the queue, with its share of the memory.
struct Waiting {
    rows: RecordBatch,
    first_row: u64,
    _held: Option<Box<dyn Any + Send + Sync>>,
    _memory: OwnedSemaphorePermit,
}

impl Upload {
    pub(super) fn start(plan: UploadPlan) -> Self {
        let sizes = plan.sizes;
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            plan,
            runtime: Handle::current(),
            stop: stop.clone(),
            queue: tokio::sync::Mutex::new(waiting),
            waiting: Pool::new(sizes.waiting_bytes),
            open: Pool::new(sizes.open_bytes),
            full: Pool::new(sizes.full_bytes),
            sending: tokio::sync::Mutex::default(),
            files: Mutex::default(),
            file_count: AtomicUsize::new(0),
            span: Span::current(),
        });
        let mut workers = JoinSet::new();
        for _ in 0..sizes.encoders {
            let shared = Arc::clone(&shared);
            workers.spawn_blocking(move || shared.work());
        }
        Self { stop: stop.drop_guard(), queue: Some(queue), workers, shared }
    }

    /// Takes rows in, as soon as there is room for them. `first_row` is their place within the run, from 1.
    pub(super) async fn take(&mut self, batch: Batch, first_row: u64) -> Result<()> {
        while let Some(ended) = self.workers.try_join_next() {
            joined(ended)?;
        }
        let memory = self.shared.waiting.take(batch.byte_size() as u64).await;
        let waiting = Waiting { rows: batch.rows, first_row, _held: batch.held, _memory: memory };
        let queue = self.queue.as_ref().ok_or_else(|| Error::internal("rows came after the last one"))?;
        if queue.send(waiting).await.is_ok() {
            return Ok(());
        }
        while let Some(ended) = self.workers.join_next().await {
            joined(ended)?;
        }
        Err(Error::internal("nobody takes the rows any more"))
    }

    /// Waits until every row is in a file and every file is in the Snowflake stage.
    pub(super) async fn finish(mut self) -> Result<Vec<SentFile>> {
        self.queue = None;
        let outcome = self.settle().await;
        if let Err(error) = outcome {
            self.abort().await;
            return Err(error);
        }
        let mut files = std::mem::take(&mut *lock(&self.shared.files));
        files.sort();
        Ok(files)
    }

    async fn settle(&mut self) -> Result<()> {
        while let Some(ended) = self.workers.join_next().await {
            joined(ended)?;
        }
        let mut sending = self.shared.sending.lock().await;
        while let Some(ended) = sending.join_next().await {
            joined(ended)?;
        }
        Ok(())
    }

    /// Stops at once. When this returns, nothing is on its way any more.
    pub(super) async fn abort(mut self) {
        drop(self.stop);
        self.workers.shutdown().await;
        self.shared.sending.lock().await.shutdown().await;
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("files", &self.shared.file_count).finish_non_exhaustive()
    }
}

impl Shared {
    /// Fills one file after the other, on a thread of its own from first to last: the encoder's memory is given back to
    /// the thread that took it, and used again. Room for a file is taken before any rows are, so that whoever has rows
    /// can go on.
    fn work(self: Arc<Self>) -> Result<()> {
        loop {
            let bytes_max = self.plan.sizes.file_bytes(self.file_count.load(Ordering::Relaxed))?;
            let room = self.wait_for(self.open.take(bytes_max))?;
            let mut file = ParquetFile::new(self.plan.mapping.file_schema()).expecting(bytes_max);
            let mut is_over = false;
            while !is_over && file.byte_count() < bytes_max {
                match self.wait_for(self.next())? {
                    Some(waiting) => self.encode(&waiting, &mut file)?,
                    None => is_over = true,
                }
            }
            if file.row_count() > 0 {
                let file = trace_span!(target: "timings", "encode").in_scope(|| file.finish())?;
                self.wait_for(self.send(file))??;
            }
            drop(room);
            if is_over {
                return Ok(());
            }
        }
    }

    /// Blocks the encoder's thread until something has come, or the upload is stopped.
    fn wait_for<T>(&self, something: impl Future<Output = T>) -> Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(Error::cancelled()),
                came = something => Ok(came),
            }
        })
    }

    async fn next(&self) -> Option<Waiting> {
        self.queue.lock().await.recv().await
    }

    /// Adds the rows that fit to the file.
    fn encode(&self, waiting: &Waiting, file: &mut ParquetFile) -> Result<()> {
        let converting = trace_span!(target: "timings", "convert").entered();
        let Some(rows) = self.fitting(waiting)? else { return Ok(()) };
        let changed = self.plan.mapping.changed_values(&rows)?;
        let rows = self.plan.mapping.file_rows(&rows)?;
        drop(converting);
        trace_span!(target: "timings", "encode").in_scope(|| file.write(&rows))?;
        self.plan.progress.send_modify(|progress| {
            progress.encoded_rows += rows.num_rows() as u64;
            for values in changed {
                *progress.changed_values.entry(values.column).or_default() += values.row_count;
            }
        });
        Ok(())
    }

    /// The rows that fit, or nothing where none is to be sent.
    fn fitting(&self, waiting: &Waiting) -> Result<Option<RecordBatch>> {
        let plan = &self.plan;
        let misfits = plan.mapping.check(&waiting.rows)?;
        let rows = if misfits.is_empty() {
            waiting.rows.clone()
        } else {
            let origin = Origin { attempt: &plan.attempt, key: &plan.key, first_row: waiting.first_row };
            let mut rejects = lock(&plan.rejects);
            let rows = rejects.sort_out(&waiting.rows, &misfits, origin, plan.policy)?;
            let rejected_rows = rejects.row_count;
            plan.progress.send_modify(|progress| progress.rejected_rows = rejected_rows);
            rows
        };
        // A run that is going to fail only counts on.
        let is_lost = plan.policy == MisfitPolicy::RejectRun && lock(&plan.rejects).row_count > 0;
        Ok((rows.num_rows() > 0 && !is_lost).then_some(rows))
    }

    /// Sends a file off.
    async fn send(self: &Arc<Self>, file: EncodedFile) -> Result<()> {
        let number = self.file_count.fetch_add(1, Ordering::Relaxed);
        self.plan.sizes.file_bytes(number)?;
        let EncodedFile { bytes: content, row_count } = file;
        let room = self.full.take(content.len() as u64).await;
        let file = SentFile { name: format!("part-{:04}.parquet", number + 1), row_count };
        let mut sending = self.sending.lock().await;
        while let Some(ended) = sending.try_join_next() {
            joined(ended)?;
        }
        let shared = Arc::clone(self);
        sending.spawn(async move {
            let _room = room;
            shared.upload(file, content).await
        });
        Ok(())
    }

    async fn upload(&self, file: SentFile, content: Bytes) -> Result<()> {
        let bytes = content.len() as u64;
        let span = info_span!(
            target: "snowferry::trace", parent: &self.span, "file", rows = file.row_count, bytes
        );
        self.plan.uploads.upload(&file.name, content).instrument(span).await.map_err(from_client)?;
        lock(&self.files).push(file);
        self.plan.progress.send_modify(|progress| {
            progress.files += 1;
            progress.uploaded_bytes += bytes;
        });
        Ok(())
    }
}

fn joined<T>(ended: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    match ended {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::internal("a part of the upload was interrupted").with_source(error)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A share of the memory that is taken and given back.
struct Pool {
    units: Arc<Semaphore>,
    units_max: u32,
}

impl Pool {
    fn new(bytes: u64) -> Self {
        let units_max = u32::try_from((bytes / UNIT_BYTES).max(1)).unwrap_or(u32::MAX);
        let units_max = units_max.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { units: Arc::new(Semaphore::new(units_max as usize)), units_max }
    }

    /// Waits for `bytes`. What is larger than the whole pool passes when it is alone.
    async fn take(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).clamp(1, self.units_max);
        let taken = Arc::clone(&self.units).acquire_many_owned(units).await;
        taken.expect("the semaphore of a pool is never closed")
    }
}
