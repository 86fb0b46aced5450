//! Rows as JSON: every cell is a string or null.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, Time64NanosecondType,
};
use arrow_array::{Array, ArrayRef};

use super::cut::Piece;
use super::internal;
use crate::outcome::{Column, SnowType, SqlError, VectorElement};

const NANOSECONDS: i128 = 1_000_000_000;
/// Beyond these decimal exponents a REAL is written with an exponent.
const PLAIN_EXPONENTS: std::ops::Range<i32> = -5..15;

/// Appends the rows, comma-separated, without outer brackets.
pub(super) fn write(columns: &[Column], piece: &Piece, text: &mut String) -> Result<(), SqlError> {
    let mut is_first = true;
    let mut cell = String::new();
    for batch in &piece.batches {
        check_types(columns, batch.columns())?;
        for row in 0..batch.num_rows() {
            text.push_str(if is_first { "[" } else { ",[" });
            is_first = false;
            for (index, (column, array)) in columns.iter().zip(batch.columns()).enumerate() {
                if index > 0 {
                    text.push(',');
                }
                if array.is_null(row) {
                    text.push_str("null");
                    continue;
                }
                cell.clear();
                write_cell(&column.ty, array, row, &mut cell);
                push_string(&cell, text);
            }
            text.push(']');
        }
    }
    Ok(())
}

fn check_types(columns: &[Column], arrays: &[ArrayRef]) -> Result<(), SqlError> {
    let is_canonical = |(column, array): (&Column, &ArrayRef)| *array.data_type() == column.ty.canonical();
    if columns.len() == arrays.len() && columns.iter().zip(arrays).all(is_canonical) {
        return Ok(());
    }
    Err(internal("rows are not in their canonical types"))
}

fn push_string(cell: &str, text: &mut String) {
    let quoted = serde_json::to_string(cell).expect("a string is valid JSON");
    text.push_str(&quoted);
}

/// Writes one value that is not null.
fn write_cell(ty: &SnowType, array: &ArrayRef, row: usize, cell: &mut String) {
    match ty {
        SnowType::Fixed { .. } => cell.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row)),
        SnowType::Real => push_real(array.as_primitive::<Float64Type>().value(row), cell),
        SnowType::Boolean => cell.push_str(if array.as_boolean().value(row) { "1" } else { "0" }),
        SnowType::Date => push(cell, array.as_primitive::<Date32Type>().value(row)),
        SnowType::Time { scale } => {
            let nanoseconds = array.as_primitive::<Time64NanosecondType>().value(row);
            push_seconds(i128::from(nanoseconds), *scale, cell);
        }
        SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => push_timestamp(array, row, *scale, cell),
        SnowType::Binary { .. } => push_hex(array.as_binary::<i32>().value(row), cell),
        SnowType::Vector { element, .. } => {
            push_vector(*element, &array.as_fixed_size_list().value(row), cell);
        }
        SnowType::IntervalYearMonth => push(cell, array.as_primitive::<Int64Type>().value(row)),
        SnowType::IntervalDayTime => push(cell, array.as_primitive::<Decimal128Type>().value(row)),
        SnowType::Text { .. }
        | SnowType::Decfloat
        | SnowType::Variant
        | SnowType::Object
        | SnowType::Array
        | SnowType::Map
        | SnowType::Geography
        | SnowType::Geometry => cell.push_str(array.as_string::<i32>().value(row)),
    }
}

fn push(cell: &mut String, value: impl std::fmt::Display) {
    write!(cell, "{value}").expect("writing to a string does not fail");
}

/// `1.5`, `1e+20`, `inf`, `-inf`, `NaN`
pub(super) fn push_real(value: f64, cell: &mut String) {
    if !value.is_finite() {
        return push(cell, value);
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small number");
    if PLAIN_EXPONENTS.contains(&exponent) {
        return push(cell, value);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    push(cell, format_args!("{mantissa}e{sign}{:02}", exponent.abs()));
}

/// Seconds with as many digits behind the point as the scale says. The sign is the whole number's.
pub(super) fn push_seconds(nanoseconds: i128, scale: u8, cell: &mut String) {
    if nanoseconds < 0 {
        cell.push('-');
    }
    let nanoseconds = nanoseconds.unsigned_abs();
    let unit = NANOSECONDS.unsigned_abs();
    push(cell, nanoseconds / unit);
    if scale > 0 {
        let digits = format!("{:09}", nanoseconds % unit);
        cell.push('.');
        cell.push_str(&digits[..usize::from(scale.min(9))]);
    }
}

fn push_timestamp(array: &ArrayRef, row: usize, scale: u8, cell: &mut String) {
    let parts = array.as_struct();
    let epoch = parts.column(0).as_primitive::<Int64Type>().value(row);
    let fraction = parts.column(1).as_primitive::<Int32Type>().value(row);
    push_seconds(i128::from(epoch) * NANOSECONDS + i128::from(fraction), scale, cell);
    if let Some(offset) = parts.columns().get(2) {
        let offset_minutes = offset.as_primitive::<Int32Type>().value(row);
        push(cell, format_args!(" {}", offset_minutes + super::arrow::ZONE_BIAS_MINUTES));
    }
}

fn push_hex(bytes: &[u8], cell: &mut String) {
    for byte in bytes {
        push(cell, format_args!("{byte:02X}"));
    }
}

fn push_vector(element: VectorElement, values: &ArrayRef, cell: &mut String) {
    cell.push('[');
    for index in 0..values.len() {
        if index > 0 {
            cell.push(',');
        }
        match element {
            VectorElement::Int => push(cell, values.as_primitive::<Int32Type>().value(index)),
            VectorElement::Float => push(cell, values.as_primitive::<Float32Type>().value(index)),
        }
    }
    cell.push(']');
}
