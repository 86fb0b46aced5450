//! The canonical text of a value, as `types.json` has it, from what the client decoded.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int64Type, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::{Date, DateTime};
use jiff::{Span, ToSpan};

/// The text of the first column in this row; an offset is the second column.
pub(super) fn text_of(ty: &str, batch: &RecordBatch, row: usize) -> Option<String> {
    let column = batch.column(0);
    if column.is_null(row) {
        return None;
    }
    let text = match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => {
            column.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02X}")).collect()
        }
        DataType::Date32 => day(column.as_primitive::<Date32Type>().value(row)).to_string(),
        DataType::Time64(unit) => {
            let nanoseconds = match unit {
                TimeUnit::Microsecond => column.as_primitive::<Time64MicrosecondType>().value(row) * 1_000,
                _ => column.as_primitive::<Time64NanosecondType>().value(row),
            };
            let midnight = DateTime::default();
            format!("{:.9}", (midnight + nanoseconds.nanoseconds()).time())
        }
        DataType::Timestamp(unit, _) => {
            let offset = if ty.starts_with("TIMESTAMP_TZ") { Some(offset_minutes(batch, row)) } else { None };
            let moment = moment(column.as_ref(), *unit, row) + Span::new().minutes(offset.unwrap_or(0));
            offset.map_or_else(
                || plain(moment),
                |minutes| format!("{} {}", plain(moment), clock_offset(minutes)),
            )
        }
        other => panic!("no text for {other}"),
    };
    Some(canonical(ty, &text))
}

/// Numbers and documents that mean the same have the same text.
pub(super) fn canonical(ty: &str, text: &str) -> String {
    match ty {
        "FLOAT" => format!("{:?}", text.parse::<f64>().expect("a double")),
        "VARIANT" | "OBJECT" | "ARRAY" => {
            let document: serde_json::Value = serde_json::from_str(text).expect("a JSON document");
            document.to_string()
        }
        _ => text.to_owned(),
    }
}

/// What is left of a timestamp that is read as microseconds.
pub(super) fn cut_to_microseconds(text: &str) -> String {
    let (seconds, rest) = text.split_once('.').expect("a timestamp has a fraction");
    format!("{seconds}.{}000{}", &rest[..6], &rest[9..])
}

fn day(days: i32) -> Date {
    Date::constant(1970, 1, 1) + days.days()
}

fn moment(column: &dyn Array, unit: TimeUnit, row: usize) -> DateTime {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    match unit {
        TimeUnit::Microsecond => {
            epoch + column.as_primitive::<TimestampMicrosecondType>().value(row).microseconds()
        }
        TimeUnit::Nanosecond => {
            epoch + column.as_primitive::<TimestampNanosecondType>().value(row).nanoseconds()
        }
        other => panic!("a timestamp in {other:?}"),
    }
}

fn plain(moment: DateTime) -> String {
    format!("{} {:.9}", moment.date(), moment.time())
}

fn offset_minutes(batch: &RecordBatch, row: usize) -> i64 {
    assert_eq!(batch.schema().field(1).name(), "V__offset_minutes");
    i64::from(batch.column(1).as_primitive::<Int16Type>().value(row))
}

fn clock_offset(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
