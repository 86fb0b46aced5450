//! One comparison: sums of both sides, and marks of the rows in the buckets that differ.

use std::num::NonZeroU32;

use model::{
    AuditPlan, BucketSummary, Checkpoint, DeletePolicy, Error, ErrorKind, Moment, Progress, ReadSpec, Result,
    SNAPSHOT_UNAVAILABLE, StreamPlan, StreamSchema,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::difference::{Difference, Pair, Unequal, difference, differing, unequal};
use super::report::{VerifyCost, VerifyReport};
use super::{VerifyOptions, VerifySync};
use crate::run::{RunProgress, run_comparable};

/// Buckets of about so many rows: a row that differs costs as many marks on each side.
const ROWS_PER_BUCKET: u64 = 1_000;
/// Fewer would save nothing.
const BUCKETS_MIN: u64 = 16;
/// More would make the statement that reads some of them again too long.
const BUCKETS_MAX: u64 = 4_096;
/// Without a word on the size of the stream.
const BUCKETS_DEFAULT: u64 = 256;
/// What the sums of all buckets may take, and what those of a column take in one.
const SUMMARY_BYTES_MAX: u64 = 16 << 20;
const COLUMN_BYTES: u64 = 100;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Rows,
    Keys,
}

/// What one comparison found.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) plan: AuditPlan,
    /// What the destination said about itself at the start.
    pub(super) committed: Checkpoint,
    pub(super) pairs: Vec<Pair>,
    /// Absent where there were too many rows.
    pub(super) unequal: Option<Unequal>,
    pub(super) cost: VerifyCost,
    snapshot_missing_because: Option<String>,
    /// Rows at the source and at the destination.
    pub(super) rows: (u64, u64),
}

impl Comparison {
    pub(super) fn difference(&self) -> Difference {
        difference(&self.plan, &self.pairs, self.unequal.as_ref())
    }

    pub(super) fn report(&self) -> VerifyReport {
        let (rows_at_source, rows_at_destination) = self.rows;
        let uncompared = self.plan.stream.columns.iter().filter(|column| !column.is_compared());
        VerifyReport {
            moment: self.plan.moment,
            snapshot_missing_because: self.snapshot_missing_because.clone(),
            bucket_count: self.plan.bucket_count.get(),
            rows_at_source,
            rows_at_destination,
            difference: self.difference(),
            uncompared_columns: uncompared.map(|column| column.target.clone()).collect(),
            healed: None,
            cost: self.cost.clone(),
        }
    }
}

/// Compares both sides. What fails on the way is tried again by whoever asked.
pub(super) async fn compare(
    sync: &VerifySync,
    options: &VerifyOptions,
    compared: Compared,
    cancel: &CancellationToken,
) -> Result<Comparison> {
    let mut looked = Looked::at(sync, options, compared, Moment::Checkpoint).await?;
    let mut snapshot_missing_because = None;
    let mut cost = VerifyCost::default();
    let source = match sync.source.summarize(&looked.plan).await {
        Err(error) if error.code() == SNAPSHOT_UNAVAILABLE => {
            snapshot_missing_because = Some(error.message().to_owned());
            bring_up_to_date(sync, options, cancel).await?;
            looked = Looked::at(sync, options, compared, Moment::Now).await?;
            sync.source.summarize(&looked.plan).await?
        }
        summarized => summarized?,
    };
    let destination = sync.destination.summarize(&looked.plan).await?;
    cost.source.add(source.cost);
    cost.destination.add(destination.cost);
    let rows = (row_count(&source.found), row_count(&destination.found));
    let mut pairs = differing(&looked.plan, source.found, destination.found);
    let mut unequal = mark(sync, options, &looked.plan, &pairs, &mut cost).await?;
    if let Some(unequal) =
        unequal.as_mut().filter(|_| looked.plan.stream.deletes.policy == DeletePolicy::Keep)
    {
        // Whether a row that only the destination has is one that is kept, nobody can tell.
        unequal.forget_gone();
        pairs.retain(|pair| unequal.has_bucket(pair.bucket));
    }
    looked.refuse_change(sync).await?;
    let Looked { plan, committed, .. } = looked;
    Ok(Comparison { plan, committed, pairs, unequal, cost, snapshot_missing_because, rows })
}

/// The rows of differing buckets that have no equal on the other side, unless they are too many to ask for.
async fn mark(
    sync: &VerifySync,
    options: &VerifyOptions,
    plan: &AuditPlan,
    pairs: &[Pair],
    cost: &mut VerifyCost,
) -> Result<Option<Unequal>> {
    if pairs.is_empty() {
        return Ok(Some(Unequal::default()));
    }
    if pairs.iter().map(Pair::row_count_max).sum::<u64>() > options.marked_rows_max {
        return Ok(None);
    }
    let buckets: Vec<u32> = pairs.iter().map(|pair| pair.bucket).collect();
    let source = sync.source.mark_rows(plan, &buckets).await?;
    let destination = sync.destination.mark_rows(plan, &buckets).await?;
    cost.source.add(source.cost);
    cost.destination.add(destination.cost);
    Ok(Some(unequal(source.found, destination.found)))
}

/// What is to be compared, as both sides describe themselves.
struct Looked {
    plan: AuditPlan,
    progress: Progress,
    committed: Checkpoint,
}

impl Looked {
    async fn at(
        sync: &VerifySync,
        options: &VerifyOptions,
        compared: Compared,
        moment: Moment,
    ) -> Result<Self> {
        let sides = &sync.sync;
        let schema = sides.source.describe(&sides.spec.stream).await?;
        let progress = sides.destination.progress(&sides.spec.stream, &sides.spec.target).await?;
        let Some(committed) = progress.committed.clone() else {
            let message = format!("{} has nothing yet that could be compared", sides.spec.target);
            return Err(Error::new(ErrorKind::NotFound, "nothing_to_verify", message)
                .with_remedy("run the sync first"));
        };
        let stream = StreamPlan::build(&sides.spec, &schema, &progress)?;
        let plan = AuditPlan {
            bucket_count: options.bucket_count.unwrap_or_else(|| bucket_count(&schema)),
            stream,
            committed: committed.cursor.clone(),
            is_keys_only: compared == Compared::Keys,
            moment,
        };
        Ok(Self { plan, progress, committed })
    }

    /// A run that came between has changed what was compared.
    async fn refuse_change(&self, sync: &VerifySync) -> Result<()> {
        let spec = &sync.sync.spec;
        if sync.sync.destination.progress(&spec.stream, &spec.target).await? == self.progress {
            return Ok(());
        }
        let message = format!("a run changed {} while it was compared", spec.target);
        Err(Error::new(ErrorKind::Conflict, "changed_while_compared", message)
            .with_remedy("verify again when no run is going on"))
    }
}

/// A source that is looked at as it is now is compared with what is up to date. A full refresh would copy everything, so
/// it is compared as it is.
async fn bring_up_to_date(
    sync: &VerifySync,
    options: &VerifyOptions,
    cancel: &CancellationToken,
) -> Result<()> {
    if matches!(sync.sync.spec.read, ReadSpec::FullRefresh) {
        return Ok(());
    }
    let (progress, _watched) = watch::channel(RunProgress::default());
    run_comparable(sync, &options.run, &progress, cancel).await.map(|_| ())
}

/// In how many buckets a stream is compared.
pub(crate) fn bucket_count(schema: &StreamSchema) -> NonZeroU32 {
    let wanted = schema.row_count.map_or(BUCKETS_DEFAULT, |row_count| row_count / ROWS_PER_BUCKET);
    let affordable = SUMMARY_BYTES_MAX / (COLUMN_BYTES * (schema.columns.len() as u64 + 1));
    let count = wanted.min(affordable).clamp(BUCKETS_MIN, BUCKETS_MAX);
    u32::try_from(count).ok().and_then(NonZeroU32::new).expect("the count lies between its bounds")
}

pub(crate) fn row_count(summaries: &[BucketSummary]) -> u64 {
    summaries.iter().map(|summary| summary.row_count).sum()
}
