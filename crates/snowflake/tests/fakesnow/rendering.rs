//! Rows as one text each, in a form that a Python script can write as well.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

/// A JSON array of texts and nulls for each row.
pub(super) fn rows_of(batch: &RecordBatch) -> Vec<String> {
    let row = |row| batch.columns().iter().map(|column| text(column.as_ref(), row)).collect::<Vec<_>>();
    (0..batch.num_rows()).map(|index| serde_json::to_string(&row(index)).unwrap()).collect()
}

/// Doubles as their bits, times and timestamps as microseconds, dates as days, bytes as hexadecimal.
fn text(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Float64 => double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => {
            column.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}")).collect()
        }
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Time64(TimeUnit::Microsecond) => {
            column.as_primitive::<Time64MicrosecondType>().value(row).to_string()
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            microseconds(column.as_primitive::<Time64NanosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            microseconds(column.as_primitive::<TimestampNanosecondType>().value(row))
        }
        other => panic!("no text for {other}"),
    })
}

fn double(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{:016x}", value.to_bits()) }
}

fn microseconds(nanoseconds: i64) -> String {
    assert_eq!(nanoseconds % 1_000, 0, "fakesnow knows no nanoseconds");
    (nanoseconds / 1_000).to_string()
}
