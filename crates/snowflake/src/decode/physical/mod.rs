//! From the physical types of one batch to the logical types of the result.

mod number;
mod plain;
mod range;
mod time;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};

use crate::column::{Column, ColumnType};
use crate::decode::layout::{ColumnLayout, Layout};
use crate::error::{Error, ErrorKind, Result};

/// Gives `batch`, whatever integers and structs its chunk chose, the schema of the result. `lost` has one counter per
/// column.
pub(crate) fn to_logical(layout: &Layout, batch: &RecordBatch, lost: &mut [u64]) -> Result<RecordBatch> {
    let mut arrays = Vec::with_capacity(layout.schema.fields().len());
    for ((column, array), lost) in layout.columns.iter().zip(batch.columns()).zip(lost) {
        let array = unpacked(&column.column, array)?;
        match column.column.ty {
            ColumnType::TimestampNtz { scale }
            | ColumnType::TimestampLtz { scale }
            | ColumnType::TimestampTz { scale } => {
                arrays.extend(time::timestamp(column, scale, &array, lost)?);
            }
            _ => arrays.push(single(column, &array)?),
        }
    }
    RecordBatch::try_new(Arc::clone(&layout.schema), arrays).map_err(|error| {
        Error::new(ErrorKind::Internal, "decoded columns do not fit together").with_source(error)
    })
}

/// Compares a chunk's own description with that of the result.
pub(crate) fn check_schema(layout: &Layout, schema: &Schema) -> Result<()> {
    if schema.fields().len() != layout.columns.len() {
        let message = "a chunk has another number of columns than the result";
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    for (column, field) in layout.columns.iter().zip(schema.fields()) {
        let scale = field.metadata().get("scale").and_then(|scale| scale.parse::<u8>().ok());
        let described = match column.column.ty {
            ColumnType::Fixed { scale, .. }
            | ColumnType::Time { scale }
            | ColumnType::TimestampNtz { scale }
            | ColumnType::TimestampLtz { scale }
            | ColumnType::TimestampTz { scale } => scale,
            _ => continue,
        };
        if scale.is_some_and(|scale| scale != described) {
            return Err(column.column.wire_error("a chunk gives the column another scale than the result"));
        }
    }
    Ok(())
}

fn single(layout: &ColumnLayout, array: &ArrayRef) -> Result<ArrayRef> {
    let column = &layout.column;
    match column.ty {
        ColumnType::Fixed { precision, .. } => number::fixed(column, precision, &layout.data_type(), array),
        ColumnType::Float => plain::float(column, array),
        ColumnType::Decfloat => plain::decfloat(column, array),
        ColumnType::Binary { .. } => plain::binary(column, array),
        ColumnType::Boolean => plain::boolean(column, array),
        ColumnType::Date => plain::date(column, array),
        ColumnType::Time { scale } => time::time(layout, scale, array),
        ColumnType::Vector { element, dimension } => plain::vector(column, element, dimension, array),
        ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => {
            Ok(Arc::new(number::int64(column, array)?))
        }
        ColumnType::Text { .. }
        | ColumnType::Variant
        | ColumnType::Object
        | ColumnType::Array
        | ColumnType::Map
        | ColumnType::Geography
        | ColumnType::Geometry => plain::text(column, array),
        ColumnType::TimestampNtz { .. }
        | ColumnType::TimestampLtz { .. }
        | ColumnType::TimestampTz { .. } => {
            unreachable!("timestamps have more than one array")
        }
    }
}

/// Replaces dictionaries, views and large offsets, which no Snowflake sends today, by their plain form.
fn unpacked(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    let plain = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        _ => return Ok(Arc::clone(array)),
    };
    arrow_cast::cast(array, &plain)
        .map_err(|error| column.wire_error("the values cannot be unpacked").with_source(error))
}

fn unexpected(column: &Column, physical: &DataType) -> Error {
    column.wire_error(&format!("the values are sent as {physical}, which does not belong to this type"))
}
