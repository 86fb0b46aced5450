//! Sums and marks of rows in memory. Lowest and highest values and sums are left out: hashes say all that a test asks.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use model::{
    AuditCost, AuditPlan, Audited, BucketFilter, BucketSummary, ColumnSummary, Error, PlannedColumn, Result,
    RowMark, StreamPlan,
};

use crate::audit::row_marks;

/// What a column is called in the rows of one side.
pub(super) type NameOf = fn(&PlannedColumn) -> &str;

/// Sums up the buckets of `rows`.
pub(super) fn summarize(
    plan: &AuditPlan,
    rows: &[RecordBatch],
    name_of: NameOf,
) -> Result<Audited<Vec<BucketSummary>>> {
    let columns = plan.summarized_columns();
    let mut buckets: BTreeMap<u32, BucketSummary> = BTreeMap::new();
    for rows in rows {
        for (row, mark) in all_marks(plan, rows, name_of)?.into_iter().enumerate() {
            let summary = buckets.entry(mark.bucket).or_insert_with(|| BucketSummary {
                bucket: mark.bucket,
                row_count: 0,
                checksum: 0,
                columns: vec![ColumnSummary::default(); columns.len()],
            });
            summary.row_count += 1;
            summary.checksum += u128::from(mark.row);
            for (column, summary) in columns.iter().zip(&mut summary.columns) {
                let is_value =
                    rows.column_by_name(name_of(column)).is_some_and(|values| values.is_valid(row));
                summary.value_count += u64::from(is_value);
            }
        }
    }
    Ok(audited(buckets.into_values().collect()))
}

/// Marks the rows of some buckets.
pub(super) fn mark_rows(
    plan: &AuditPlan,
    rows: &[RecordBatch],
    buckets: &[u32],
    name_of: NameOf,
) -> Result<Audited<Vec<RowMark>>> {
    let mut marks = Vec::new();
    for rows in rows {
        marks.extend(
            all_marks(plan, rows, name_of)?.into_iter().filter(|mark| buckets.contains(&mark.bucket)),
        );
    }
    Ok(audited(marks))
}

/// The rows that are in these buckets, or those that are not.
pub(super) fn in_buckets(
    plan: &StreamPlan,
    filter: &BucketFilter,
    rows: &RecordBatch,
    name_of: NameOf,
    is_wanted: bool,
) -> Result<RecordBatch> {
    let marks = row_marks(plan, filter.bucket_count, false, rows, name_of)?;
    let keep: BooleanArray =
        marks.iter().map(|mark| Some(filter.buckets.contains(&mark.bucket) == is_wanted)).collect();
    filter_record_batch(rows, &keep).map_err(not_filtered)
}

/// The rows whose keys have none of these MD5s.
pub(super) fn without_keys(
    plan: &StreamPlan,
    gone: &[u128],
    rows: &RecordBatch,
    name_of: NameOf,
) -> Result<RecordBatch> {
    let marks = row_marks(plan, NonZeroU32::MIN, true, rows, name_of)?;
    let keep: BooleanArray = marks.iter().map(|mark| Some(!gone.contains(&mark.key))).collect();
    filter_record_batch(rows, &keep).map_err(not_filtered)
}

/// The rows that have a value in this column.
pub(super) fn with_value(rows: &RecordBatch, column: Option<&str>) -> Result<RecordBatch> {
    let Some(values) = column.and_then(|column| rows.column_by_name(column)) else { return Ok(rows.clone()) };
    let keep: BooleanArray = (0..rows.num_rows()).map(|row| Some(values.is_valid(row))).collect();
    filter_record_batch(rows, &keep).map_err(not_filtered)
}

fn all_marks(plan: &AuditPlan, rows: &RecordBatch, name_of: NameOf) -> Result<Vec<RowMark>> {
    row_marks(&plan.stream, plan.bucket_count, plan.is_keys_only, rows, name_of)
}

fn audited<T>(found: Vec<T>) -> Audited<Vec<T>> {
    let cost = AuditCost { statements: 1, row_count: found.len() as u64, ..AuditCost::default() };
    Audited { found, cost }
}

fn not_filtered(error: arrow_schema::ArrowError) -> Error {
    Error::internal("rows could not be filtered").with_source(error)
}
