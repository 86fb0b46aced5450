//! Values as text that is the same for equal values, whatever type they travel in.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use serde_json::value::RawValue;
use snowflake::ColumnType;

const NANOSECONDS_PER_DAY: i128 = 86_400_000_000_000;

/// The value of a row, as it compares in a column of this type. The second array has its offset in minutes.
pub(super) fn comparable(arrays: &[ArrayRef], row: usize, column_type: ColumnType) -> Option<String> {
    let values = &arrays[0];
    if values.is_null(row) {
        return None;
    }
    let text = plain(values, row, column_type);
    if !matches!(column_type, ColumnType::TimestampTz { .. }) {
        return Some(text);
    }
    let offset = arrays.get(1).map_or(0, |offsets| offsets.as_primitive::<Int16Type>().value(row));
    Some(format!("{text} at {offset}"))
}

fn plain(values: &ArrayRef, row: usize, column_type: ColumnType) -> String {
    match values.data_type() {
        DataType::Boolean => values.as_boolean().value(row).to_string(),
        DataType::Int64 => whole(values.as_primitive::<Int64Type>().value(row), column_type),
        DataType::Decimal128(_, scale) => {
            let unscaled = values.as_primitive::<Decimal128Type>().value(row);
            number(&format!("{unscaled}e-{scale}"))
        }
        DataType::Float64 => double(values.as_primitive::<Float64Type>().value(row), column_type),
        DataType::Binary => format!("{:02x?}", values.as_binary::<i32>().value(row)),
        DataType::Utf8 => text(values.as_string::<i32>().value(row), column_type),
        DataType::FixedSizeList(_, _) => elements(&values.as_fixed_size_list().value(row)),
        _ => format!("{} ns", nanoseconds(values, row)),
    }
}

/// A whole number that a `FLOAT` holds exactly is written as the double that it becomes there.
fn whole(value: i64, column_type: ColumnType) -> String {
    let float = value as f64;
    match column_type {
        ColumnType::Float if float as i128 == i128::from(value) => number(&float.to_string()),
        _ => number(&value.to_string()),
    }
}

/// In a `FLOAT` a double is its shortest decimal; elsewhere a whole one is what it is to the last digit.
fn double(value: f64, column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Fixed { .. } if value.fract() == 0.0 => number(&format!("{value:.0}")),
        _ => number(&value.to_string()),
    }
}

fn text(text: &str, column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Decfloat => number(text),
        ColumnType::Variant
        | ColumnType::Object
        | ColumnType::Array
        | ColumnType::Geography
        | ColumnType::Geometry => json(text),
        _ => text.to_owned(),
    }
}

/// Nanoseconds since 1970 or midnight.
pub(super) fn nanoseconds(values: &ArrayRef, row: usize) -> i128 {
    match values.data_type() {
        DataType::Date32 => i128::from(values.as_primitive::<Date32Type>().value(row)) * NANOSECONDS_PER_DAY,
        DataType::Time64(TimeUnit::Microsecond) => {
            i128::from(values.as_primitive::<Time64MicrosecondType>().value(row)) * 1_000
        }
        DataType::Time64(_) => values.as_primitive::<Time64NanosecondType>().value(row).into(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            i128::from(values.as_primitive::<TimestampMicrosecondType>().value(row)) * 1_000
        }
        DataType::Timestamp(_, _) => values.as_primitive::<TimestampNanosecondType>().value(row).into(),
        other => panic!("{other} is not compared"),
    }
}

fn elements(elements: &ArrayRef) -> String {
    let numbers: Vec<String> = (0..elements.len())
        .map(|index| match elements.data_type() {
            DataType::Int32 => elements.as_primitive::<Int32Type>().value(index).to_string(),
            _ => elements.as_primitive::<Float32Type>().value(index).to_string(),
        })
        .map(|text| number(&text))
        .collect();
    format!("[{}]", numbers.join(","))
}

/// A number as its significant digits and the exponent of the last of them.
fn number(text: &str) -> String {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let lower = unsigned.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i64>() else { return text.to_owned() };
    if !mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return text.to_owned();
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let exponent = exponent - fraction.len() as i64 + trailing as i64;
    format!("{sign}{significant}e{exponent}")
}

/// JSON without white space, with sorted keys and comparable numbers; other text as it is.
fn json(text: &str) -> String {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
            Ok(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{key:?}:{}", json(value.get())));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
            Err(_) => text.to_owned(),
        },
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(text) {
            Ok(elements) => {
                let elements = elements.iter().map(|element| json(element.get()));
                format!("[{}]", elements.collect::<Vec<_>>().join(","))
            }
            Err(_) => text.to_owned(),
        },
        Some(b'"') => {
            serde_json::from_str::<String>(text).map_or_else(|_| text.to_owned(), |text| format!("{text:?}"))
        }
        Some(b'-' | b'0'..=b'9') => number(text.trim()),
        _ => text.trim().to_owned(),
    }
}
