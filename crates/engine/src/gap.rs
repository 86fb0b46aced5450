//! Going on where the changes since the last read are lost: both sides are compared at a moment of now, what differs is
//! read, and the position moves to that moment, as one.

use model::{
    AuditPlan, Checkpoint, Committed, DeletePolicy, Effect, Error, Moment, Result, StreamPlan, StreamSchema,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::attempt::{Moved, Start, move_rows, plan};
use crate::run::{Phase, RunProgress, RunReport, Sync};
use crate::verify::comparison::{bucket_count, row_count};
use crate::verify::difference::{Pair, differing};
use crate::verify::{MARKED_ROWS_MAX, VerifySync};

/// The code of a destination whose columns are not those of the source, so that rows cannot be compared.
const COLUMNS_CHANGED: &str = "columns_changed";

/// Makes the destination equal to its source where `lost` says that changes are lost. Nothing where rows cannot be
/// compared, so that they have to be read as a whole.
pub(crate) async fn heal(
    sync: &Sync,
    comparable: Option<&VerifySync>,
    lost: Error,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<Option<RunReport>> {
    let Some(audits) = comparable else { return Ok(None) };
    progress.send_modify(|progress| progress.phase = Phase::Querying);
    let plan = plan(sync, Start::WhereItWas).await?;
    let Some(compared) = compare(audits, plan).await? else { return Ok(None) };
    let Compared { plan: audit, pairs, .. } = &compared;
    let rows_to_read: u64 = pairs.iter().map(Pair::row_count_max).sum();
    // So many are read better in a way that can be gone on with, unless that would take away what is to stay.
    if rows_to_read > MARKED_ROWS_MAX && audit.stream.deletes.policy == DeletePolicy::Delete {
        return Ok(None);
    }
    let healing = audit.reaching(pairs.iter().map(|pair| pair.bucket).collect());
    let (moved, query_id, committed) = publish(sync, audit, &healing, progress, cancel).await?;
    Ok(Some(RunReport {
        read: moved.row_count,
        bytes: moved.bytes,
        inserted: committed.inserted,
        updated: committed.updated,
        deleted: committed.deleted,
        marked: committed.marked,
        total: committed.total,
        is_unchanged: false,
        healed: Some(told(&lost, &compared)),
        column_changes: healing.changes,
        query_id,
        ..RunReport::unchanged()
    }))
}

/// Both sides as of a moment of now.
struct Compared {
    plan: AuditPlan,
    pairs: Vec<Pair>,
    rows_at_source: u64,
}

async fn compare(sync: &VerifySync, stream: StreamPlan) -> Result<Option<Compared>> {
    let follows_columns = |effect| matches!(effect, Effect::Added | Effect::Widened | Effect::ReadAnew);
    if stream.since.is_none()
        || stream.bucket_key().is_empty()
        || stream.changes.iter().any(|change| follows_columns(change.effect))
    {
        return Ok(None);
    }
    let Some(committed) = sync.sync.source.position_now(&stream).await? else { return Ok(None) };
    let schema: StreamSchema = sync.sync.source.describe(&stream.stream).await?;
    let plan = AuditPlan {
        bucket_count: bucket_count(&schema),
        stream,
        committed,
        is_keys_only: false,
        moment: Moment::Checkpoint,
    };
    let destination = match sync.destination.summarize(&plan).await {
        Err(error) if error.code() == COLUMNS_CHANGED => return Ok(None),
        summarized => summarized?.found,
    };
    let source = sync.source.summarize(&plan).await?.found;
    let rows_at_source = row_count(&source);
    Ok(Some(Compared { pairs: differing(&plan, source, destination), plan, rows_at_source }))
}

/// Reads the buckets that differ, and publishes them together with the position that they lead to.
async fn publish(
    sync: &Sync,
    audit: &AuditPlan,
    healing: &StreamPlan,
    progress: &watch::Sender<RunProgress>,
    cancel: &CancellationToken,
) -> Result<(Moved, Option<String>, Committed)> {
    let destination = sync.destination.as_ref();
    destination.prepare(healing).await?;
    let mut moved = Moved::default();
    let mut query_id = None;
    destination.discard_staged(healing).await?;
    if healing.reads_buckets() {
        let mut read = sync.source.read(healing).await?;
        query_id = read.query_id.take();
        progress.send_modify(|progress| progress.phase = Phase::Moving);
        (_, moved) = move_rows(destination, healing, &mut read, progress, cancel).await?;
    }
    progress.send_modify(|progress| progress.phase = Phase::Publishing);
    let checkpoint = Checkpoint { cursor: audit.committed.clone(), row_count: moved.row_count };
    let committed = destination.commit(healing, checkpoint).await?;
    Ok((moved, query_id, committed))
}

fn told(lost: &Error, compared: &Compared) -> String {
    let Compared { plan, pairs, rows_at_source } = compared;
    let remedy = lost.remedy().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
    format!(
        "{}{remedy}; {rows_at_source} rows were compared in {} buckets, and {} of these read again",
        lost.message(),
        plan.bucket_count,
        pairs.len()
    )
}
