//! Reading buckets again, in place of those that the destination has, as one.

use model::{Checkpoint, Error, ErrorKind, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::comparison::Comparison;
use super::{VerifyOptions, VerifySync};
use crate::attempt::{Moved, move_rows};
use crate::run::RunProgress;

/// Replaces the buckets that differ with what the source has in them at the moment of the comparison. The plan's epoch
/// follows the one that the comparison saw: where a run has come between, the destination refuses.
pub(super) async fn heal(
    sync: &VerifySync,
    options: &VerifyOptions,
    found: &Comparison,
    cancel: &CancellationToken,
) -> Result<Moved> {
    let row_count: u64 = found.pairs.iter().map(|pair| pair.row_count_max()).sum();
    if row_count > options.marked_rows_max {
        return Err(too_much(sync, row_count, options.marked_rows_max));
    }
    let plan = found.plan.healing(found.pairs.iter().map(|pair| pair.bucket).collect());
    let destination = sync.sync.destination.as_ref();
    destination.prepare(&plan).await?;
    let mut read = sync.sync.source.read(&plan).await?;
    destination.discard_staged(&plan).await?;
    let (progress, _watched) = watch::channel(RunProgress::default());
    let (_end, moved) = move_rows(destination, &plan, &mut read, &progress, cancel).await?;
    let checkpoint = Checkpoint { cursor: found.committed.cursor.clone(), row_count: moved.row_count };
    destination.commit(&plan, checkpoint).await?;
    Ok(moved)
}

fn too_much(sync: &VerifySync, row_count: u64, row_count_max: u64) -> Error {
    let message = format!(
        "the buckets of {} that differ hold {row_count} rows, and no more than {row_count_max} are healed",
        sync.sync.spec.target
    );
    Error::new(ErrorKind::Data, "too_much_to_heal", message)
        .with_remedy("run the sync with --full-refresh, or compare in more buckets with --buckets")
}
