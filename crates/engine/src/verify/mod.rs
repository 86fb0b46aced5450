//! Comparing both sides of a sync, and reading again what differs: plan, sum up, mark, heal, compare again.

pub(crate) mod comparison;
mod deletes;
pub(crate) mod difference;
mod heal;
mod report;

use std::num::NonZeroU32;
use std::sync::Arc;

use model::{Audit, Error, Result};
use tokio_util::sync::CancellationToken;

use self::comparison::{Compared, Comparison, compare};
pub use self::deletes::{Reconciled, reconcile_deletes};
pub use self::difference::{ColumnDifference, Difference};
use self::heal::heal;
pub use self::report::{Healed, VerifyCost, VerifyReport};
use crate::run::{RunOptions, Sync};

/// Rows of buckets that differ are marked one by one up to so many; their marks take about a hundred bytes each.
pub const MARKED_ROWS_MAX: u64 = 500_000;

/// A sync whose two sides can be compared.
#[derive(Clone, Debug)]
pub struct VerifySync {
    pub sync: Sync,
    /// The sync's source.
    pub source: Arc<dyn Audit>,
    /// The sync's destination.
    pub destination: Arc<dyn Audit>,
}

/// How a comparison is made.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// In how many buckets rows are compared; by the size of the stream where absent.
    pub bucket_count: Option<NonZeroU32>,
    /// Whether buckets that differ are read again.
    pub is_healing: bool,
    /// Rows of differing buckets beyond which they are neither marked one by one nor healed.
    pub marked_rows_max: u64,
    /// How often what fails is tried, here and in a run that has to go before.
    pub run: RunOptions,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            bucket_count: None,
            is_healing: false,
            marked_rows_max: MARKED_ROWS_MAX,
            run: RunOptions::default(),
        }
    }
}

/// Compares both sides, and heals and compares again where that is asked for and something differs.
///
/// The source is asked for the snapshot that the destination shows. Where it cannot give that any more, an incremental
/// sync is brought up to date first, and the source is looked at as it is now.
pub async fn verify(
    sync: &VerifySync,
    options: &VerifyOptions,
    cancel: &CancellationToken,
) -> Result<VerifyReport> {
    let mut found = compared(sync, options, Compared::Rows, cancel).await?;
    let mut report = found.report();
    if found.pairs.is_empty() || !options.is_healing {
        return Ok(report);
    }
    let mut healed = Healed { bucket_count: found.pairs.len() as u64, ..Healed::default() };
    let mut number = 1;
    loop {
        let is_done = match heal(sync, options, &found, cancel).await {
            Ok(moved) => {
                (healed.row_count, healed.bytes) = (moved.row_count, moved.bytes);
                true
            }
            Err(error) => {
                wait_after(error, number, options, cancel).await?;
                false
            }
        };
        // Whether it was the healing that failed, or only its reply that was lost, a comparison tells.
        found = compared(sync, options, Compared::Rows, cancel).await?;
        report.cost.add(found.cost.clone());
        if is_done || found.pairs.is_empty() {
            break;
        }
        number += 1;
    }
    healed.difference_left = found.difference();
    report.healed = Some(healed);
    Ok(report)
}

/// Compares until it succeeds or trying again cannot help.
async fn compared(
    sync: &VerifySync,
    options: &VerifyOptions,
    what: Compared,
    cancel: &CancellationToken,
) -> Result<Comparison> {
    let mut number = 1;
    loop {
        match compare(sync, options, what, cancel).await {
            Ok(found) => return Ok(found),
            Err(error) => wait_after(error, number, options, cancel).await?,
        }
        number += 1;
    }
}

/// Waits before the next try; an error that trying again cannot help ends all.
async fn wait_after(
    error: Error,
    number: u32,
    options: &VerifyOptions,
    cancel: &CancellationToken,
) -> Result<()> {
    let RunOptions { retry, seed, .. } = &options.run;
    let Some(delay) = retry.delay_after(&error, number, *seed) else { return Err(error) };
    tracing::warn!(attempt.number = number, delay_ms = delay.as_millis(), error = %error, "attempt failed");
    tokio::select! {
        () = cancel.cancelled() => Err(Error::cancelled()),
        () = tokio::time::sleep(delay) => Ok(()),
    }
}
