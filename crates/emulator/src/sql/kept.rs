//! Results of earlier statements, put where RESULT_SCAN can read them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema};

use super::error::{from_duckdb, internal, unsupported};
use super::physical::{duckdb_type, is_nanoseconds};
use super::run::execute_all;
use super::session::SqlSession;
use crate::outcome::{Rows, SnowType, SqlError};

/// Loads every result whose id stands in the text, and the last one where LAST_QUERY_ID does.
pub(crate) fn load_all(session: &mut SqlSession, text: &str) -> Result<(), SqlError> {
    let ids = session.state.query_ids.clone();
    let earlier = &ids[..ids.len().saturating_sub(1)];
    let named = earlier.iter().filter(|id| text.contains(id.as_str()));
    let by_place = if text.to_uppercase().contains("LAST_QUERY_ID") { earlier } else { &[] };
    // LAST_QUERY_ID(-n) reaches back; what is no longer kept is only an error where it is read.
    let near = by_place.iter().rev().take(10);
    let wanted: std::collections::BTreeSet<String> = named.chain(near).cloned().collect();
    for id in wanted {
        if let Ok(rows) = session.results.rows(&id) {
            load(session, &id, rows)?;
        }
    }
    Ok(())
}

fn load(session: &mut SqlSession, id: &str, rows: Rows) -> Result<(), SqlError> {
    let table = format!("kept{}", session.database.take_id());
    let columns: Vec<String> = rows
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| format!("c{} {}", place + 1, duckdb_type(&column.ty)))
        .collect();
    execute_all(&session.connection, &format!("CREATE TEMPORARY TABLE {table}({})", columns.join(", ")))?;
    let mut appender = session.connection.appender(&table).map_err(|failure| from_duckdb(&failure))?;
    for batch in rows.batches {
        let batch = physical(&batch?, &rows.columns)?;
        appender.append_record_batch(batch).map_err(|failure| from_duckdb(&failure))?;
    }
    appender.flush().map_err(|failure| from_duckdb(&failure))?;
    drop(appender);
    session.state.kept_results.insert(id.to_owned(), (table, rows.columns));
    Ok(())
}

/// Canonical arrays as DuckDB's types.
fn physical(batch: &RecordBatch, columns: &[crate::outcome::Column]) -> Result<RecordBatch, SqlError> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (column, array) in columns.iter().zip(batch.columns()) {
        let array = match &column.ty {
            SnowType::TimestampNtz { scale } | SnowType::TimestampLtz { scale } => moments(array, *scale)?,
            SnowType::Time { .. } => arrow_cast::cast(array, &DataType::Int64).map_err(internal)?,
            SnowType::TimestampTz { .. } | SnowType::Vector { .. } => {
                return Err(unsupported(format!(
                    "RESULT_SCAN of a result with a column of type {:?}",
                    column.ty
                )));
            }
            _ => Arc::clone(array),
        };
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
}

fn moments(array: &ArrayRef, scale: u8) -> Result<ArrayRef, SqlError> {
    let parts = array.as_struct();
    let (seconds, fractions) =
        (parts.column(0).as_primitive::<Int64Type>(), parts.column(1).as_primitive::<Int32Type>());
    let per_second: i64 = if is_nanoseconds(scale) { 1_000_000_000 } else { 1_000_000 };
    let unit = 1_000_000_000 / per_second;
    let values = seconds
        .values()
        .iter()
        .zip(fractions.values())
        .map(|(seconds, fraction)| seconds * per_second + i64::from(*fraction) / unit);
    let values: Vec<i64> = values.collect();
    let nulls = parts.nulls().cloned();
    Ok(if is_nanoseconds(scale) {
        Arc::new(arrow_array::TimestampNanosecondArray::new(values.into(), nulls))
    } else {
        Arc::new(TimestampMicrosecondArray::new(values.into(), nulls))
    })
}
