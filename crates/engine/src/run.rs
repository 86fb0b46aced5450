//! A run: attempts at one sync until one succeeds, or until trying again cannot help.

use std::sync::Arc;

use model::{
    CHANGES_LOST, ColumnChange, Destination, Error, Rejected, Result, RetryPolicy, Source, StreamSpec,
};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::attempt::{Attempted, Start, attempt};
use crate::gap;
use crate::verify::VerifySync;

/// A sync, ready to run.
#[derive(Clone, Debug)]
pub struct Sync {
    pub source: Arc<dyn Source>,
    pub destination: Arc<dyn Destination>,
    pub spec: StreamSpec,
}

/// How a run behaves.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub retry: RetryPolicy,
    /// Spreads the retries of many runs; the same seed gives the same delays.
    pub seed: u64,
    /// Reads the stream anew from its beginning and forgets every position.
    pub is_fresh_start: bool,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Planning,
    /// The source is working on the statement.
    Querying,
    Moving,
    Publishing,
    /// Waiting before the next attempt.
    Waiting,
}

/// How far a run is, for whoever watches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunProgress {
    pub phase: Phase,
    pub attempt: u32,
    /// Rows of this read that reached the destination, those of interrupted runs included.
    pub row_count: u64,
    /// Rows that the read will give, once the source has said so.
    pub row_count_total: Option<u64>,
    /// Bytes of the rows in memory.
    pub bytes: u64,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunReport {
    pub is_backfill: bool,
    pub attempts: u32,
    /// Rows read by this run.
    pub read: u64,
    /// Rows that an interrupted run had staged and that were not read again.
    pub resumed: u64,
    pub bytes: u64,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    /// Rows that were marked as deleted.
    pub marked: u64,
    /// Rows in the target now, where the destination says so.
    pub total: Option<u64>,
    /// Rows that were left out because a value does not fit, where that was allowed.
    pub rejected: Vec<Rejected>,
    pub null_cursor_count: Option<u64>,
    /// Rows whose cursor lies beyond the source's own clock.
    pub future_cursor_count: Option<u64>,
    /// Whether the source said that nothing had changed, so that nothing was read.
    pub is_unchanged: bool,
    /// Values that were changed to fit, by column, where that was allowed.
    pub changed_values: Vec<(String, u64)>,
    /// Why the changes since the last run were not to be had, and how the rows were made right all the same.
    pub healed: Option<String>,
    /// Columns that were not as the last run had found them, and what was done about it.
    pub column_changes: Vec<ColumnChange>,
    /// Why what an interrupted run had staged was of no use, and the first read began anew.
    pub started_over: Option<String>,
    /// The query at the source that gave the rows.
    pub query_id: Option<String>,
}

/// Runs `sync` until it succeeds, fails for good or is cancelled. What was staged before a failure stays staged.
///
/// Where a run finishes what an earlier one had begun to read, it reads once more what changed since then. Where the
/// changes since the last run are not to be had any more, the stream is read as a whole, and the report says so.
pub async fn run(
    sync: &Sync,
    options: &RunOptions,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<RunReport> {
    Running { sync, comparable: None, options, progress, cancel }.run().await
}

/// The same for a sync whose sides can be compared: where changes are lost, only what differs is read.
pub async fn run_comparable(
    sync: &VerifySync,
    options: &RunOptions,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<RunReport> {
    Running { sync: &sync.sync, comparable: Some(sync), options, progress, cancel }.run().await
}

struct Running<'a> {
    sync: &'a Sync,
    comparable: Option<&'a VerifySync>,
    options: &'a RunOptions,
    progress: &'a watch::Sender<RunProgress>,
    cancel: &'a CancellationToken,
}

impl Running<'_> {
    async fn run(&self) -> Result<RunReport> {
        let first = self.until_it_succeeds().await?;
        if !first.is_of_earlier_run {
            return Ok(first.report);
        }
        let second = self.until_it_succeeds().await?;
        Ok(first.report.and_then(second.report))
    }

    async fn until_it_succeeds(&self) -> Result<Attempted> {
        let Self { sync, options, progress, cancel, .. } = self;
        let mut start = Start::of(&sync.spec, options.is_fresh_start);
        let mut has_queried = false;
        // What was told once about lost changes holds for the whole run, whichever attempt ends it.
        let mut healed = None;
        let mut number = 1;
        loop {
            progress.send_modify(|progress| {
                *progress = RunProgress { attempt: number, ..RunProgress::default() }
            });
            let span = tracing::info_span!(target: "snowferry::trace", "attempt", attempt.number = number);
            let attempted = attempt(sync, &mut start, &mut has_queried, progress, cancel);
            let attempted = attempted.instrument(span).await;
            let attempted = match attempted {
                Err(error) if error.code() == CHANGES_LOST => {
                    healed = Some(error.message().to_owned());
                    match gap::heal(sync, self.comparable, error, progress, cancel).await {
                        Ok(Some(report)) => Ok(Attempted { report, is_of_earlier_run: false }),
                        Ok(None) => {
                            healed = healed.map(|reason| format!("{reason}; the table was read as a whole"));
                            start = Start::Anew;
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
                attempted => attempted,
            };
            let error = match attempted {
                Ok(mut attempted) => {
                    attempted.report.attempts = number;
                    attempted.report.healed = attempted.report.healed.or(healed);
                    return Ok(attempted);
                }
                Err(error) => error,
            };
            self.wait_after(error, number).await?;
            number += 1;
        }
    }

    /// Waits before the next attempt; an error that trying again cannot help ends the run.
    async fn wait_after(&self, error: Error, number: u32) -> Result<()> {
        let Some(delay) = self.options.retry.delay_after(&error, number, self.options.seed) else {
            return Err(error);
        };
        tracing::warn!(attempt.number = number, delay_ms = delay.as_millis(), error = %error, "attempt failed");
        self.progress.send_modify(|progress| progress.phase = Phase::Waiting);
        tokio::select! {
            () = self.cancel.cancelled() => Err(Error::cancelled()),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }
}

impl RunReport {
    /// The report of a run that found nothing to do.
    pub(crate) fn unchanged() -> Self {
        Self {
            is_backfill: false,
            attempts: 1,
            read: 0,
            resumed: 0,
            bytes: 0,
            inserted: 0,
            updated: 0,
            deleted: 0,
            marked: 0,
            total: None,
            rejected: Vec::new(),
            null_cursor_count: None,
            future_cursor_count: None,
            is_unchanged: true,
            changed_values: Vec::new(),
            healed: None,
            column_changes: Vec::new(),
            started_over: None,
            query_id: None,
        }
    }

    /// What two reads of one run did together.
    fn and_then(self, later: Self) -> Self {
        if later.is_unchanged {
            return Self { healed: self.healed.or(later.healed), ..self };
        }
        Self {
            is_backfill: self.is_backfill,
            attempts: self.attempts.max(later.attempts),
            read: self.read + later.read,
            resumed: self.resumed + later.resumed,
            bytes: self.bytes + later.bytes,
            inserted: self.inserted + later.inserted,
            updated: self.updated + later.updated,
            deleted: self.deleted + later.deleted,
            marked: self.marked + later.marked,
            total: later.total,
            rejected: [self.rejected, later.rejected].concat(),
            null_cursor_count: later.null_cursor_count,
            future_cursor_count: later.future_cursor_count,
            is_unchanged: false,
            changed_values: [self.changed_values, later.changed_values].concat(),
            healed: self.healed.or(later.healed),
            column_changes: [self.column_changes, later.column_changes].concat(),
            started_over: self.started_over.or(later.started_over),
            query_id: later.query_id,
        }
    }
}
