//! Rows that are gone at the source and still in the destination, found by their keys alone.

use model::{Checkpoint, DeletePolicy, Error, Moment, Result};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::comparison::{Compared, Comparison};
use super::report::VerifyCost;
use super::{VerifyOptions, VerifySync, compared, wait_after};

/// What a reconciliation of keys found and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// As of when the source was looked at.
    pub moment: Moment,
    /// Rows that were removed because the source has no row with their key.
    pub removed: u64,
    /// Rows that were marked for that reason.
    pub marked: u64,
    /// Rows that were kept all the same.
    pub kept: u64,
    pub rows_at_source: u64,
    pub cost: VerifyCost,
}

/// Finds the rows of the destination whose keys the source does not have, and removes or marks them, as one.
/// Those that are to be kept are counted.
///
/// Sums of keys are compared first, and keys are looked at only in buckets where these differ. A destination that would
/// shrink by more than the sync allows is left alone.
pub async fn reconcile_deletes(
    sync: &VerifySync,
    options: &VerifyOptions,
    cancel: &CancellationToken,
) -> Result<Reconciled> {
    if sync.sync.spec.key.is_empty() {
        let message = format!("{} has no key by which deleted rows could be told", sync.sync.spec.stream);
        return Err(Error::config("key_missing", message)
            .with_remedy("name the columns that identify a row under `read.key`"));
    }
    let mut cost = VerifyCost::default();
    let policy = sync.sync.spec.deletes.policy;
    let mut gone_count = 0;
    let mut number = 1;
    loop {
        let found = compared(sync, options, Compared::Keys, cancel).await?;
        cost.add(found.cost.clone());
        let gone = gone(sync, options, &found)?;
        gone_count = gone_count.max(gone.len() as u64);
        let (moment, rows_at_source) = (found.plan.moment, found.rows.0);
        let of = |wanted| if policy == wanted { gone_count } else { 0 };
        let reconciled = Reconciled {
            moment,
            removed: of(DeletePolicy::Delete),
            marked: of(DeletePolicy::Mark),
            kept: of(DeletePolicy::Keep),
            rows_at_source,
            cost: cost.clone(),
        };
        if gone.is_empty() || policy == DeletePolicy::Keep {
            return Ok(reconciled);
        }
        match remove(sync, &found, gone).await {
            Ok(()) => return Ok(reconciled),
            // Whether it was the removal that failed, or only its reply that was lost, a comparison tells.
            Err(error) => wait_after(error, number, options, cancel).await?,
        }
        number += 1;
    }
}

/// The MD5s of the keys that only the destination has.
fn gone(sync: &VerifySync, options: &VerifyOptions, found: &Comparison) -> Result<Vec<u128>> {
    if found.plan.stream.bucket_key().is_empty() {
        let message = format!("the key of {} is of a type that cannot be compared", sync.sync.spec.stream);
        return Err(Error::config("key_type", message).with_remedy("choose other columns under `read.key`"));
    }
    let Some(unequal) = &found.unequal else {
        let message = format!(
            "the buckets of {} whose keys differ hold more than {} rows",
            sync.sync.spec.target, options.marked_rows_max
        );
        return Err(Error::data("too_much_to_heal", message).with_remedy("run the sync with --full-refresh"));
    };
    Ok(unequal.gone.clone())
}

async fn remove(sync: &VerifySync, found: &Comparison, gone: Vec<u128>) -> Result<()> {
    let plan = found.plan.removing(gone, sync.sync.spec.max_shrink_percent);
    let destination = sync.sync.destination.as_ref();
    destination.prepare(&plan).await?;
    destination.discard_staged(&plan).await?;
    let checkpoint = Checkpoint { cursor: found.committed.cursor.clone(), row_count: 0 };
    destination.commit(&plan, checkpoint).await.map(|_| ())
}
