//! Snowflake's physical columns as the values that they stand for, with nothing but Arrow's own means.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, TimestampNanosecondArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema};

/// Digits of a `NUMBER` up to which its values are `i64`.
const INT64_PRECISION_MAX: u8 = 18;
const NANOSECONDS: i64 = 1_000_000_000;
const NANOSECOND_DIGITS: u32 = 9;

/// The same rows in types that do not change from chunk to chunk.
pub(super) fn converted(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let columns: Vec<ArrayRef> =
        schema.fields().iter().zip(batch.columns()).map(|(field, column)| value(field, column)).collect();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("as many rows in every column")
}

fn value(field: &Field, column: &ArrayRef) -> ArrayRef {
    let is = |name| field.metadata().get("logicalType").is_some_and(|logical| logical == name);
    let scale = || digits(field, "scale");
    if is("FIXED") {
        number(column, digits(field, "precision"), scale())
    } else if is("TIMESTAMP_NTZ") {
        timestamp(column, scale())
    } else {
        Arc::clone(column)
    }
}

fn digits(field: &Field, name: &str) -> u8 {
    field.metadata().get(name).and_then(|digits| digits.parse().ok()).expect("the column says its digits")
}

fn number(column: &ArrayRef, precision: u8, scale: u8) -> ArrayRef {
    let decimals = || -> Decimal128Array {
        match column.data_type() {
            DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().clone(),
            _ => integers(column).unary(i128::from),
        }
    };
    if scale == 0 && precision <= INT64_PRECISION_MAX {
        return Arc::new(integers(column));
    }
    let scale = i8::try_from(scale).expect("no more digits than Snowflake has");
    Arc::new(decimals().with_precision_and_scale(precision, scale).expect("digits that Arrow has"))
}

fn integers(column: &ArrayRef) -> Int64Array {
    cast(column, &DataType::Int64).expect("a column of integers").as_primitive::<Int64Type>().clone()
}

/// Seconds with their fraction in a column beside them, or both in one number.
fn timestamp(column: &ArrayRef, scale: u8) -> ArrayRef {
    let Some(parts) = column.as_struct_opt() else {
        let factor = 10_i64.pow(NANOSECOND_DIGITS - u32::from(scale));
        let values: TimestampNanosecondArray = integers(column).unary(|count| count * factor);
        return Arc::new(values);
    };
    let seconds = parts.column(0).as_primitive::<Int64Type>();
    let fractions = parts.column(1).as_primitive::<Int32Type>();
    let values = seconds.values().iter().zip(fractions.values());
    let values = values.map(|(seconds, fraction)| seconds * NANOSECONDS + i64::from(*fraction)).collect();
    Arc::new(TimestampNanosecondArray::new(values, parts.nulls().cloned()))
}
