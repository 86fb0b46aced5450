//! Tables in memory with the delivery promises of a database: what was reported durable survives a crash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, UInt64Array, new_null_array};
use arrow_cast::cast;
use arrow_row::{OwnedRow, RowConverter, SortField};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take_record_batch;
use async_trait::async_trait;
use model::{
    Audit, AuditPlan, Audited, Batch, BucketSummary, Checkpoint, Committed, Cursor, DeletePolicy,
    Destination, Epoch, Error, ErrorKind, KnownColumns, PlannedColumn, Prepared, Progress, Publish, ReadPlan,
    Result, RowMark, Staged, StreamName, StreamPlan, TableName,
};

use super::audit;
use super::deletes::{left_of, newly_marked, split, target_schema, unmarked, without};
use super::source::is_at_or_after;
use crate::guard::refuse_shrinking;

/// A destination that a test can look into.
#[derive(Clone, Debug, Default)]
pub struct MemoryDestination {
    targets: Arc<Mutex<HashMap<String, Target>>>,
}

#[derive(Debug, Default)]
struct Target {
    stream: Option<StreamName>,
    epoch: Option<Epoch>,
    published: Option<RecordBatch>,
    committed: Option<Checkpoint>,
    columns: Option<KnownColumns>,
    staged: Vec<RecordBatch>,
    staged_checkpoint: Option<Checkpoint>,
    /// What a crash loses.
    pending: Vec<RecordBatch>,
    /// The last position among them, and how many of them lead to it.
    pending_resume: Option<(Cursor, usize)>,
}

impl MemoryDestination {
    /// Loses everything that was not reported durable, like a killed process.
    pub fn crash(&self) {
        for target in self.lock().values_mut() {
            target.pending.clear();
            target.pending_resume = None;
        }
    }

    /// The rows that readers see.
    pub fn rows(&self, target: &TableName) -> Option<RecordBatch> {
        self.lock().get(&target.to_string())?.published.clone()
    }

    /// Changes what readers see, as somebody does who does not go through a sync.
    pub fn tamper(&self, target: &TableName, change: impl FnOnce(RecordBatch) -> RecordBatch) {
        if let Some(target) = self.lock().get_mut(&target.to_string()) {
            target.published = target.published.take().map(change);
        }
    }

    fn audited(&self, plan: &AuditPlan) -> Vec<RecordBatch> {
        self.rows(&plan.stream.target).into_iter().filter_map(|rows| unmarked(&rows).ok()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_target<T>(&self, plan: &StreamPlan, act: impl FnOnce(&mut Target) -> Result<T>) -> Result<T> {
        let mut targets = self.lock();
        let target = targets.entry(plan.target.to_string()).or_default();
        if target.epoch != Some(plan.epoch) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "stale_epoch",
                "another run has taken over this stream",
            ));
        }
        act(target)
    }
}

#[async_trait]
impl Destination for MemoryDestination {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        let targets = self.lock();
        let Some(target) = targets.get(&target.to_string()) else { return Ok(Progress::default()) };
        if target.stream.as_ref().is_some_and(|owner| owner != stream) {
            return Err(Error::config("target_taken", "the target belongs to another stream"));
        }
        Ok(Progress {
            committed: target.committed.clone(),
            staged: target.staged_checkpoint.clone(),
            epoch: target.epoch,
            columns: target.columns.clone(),
        })
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        let mut targets = self.lock();
        let target = targets.entry(plan.target.to_string()).or_default();
        if target.epoch.is_some_and(|epoch| epoch >= plan.epoch) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "stale_epoch",
                "another run has taken over this stream",
            ));
        }
        target.epoch = Some(plan.epoch);
        target.stream = Some(plan.stream.clone());
        target.pending.clear();
        target.pending_resume = None;
        Ok(Prepared { staged: target.staged() })
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        self.with_target(plan, |target| {
            target.staged.clear();
            target.staged_checkpoint = None;
            Ok(())
        })
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        self.with_target(plan, |target| {
            target.pending.push(batch.rows);
            if let Some(resume) = batch.resume {
                target.pending_resume = Some((resume, target.pending.len()));
            }
            Ok(target.staged())
        })
    }

    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        self.with_target(plan, |target| {
            if let Some((cursor, batch_count)) = target.pending_resume.take() {
                target.staged.extend(target.pending.drain(..batch_count));
                let row_count = target.staged.iter().map(|rows| rows.num_rows() as u64).sum();
                target.staged_checkpoint = Some(Checkpoint { cursor, row_count });
            }
            Ok(target.staged())
        })
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        self.with_target(plan, |target| {
            let mut staged = target.staged.clone();
            staged.extend(target.pending.iter().cloned());
            let staged = concat_batches(&plan.arrow_schema(), &staged).map_err(arrow_failed)?;
            refuse_repeated_keys(plan, &staged)?;
            let before = target.published.as_ref().map_or(0, RecordBatch::num_rows) as u64;
            let staged_count = staged.num_rows() as u64;
            let earlier = match &target.published {
                Some(published)
                    if plan.deletes.drops_marks && plan.deletes.policy == DeletePolicy::Delete =>
                {
                    in_columns_of(plan, &unmarked(published)?)?
                }
                Some(published) => in_columns_of(plan, published)?,
                None => RecordBatch::new_empty(target_schema(plan)),
            };
            let (published, there) = publish(plan, &earlier, &staged)?;
            let total = published.num_rows() as u64;
            let (inserted, updated) = match &plan.publish {
                Publish::Merge { key, .. } => changes(key, &earlier, &unmarked(&published)?)?,
                Publish::ReplaceFrom { .. } => (total - common_rows(&earlier, &published)?, 0),
                Publish::Append { .. } | Publish::ReplaceBuckets { .. } => (staged_count, 0),
                Publish::RemoveRows { .. } => (0, 0),
                Publish::Replace { .. } => (there.num_rows() as u64, 0),
            };
            let marked = newly_marked(plan, &earlier, &published)?;
            let deleted = match &plan.publish {
                Publish::Merge { .. } => without(plan.key(), &earlier, &published)?.num_rows() as u64,
                Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } | Publish::RemoveRows { .. } => {
                    (before + inserted).saturating_sub(total)
                }
                Publish::Append { .. } | Publish::Replace { .. } => 0,
            };
            let committed = match &plan.publish {
                Publish::ReplaceBuckets { moves_checkpoint: false, .. } | Publish::RemoveRows { .. } => {
                    target.committed.take()
                }
                _ => Some(checkpoint),
            };
            let stream = target.stream.take();
            let epoch = target.epoch;
            *target = Target {
                stream,
                epoch,
                published: Some(published),
                committed,
                columns: Some(plan.known.clone()),
                ..Target::default()
            };
            Ok(Committed { inserted, updated, deleted, marked, total: Some(total), ..Committed::default() })
        })
    }
}

#[async_trait]
impl Audit for MemoryDestination {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        audit::summarize(plan, &self.audited(plan), by_target)
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        audit::mark_rows(plan, &self.audited(plan), buckets, by_target)
    }
}

fn by_target(column: &PlannedColumn) -> &str {
    &column.target
}

impl Target {
    fn staged(&self) -> Staged {
        Staged {
            durable_row_count: self.staged_checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.row_count),
        }
    }
}

/// What readers see after `staged` has been published, and the staged rows that are there at the source.
fn publish(
    plan: &StreamPlan,
    earlier: &RecordBatch,
    staged: &RecordBatch,
) -> Result<(RecordBatch, RecordBatch)> {
    let (there, flagged) = split(plan, staged)?;
    let together = |parts: &[&RecordBatch]| {
        concat_batches(&target_schema(plan), parts.iter().copied()).map_err(arrow_failed)
    };
    let live = |rows: &RecordBatch| Ok::<_, Error>(unmarked(rows)?.num_rows() as u64);
    let published = match &plan.publish {
        Publish::Replace { key, max_shrink_percent }
            if key.is_empty() || plan.deletes.policy == DeletePolicy::Delete =>
        {
            let (before, after) = (earlier.num_rows() as u64, there.num_rows() as u64);
            refuse_shrinking(&plan.target, before, after, *max_shrink_percent)?;
            there.clone()
        }
        Publish::Replace { key, .. } => {
            let gone = together(&[&flagged, &without(key, &without(key, earlier, &there)?, &flagged)?])?;
            together(&[&there, &left_of(plan, &gone, earlier)?])?
        }
        Publish::Append { .. } => together(&[earlier, &there])?,
        Publish::ReplaceBuckets { filter, key, .. } => {
            let kept = audit::in_buckets(plan, filter, earlier, by_target, false)?;
            let kept = if key.is_empty() { kept } else { without(key, &kept, &there)? };
            let replaced = audit::in_buckets(plan, filter, earlier, by_target, true)?;
            let gone = if key.is_empty() { replaced.slice(0, 0) } else { without(key, &replaced, &there)? };
            together(&[&kept, &there, &left_of(plan, &gone, earlier)?])?
        }
        Publish::RemoveRows { gone, max_shrink_percent, key } => {
            let kept = audit::without_keys(plan, gone, earlier, by_target)?;
            let left = left_of(plan, &without(key, earlier, &kept)?, earlier)?;
            let published = together(&[&kept, &left])?;
            refuse_shrinking(&plan.target, live(earlier)?, live(&published)?, *max_shrink_percent)?;
            published
        }
        Publish::Merge { key, delete_flag } => {
            let kept = without(key, &merge(key, earlier, &there)?, &flagged)?;
            let merged = together(&[&kept, &left_of(plan, &flagged, earlier)?])?;
            without_flagged(merged, delete_flag.as_deref())?
        }
        Publish::ReplaceFrom { .. } => replace_from(plan, earlier, &there)?,
    };
    Ok((published, there))
}

/// Rows in the columns that the plan gives the target: NULL in those that are new.
fn in_columns_of(plan: &StreamPlan, rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = target_schema(plan);
    let columns = schema.fields().iter().map(|field| match rows.column_by_name(field.name()) {
        Some(column) => cast(column, field.data_type()).map_err(arrow_failed),
        None => Ok(new_null_array(field.data_type(), rows.num_rows())),
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_>>()?).map_err(arrow_failed)
}

fn refuse_repeated_keys(plan: &StreamPlan, rows: &RecordBatch) -> Result<()> {
    // An appended row may be a later version of one that is there; its key tells it from others of the same moment.
    if plan.key().is_empty() || matches!(plan.publish, Publish::Append { .. }) {
        return Ok(());
    }
    let keys = keys(plan.key(), rows)?;
    let mut distinct: Vec<&OwnedRow> = keys.iter().collect();
    distinct.sort();
    distinct.dedup();
    match keys.len() - distinct.len() {
        0 => Ok(()),
        repeated => Err(crate::guard::repeated_keys(&plan.stream, plan.key(), repeated as u64)),
    }
}

/// `published` without the rows whose key comes again, and then `staged`.
fn merge(key: &[String], published: &RecordBatch, staged: &RecordBatch) -> Result<RecordBatch> {
    let mut replaced: HashMap<OwnedRow, ()> = keys(key, staged)?.into_iter().map(|row| (row, ())).collect();
    let kept =
        keys(key, published)?.into_iter().enumerate().filter(|(_, row)| replaced.remove(row).is_none());
    let kept = UInt64Array::from_iter_values(kept.map(|(index, _)| index as u64));
    let kept = take_record_batch(published, &kept).map_err(arrow_failed)?;
    concat_batches(&staged.schema(), [&kept, staged]).map_err(arrow_failed)
}

/// `published` without the rows that the read behind `staged` would have given before, and then `staged`.
fn replace_from(plan: &StreamPlan, published: &RecordBatch, staged: &RecordBatch) -> Result<RecordBatch> {
    let (Publish::ReplaceFrom { cursor, from, with_nulls }, ReadPlan::ByCursor { cursor_type, .. }) =
        (&plan.publish, &plan.read)
    else {
        return Err(Error::internal("rows are replaced from a cursor value on, and there is no cursor"));
    };
    let column = published
        .column_by_name(cursor)
        .ok_or_else(|| Error::internal("the cursor column is missing from the rows"))?;
    let is_replaced = |row| {
        if column.is_null(row) {
            Ok(*with_nulls)
        } else {
            is_at_or_after(cursor_type, &column.slice(row, 1), from.as_deref())
        }
    };
    let kept: Vec<bool> = (0..column.len())
        .map(|row| is_replaced(row).map(|is_replaced| !is_replaced))
        .collect::<Result<_>>()?;
    let kept = filter_record_batch(published, &BooleanArray::from(kept)).map_err(arrow_failed)?;
    concat_batches(&staged.schema(), [&kept, staged]).map_err(arrow_failed)
}

/// How many rows are in both, a row that comes twice counted as two.
fn common_rows(before: &RecordBatch, after: &RecordBatch) -> Result<u64> {
    let every_column: Vec<String> =
        after.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut known: HashMap<OwnedRow, u64> = HashMap::new();
    for row in keys(&every_column, before)? {
        *known.entry(row).or_default() += 1;
    }
    let mut common = 0;
    for row in keys(&every_column, after)? {
        if let Some(count) = known.get_mut(&row).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    Ok(common)
}

/// The rows that are not flagged as removed.
fn without_flagged(rows: RecordBatch, delete_flag: Option<&str>) -> Result<RecordBatch> {
    let Some(delete_flag) = delete_flag else { return Ok(rows) };
    let flags = rows
        .column_by_name(delete_flag)
        .and_then(|column| column.as_boolean_opt())
        .ok_or_else(|| Error::internal("the delete flag is missing from the rows"))?;
    let keep: BooleanArray = flags.iter().map(|flag| Some(flag != Some(true))).collect();
    filter_record_batch(&rows, &keep).map_err(arrow_failed)
}

/// How many rows are new by key, and how many differ from the one with the same key before.
fn changes(key: &[String], before: &RecordBatch, after: &RecordBatch) -> Result<(u64, u64)> {
    let every_column: Vec<String> =
        after.schema().fields().iter().map(|field| field.name().clone()).collect();
    let known: HashMap<OwnedRow, OwnedRow> =
        keys(key, before)?.into_iter().zip(keys(&every_column, before)?).collect();
    let (mut inserted, mut updated) = (0, 0);
    for (key, row) in keys(key, after)?.into_iter().zip(keys(&every_column, after)?) {
        match known.get(&key) {
            None => inserted += 1,
            Some(known) if *known != row => updated += 1,
            Some(_) => {}
        }
    }
    Ok((inserted, updated))
}

pub(super) fn keys(key: &[String], rows: &RecordBatch) -> Result<Vec<OwnedRow>> {
    let columns: Vec<_> = key
        .iter()
        .map(|name| rows.column_by_name(name).map(Arc::clone))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::internal("a key column is missing from the rows"))?;
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(arrow_failed)?;
    let rows = converter.convert_columns(&columns).map_err(arrow_failed)?;
    Ok(rows.iter().map(|row| row.owned()).collect())
}

pub(super) fn arrow_failed(error: arrow_schema::ArrowError) -> Error {
    Error::internal("rows could not be put together").with_source(error)
}
