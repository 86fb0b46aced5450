//! One attempt, top to bottom: plan, read, stage, commit.

use futures_util::StreamExt;
use model::{
    Batch, BatchStream, Checkpoint, Committed, Destination, EndOfRead, Error, ErrorKind, Prepared,
    ReadCounts, ReadEvent, ReadSpec, Result, Staged, StreamPlan, StreamSpec,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info_span, trace_span};

use crate::run::{Phase, RunProgress, RunReport, Sync};

/// Where an attempt starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// From the committed position, going on with whatever is staged.
    WhereItWas,
    /// From the stream's beginning; whatever is staged is of no use.
    Anew,
    /// From the stream's beginning, going on with what an earlier attempt of the same run has staged.
    AnewWithOwnStaged,
}

impl Start {
    /// Where a run starts. A full refresh promises the rows as they are now, so it goes on with nothing older.
    pub(crate) fn of(spec: &StreamSpec, is_fresh_start: bool) -> Self {
        let is_full_refresh = matches!(spec.read, ReadSpec::FullRefresh);
        if is_fresh_start || is_full_refresh { Self::Anew } else { Self::WhereItWas }
    }
}

/// What one attempt did.
#[derive(Debug)]
pub(crate) struct Attempted {
    pub(crate) report: RunReport,
    /// Whether the rows are of a result that an earlier run had asked for: what changed since is still to be read.
    pub(crate) is_of_earlier_run: bool,
}

/// Tries once to bring the destination up to the source.
pub(crate) async fn attempt(
    sync: &Sync,
    start: &mut Start,
    has_queried: &mut bool,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<Attempted> {
    let destination = sync.destination.as_ref();
    let planned = plan(sync, *start).instrument(trace_span!(target: "timings", "plan"));
    let plan = unless_cancelled(cancel, planned).await?;
    if is_unchanged(sync, &plan, *start, cancel).await? {
        move_on(sync, &plan).await?;
        return Ok(Attempted { report: RunReport::unchanged(), is_of_earlier_run: false });
    }
    let Prepared { staged: already_staged } = destination.prepare(&plan).await?;

    progress.send_modify(|progress| progress.phase = Phase::Querying);
    let begun = sync.source.read(&plan).instrument(trace_span!(target: "timings", "query"));
    let mut read = unless_cancelled(cancel, begun).await?;
    if !read.is_continued {
        destination.discard_staged(&plan).await?;
        *has_queried = true;
    }
    let resumed = match &read.withdrawn {
        _ if !read.is_continued => 0,
        None => already_staged.durable_row_count,
        Some(withdrawn) => destination.withdraw(&plan, withdrawn).await?.durable_row_count,
    };
    if *start == Start::Anew {
        *start = Start::AnewWithOwnStaged;
    }
    progress.send_modify(|progress| {
        progress.phase = Phase::Moving;
        progress.row_count = resumed;
        progress.row_count_total = read.row_count;
    });

    let moving = info_span!(target: "snowferry::trace", "move");
    let moved = move_rows(destination, &plan, &mut read, progress, cancel).instrument(moving).await;
    let moved = moved.and_then(|(end, rows)| {
        refuse_unsafe(sync, &plan, &end, resumed + rows.row_count)?;
        Ok((end, rows))
    });
    let (end, rows) = match moved {
        Ok(moved) => moved,
        Err(error) => {
            // Whatever went wrong, rows that have arrived need not be read again. The first error is the one to report.
            if let Err(flush_error) = destination.flush(&plan).await {
                tracing::warn!(error = %flush_error, "rows that had arrived were not kept");
            }
            return Err(error);
        }
    };

    progress.send_modify(|progress| progress.phase = Phase::Publishing);
    let checkpoint = Checkpoint { cursor: end.cursor, row_count: resumed + rows.row_count };
    let committing = info_span!(target: "snowferry::trace", "commit", rows.staged = checkpoint.row_count);
    let published = publish(destination, &plan, checkpoint);
    let published = published.instrument(trace_span!(target: "timings", "publish"));
    let committed = published.instrument(committing).await?;
    let report = RunReport {
        is_backfill: plan.is_backfill(),
        attempts: 1,
        read: rows.row_count,
        resumed,
        bytes: rows.bytes,
        inserted: committed.inserted,
        updated: committed.updated,
        deleted: committed.deleted,
        marked: committed.marked,
        total: committed.total,
        rejected: committed.rejected,
        null_cursor_count: end.null_cursor_count,
        future_cursor_count: end.future_cursor_count,
        is_unchanged: false,
        changed_values: end.changed_values,
        healed: None,
        column_changes: plan.changes,
        started_over: read.started_over,
        query_id: read.query_id,
    };
    Ok(Attempted { report, is_of_earlier_run: !*has_queried })
}

/// Refuses a cursor that the rows of a first read show to be unsafe. They stay staged: where the sync then says that it
/// takes the cursor as it is, the next run goes on with them.
fn refuse_unsafe(sync: &Sync, plan: &StreamPlan, end: &EndOfRead, row_count: u64) -> Result<()> {
    if !plan.is_backfill() {
        return Ok(());
    }
    sync.spec.refuse_unsafe_read(ReadCounts {
        row_count,
        null_cursor_count: end.null_cursor_count.unwrap_or_default(),
        future_cursor_count: end.future_cursor_count.unwrap_or_default(),
    })
}

/// Commits what is staged. Rows that the destination refuses are of no use to a later run, which shall see the source
/// as it is by then.
async fn publish(
    destination: &dyn Destination,
    plan: &StreamPlan,
    checkpoint: Checkpoint,
) -> Result<Committed> {
    let committed = destination.commit(plan, checkpoint).await;
    if let Err(error) = &committed
        && error.kind() == ErrorKind::Data
    {
        destination.discard_staged(plan).await?;
    }
    committed
}

/// Rows that one attempt moved.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) row_count: u64,
    pub(crate) bytes: u64,
}

/// Stages every batch until the source says that it has proved the end.
pub(crate) async fn move_rows(
    destination: &dyn Destination,
    plan: &StreamPlan,
    read: &mut BatchStream,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<(EndOfRead, Moved)> {
    let mut moved = Moved::default();
    loop {
        let event = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::cancelled()),
            event = read.events.next().instrument(trace_span!(target: "timings", "read")) => event,
        };
        match event.transpose()? {
            Some(ReadEvent::Batch(batch)) => {
                let (row_count, bytes) = size(&batch);
                let staged = destination.stage(plan, batch);
                let Staged { .. } = staged.instrument(trace_span!(target: "timings", "stage")).await?;
                moved.row_count += row_count;
                moved.bytes += bytes;
                progress.send_modify(|progress| {
                    progress.row_count += row_count;
                    progress.bytes += bytes;
                });
            }
            Some(ReadEvent::End(end)) => return Ok((end, moved)),
            None => {
                return Err(Error::internal("the source stopped without saying that it had reached the end"));
            }
        }
    }
}

/// Decides what this attempt does, from what the source has and how far the destination got.
pub(crate) async fn plan(sync: &Sync, start: Start) -> Result<StreamPlan> {
    let schema = sync.source.describe(&sync.spec.stream).await?;
    let mut progress = sync.destination.progress(&sync.spec.stream, &sync.spec.target).await?;
    if start != Start::WhereItWas {
        progress.committed = None;
    }
    if start == Start::Anew {
        progress.staged = None;
    }
    let plan = StreamPlan::build(&sync.spec, &schema, &progress)?;
    let lower_bound = sync.source.lower_bound(&plan)?;
    Ok(plan.reading_from(lower_bound))
}

/// Whether the destination has all that this attempt would read. What an interrupted run has staged is gone on with.
async fn is_unchanged(
    sync: &Sync,
    plan: &StreamPlan,
    start: Start,
    cancel: &CancellationToken,
) -> Result<bool> {
    let is_begun = plan.since.is_none() || plan.staged.is_some();
    if start != Start::WhereItWas || is_begun || !plan.changes.is_empty() {
        return Ok(false);
    }
    unless_cancelled(cancel, sync.source.is_unchanged(plan)).await
}

/// Notes a later position of an unchanged stream, where its source says that the committed one would become too old.
async fn move_on(sync: &Sync, plan: &StreamPlan) -> Result<()> {
    let Some(cursor) = sync.source.position_of_unchanged(plan).await? else { return Ok(()) };
    let plan = plan.moving_on();
    let destination = sync.destination.as_ref();
    destination.prepare(&plan).await?;
    destination.discard_staged(&plan).await?;
    destination.commit(&plan, Checkpoint { cursor, row_count: 0 }).await.map(|_| ())
}

fn size(batch: &Batch) -> (u64, u64) {
    (batch.rows.num_rows() as u64, batch.byte_size() as u64)
}

async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        result = work => result,
    }
}
