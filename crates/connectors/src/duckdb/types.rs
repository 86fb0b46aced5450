//! How each logical type is stored in DuckDB, and what must be done to rows on the way.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use model::{Error, LogicalType, PlannedColumn, Result, VectorElement, offset_column_name};

/// The columns, as name and DuckDB type, that store a planned column.
pub(crate) fn stored_columns(column: &PlannedColumn) -> Vec<(String, String)> {
    let mut stored = vec![(column.target.clone(), stored_type(&column.logical_type))];
    if matches!(column.logical_type, LogicalType::TimestampOffset { .. }) {
        stored.push((offset_column_name(&column.target), "SMALLINT".to_owned()));
    }
    stored
}

/// The DuckDB type that holds every value of `logical_type` without loss.
///
/// DuckDB's `TIMESTAMP WITH TIME ZONE` ends at microseconds, so an instant with nanoseconds is stored as
/// `TIMESTAMP_NS` in UTC. JSON is stored as text as it came: Snowflake's `undefined` is not JSON to DuckDB.
pub(super) fn stored_type(logical_type: &LogicalType) -> String {
    match logical_type {
        LogicalType::Bool => "BOOLEAN".to_owned(),
        LogicalType::Int64 | LogicalType::IntervalMonths | LogicalType::IntervalNanoseconds => {
            "BIGINT".to_owned()
        }
        LogicalType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        LogicalType::Float64 => "DOUBLE".to_owned(),
        LogicalType::Decfloat | LogicalType::Text | LogicalType::Json | LogicalType::Geo => {
            "VARCHAR".to_owned()
        }
        LogicalType::Binary => "BLOB".to_owned(),
        LogicalType::Date => "DATE".to_owned(),
        LogicalType::Time { scale } => if *scale > 6 { "TIME_NS" } else { "TIME" }.to_owned(),
        LogicalType::Timestamp { .. } => match logical_type.arrow_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, _) => "TIMESTAMP_NS".to_owned(),
            _ => "TIMESTAMP".to_owned(),
        },
        LogicalType::TimestampUtc { .. } | LogicalType::TimestampOffset { .. } => {
            match logical_type.arrow_type() {
                DataType::Timestamp(TimeUnit::Nanosecond, _) => "TIMESTAMP_NS".to_owned(),
                _ => "TIMESTAMP WITH TIME ZONE".to_owned(),
            }
        }
        LogicalType::Vector { element: VectorElement::Int, dimension } => format!("INTEGER[{dimension}]"),
        LogicalType::Vector { element: VectorElement::Float, dimension } => format!("FLOAT[{dimension}]"),
    }
}

/// Rows as DuckDB takes them without loss. Its appender cuts two Arrow types to microseconds: an instant in nanoseconds
/// with a zone mark, which therefore loses the mark, and a time of day in nanoseconds, which therefore goes as text.
pub(crate) fn storable(rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = rows.schema();
    let mut fields: Vec<Arc<Field>> = Vec::with_capacity(schema.fields().len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        let column = match field.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => without_zone(column)?,
            DataType::Time64(TimeUnit::Nanosecond) => retyped(column, &DataType::Utf8)?,
            _ => Arc::clone(column),
        };
        fields.push(Arc::new(Field::new(field.name(), column.data_type().clone(), true)));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::internal("rows could not be made storable").with_source(error))
}

/// The same numbers under another type; no value is touched.
fn without_zone(column: &ArrayRef) -> Result<ArrayRef> {
    let numbers = retyped(column, &DataType::Int64)?;
    retyped(&numbers, &DataType::Timestamp(TimeUnit::Nanosecond, None))
}

fn retyped(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    cast(column, data_type)
        .map_err(|error| Error::internal("a column could not be retyped").with_source(error))
}
