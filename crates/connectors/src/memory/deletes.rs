//! Rows that are deleted at the source, in memory: which of the staged ones say so, and what is left of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow_row::OwnedRow;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::filter::filter_record_batch;
use model::{DELETE_FLAG, DELETED_AT, DeletePolicy, Error, Result, StreamPlan};

use super::destination::{arrow_failed, keys};

const MARK: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The columns of a target: those of the plan, and the one for marks.
pub(super) fn target_schema(plan: &StreamPlan) -> SchemaRef {
    let columns = plan.column_schema();
    if !plan.marks_deleted() {
        return columns;
    }
    let mark = Arc::new(Field::new(DELETED_AT, MARK, true));
    Arc::new(Schema::new(columns.fields().iter().cloned().chain([mark]).collect::<Vec<_>>()))
}

/// The staged rows as the target has them: those that are there, and those that are flagged as deleted.
pub(super) fn split(plan: &StreamPlan, staged: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
    let flags: BooleanArray =
        match staged.column_by_name(DELETE_FLAG).and_then(|flags| flags.as_boolean_opt()) {
            Some(flags) => flags.iter().map(|flag| Some(flag == Some(true))).collect(),
            None => vec![false; staged.num_rows()].into(),
        };
    let schema = target_schema(plan);
    let column_count = plan.column_schema().fields().len();
    let mut columns: Vec<ArrayRef> = staged.columns()[..column_count].to_vec();
    if schema.fields().len() > column_count {
        columns.push(new_null_array(&MARK, staged.num_rows()));
    }
    let rows = RecordBatch::try_new(schema, columns).map_err(arrow_failed)?;
    let is_there: BooleanArray = flags.iter().map(|flag| flag.map(|flag| !flag)).collect();
    let there = filter_record_batch(&rows, &is_there).map_err(arrow_failed)?;
    Ok((there, filter_record_batch(&rows, &flags).map_err(arrow_failed)?))
}

/// What is left of rows that are gone at the source. Those that `earlier` has with a mark keep it.
pub(super) fn left_of(plan: &StreamPlan, gone: &RecordBatch, earlier: &RecordBatch) -> Result<RecordBatch> {
    match plan.deletes.policy {
        DeletePolicy::Delete => return Ok(gone.slice(0, 0)),
        DeletePolicy::Keep => return Ok(gone.clone()),
        DeletePolicy::Mark => {}
    }
    let known: HashMap<OwnedRow, Option<i64>> =
        keys(plan.key(), earlier)?.into_iter().zip(marks(earlier)?).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mark = |key| Some(known.get(&key).copied().flatten().unwrap_or(now));
    let values: TimestampMicrosecondArray = keys(plan.key(), gone)?.into_iter().map(mark).collect();
    let mut columns = gone.columns().to_vec();
    columns.pop();
    columns.push(Arc::new(values));
    RecordBatch::try_new(gone.schema(), columns).map_err(arrow_failed)
}

/// The rows whose keys are not among those of `others`.
pub(super) fn without(key: &[String], rows: &RecordBatch, others: &RecordBatch) -> Result<RecordBatch> {
    let others: HashMap<OwnedRow, ()> = keys(key, others)?.into_iter().map(|key| (key, ())).collect();
    let keep: BooleanArray = keys(key, rows)?.iter().map(|key| Some(!others.contains_key(key))).collect();
    filter_record_batch(rows, &keep).map_err(arrow_failed)
}

/// The rows that have no mark.
pub(super) fn unmarked(rows: &RecordBatch) -> Result<RecordBatch> {
    let keep: BooleanArray = marks(rows)?.iter().map(|mark| Some(mark.is_none())).collect();
    filter_record_batch(rows, &keep).map_err(arrow_failed)
}

/// How many rows have a mark that they did not have before.
pub(super) fn newly_marked(plan: &StreamPlan, before: &RecordBatch, after: &RecordBatch) -> Result<u64> {
    if !plan.marks_deleted() {
        return Ok(0);
    }
    let known: HashMap<OwnedRow, Option<i64>> =
        keys(plan.key(), before)?.into_iter().zip(marks(before)?).collect();
    let after = keys(plan.key(), after)?.into_iter().zip(marks(after)?);
    let newly = after.filter(|(key, mark)| mark.is_some() && !matches!(known.get(key), Some(Some(_))));
    Ok(newly.count() as u64)
}

fn marks(rows: &RecordBatch) -> Result<Vec<Option<i64>>> {
    let Some(marks) = rows.column_by_name(DELETED_AT).filter(|column| *column.data_type() == MARK) else {
        return Ok(vec![None; rows.num_rows()]);
    };
    let marks = marks
        .as_any()
        .downcast_ref::<TimestampMicrosecondArray>()
        .ok_or_else(|| Error::internal("marks of deleted rows are no times"))?;
    Ok(marks.iter().collect())
}
