//! The rows of a result, batch by batch and in order.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::Stream;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::result::budget::BudgetPermit;
use crate::result::manifest::Manifest;
use crate::result::pipeline::{PendingPart, ReadyPart};
use crate::result::summary::{ResultSummary, SharedSummary};

/// Rows of a result with the memory they hold in the budget: dropping the batch makes room for chunks to come.
#[non_exhaustive]
pub struct ResultBatch {
    /// Where the rows come from: 0 is the part that came with the reply, `n` the nth chunk.
    pub chunk: usize,
    /// Whether these are the last rows of that part: after them, reading can resume with the next one.
    pub is_last_of_chunk: bool,
    /// The rows.
    pub batch: RecordBatch,
    permit: BudgetPermit,
}

impl ResultBatch {
    /// The rows alone. They no longer count against the memory budget.
    pub fn into_batch(self) -> RecordBatch {
        drop(self.permit);
        self.batch
    }
}

/// Values of rows are never printed.
impl fmt::Debug for ResultBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultBatch")
            .field("chunk", &self.chunk)
            .field("is_last_of_chunk", &self.is_last_of_chunk)
            .field("rows", &self.batch.num_rows())
            .finish_non_exhaustive()
    }
}

/// What the pipeline has to know of the reader.
pub(super) struct ReaderState {
    /// Whether it waits for a part that has not even been started.
    pub(super) starving: watch::Sender<bool>,
    /// The part that it waits for or is reading.
    pub(super) reading: watch::Sender<usize>,
}

/// The rows of a result in order. Ends after the last row or the first error; dropping it stops the downloads.
pub struct ResultStream {
    schema: SchemaRef,
    query_id: String,
    /// Rows that must have been delivered at the end, where the service counts them.
    expected_rows: Option<u64>,
    parts: mpsc::Receiver<PendingPart>,
    waiting: Option<PendingPart>,
    ready: VecDeque<ResultBatch>,
    reader: ReaderState,
    summary: SharedSummary,
    /// Absent after the end.
    task: Option<AbortOnDropHandle<()>>,
}

impl ResultStream {
    pub(super) fn new(
        manifest: &Manifest,
        schema: &SchemaRef,
        first: usize,
        parts: mpsc::Receiver<PendingPart>,
        reader: ReaderState,
        summary: SharedSummary,
        task: AbortOnDropHandle<()>,
    ) -> Self {
        let expected_rows = (first..=manifest.chunk_rows.len()).map(|part| manifest.part_rows(part)).sum();
        Self {
            schema: SchemaRef::clone(schema),
            query_id: manifest.query_id.clone(),
            expected_rows,
            parts,
            waiting: None,
            ready: VecDeque::new(),
            reader,
            summary,
            task: Some(task),
        }
    }

    /// The schema of every batch, also of a result without rows.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The counts so far; final once the stream has ended.
    pub fn summary(&self) -> ResultSummary {
        self.summary.snapshot()
    }

    fn accept(&mut self, chunk: usize, part: ReadyPart) {
        let ReadyPart { decoded, mut permit } = part;
        self.summary.update(|summary| {
            summary.rows += decoded.rows;
            summary.chunks += u64::from(chunk > 0);
            summary.decoded_bytes += decoded.bytes;
            for (total, lost) in summary.truncated_values.iter_mut().zip(&decoded.lost) {
                *total += lost;
            }
        });
        let mut rows_left = decoded.rows;
        let last = decoded.batches.len().saturating_sub(1);
        for (index, batch) in decoded.batches.into_iter().enumerate() {
            let rows = batch.num_rows() as u64;
            let share = permit.split(rows, rows_left);
            rows_left -= rows;
            self.ready.push_back(ResultBatch {
                chunk,
                is_last_of_chunk: index == last,
                batch,
                permit: share,
            });
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<ResultBatch>>> {
        self.task = None;
        self.parts.close();
        let error = if error.query_id().is_none() { error.with_query_id(&self.query_id) } else { error };
        Poll::Ready(Some(Err(error)))
    }

    fn finish(&mut self) -> Poll<Option<Result<ResultBatch>>> {
        self.task = None;
        let rows = self.summary.snapshot().rows;
        match self.expected_rows {
            Some(expected) if expected != rows => self.fail(Error::new(
                ErrorKind::Protocol,
                format!("the result ended after {rows} rows instead of {expected}"),
            )),
            _ => Poll::Ready(None),
        }
    }
}

impl Stream for ResultStream {
    type Item = Result<ResultBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(batch)));
            }
            if self.task.is_none() {
                return Poll::Ready(None);
            }
            if let Some(part) = &mut self.waiting {
                let chunk = part.chunk;
                let rows = ready!(Pin::new(&mut part.rows).poll(context));
                self.waiting = None;
                match rows {
                    Ok(Ok(part)) => self.accept(chunk, part),
                    Ok(Err(error)) => return self.fail(error),
                    Err(_) => {
                        return self
                            .fail(Error::new(ErrorKind::Internal, "the reading of a chunk was aborted"));
                    }
                }
                continue;
            }
            match self.parts.poll_recv(context) {
                Poll::Ready(Some(part)) => {
                    self.reader
                        .starving
                        .send_if_modified(|is_starving| std::mem::replace(is_starving, false));
                    self.reader.reading.send_replace(part.chunk);
                    self.waiting = Some(part);
                }
                Poll::Ready(None) => return self.finish(),
                Poll::Pending => {
                    self.reader
                        .starving
                        .send_if_modified(|is_starving| !std::mem::replace(is_starving, true));
                    return Poll::Pending;
                }
            }
        }
    }
}

impl fmt::Debug for ResultStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultStream")
            .field("query_id", &self.query_id)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}
