//! Canonical texts and hashes of values in memory: the same as both dialects write, from Arrow types.

use std::num::NonZeroU32;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int64Type, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use jiff::SignedDuration;
use jiff::civil::Date;
use md5::{Digest, Md5};
use model::{Error, LogicalType, PlannedColumn, Result, RowMark, StreamPlan, offset_column_name};

use super::dialect::TEXT_BYTES_MAX;

/// The marks of all rows, in order. `name_of` says what a column is called in `rows`.
pub(crate) fn row_marks(
    plan: &StreamPlan,
    bucket_count: NonZeroU32,
    is_keys_only: bool,
    rows: &RecordBatch,
    name_of: fn(&PlannedColumn) -> &str,
) -> Result<Vec<RowMark>> {
    let whole: Vec<&PlannedColumn> = plan.compared_columns().collect();
    let key = plan.bucket_key();
    let key = if key.is_empty() { &whole } else { &key };
    let compared = if is_keys_only { key } else { &whole };
    (0..rows.num_rows())
        .map(|row| {
            let key = md5(&row_text(key, rows, row, name_of)?);
            let hash = md5(&row_text(compared, rows, row, name_of)?);
            let bucket = ((key >> 64) as u64) % u64::from(bucket_count.get());
            let bucket = u32::try_from(bucket).expect("a remainder is below its divisor");
            Ok(RowMark { bucket, key, row: hash as u64 })
        })
        .collect()
}

fn md5(text: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(text.as_bytes()).into())
}

fn hex(bytes: &[u8]) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(bytes).into()))
}

fn row_text(
    columns: &[&PlannedColumn],
    rows: &RecordBatch,
    row: usize,
    name_of: fn(&PlannedColumn) -> &str,
) -> Result<String> {
    let parts: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = name_of(column);
            let values = find(rows, name)?;
            if values.is_null(row) {
                return Ok(String::new());
            }
            let text = value_text(&column.logical_type, values, row)?;
            if !matches!(column.logical_type, LogicalType::TimestampOffset { .. }) {
                return Ok(text);
            }
            let offset = find(rows, &offset_column_name(name))?.as_primitive::<Int16Type>().value(row);
            Ok(format!("{text} {offset}"))
        })
        .collect::<Result<_>>()?;
    Ok(parts.join(","))
}

fn find<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| Error::internal(format!("the rows have no column {name}")))
}

/// The text of a value that is not NULL.
fn value_text(logical_type: &LogicalType, values: &ArrayRef, row: usize) -> Result<String> {
    Ok(match values.data_type() {
        DataType::Boolean => if values.as_boolean().value(row) { "1" } else { "0" }.to_owned(),
        DataType::Int64 => values.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(precision, scale) => {
            decimal_text(values.as_primitive::<Decimal128Type>().value(row), *precision, *scale)
        }
        DataType::Float64 => float_text(values.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 if matches!(logical_type, LogicalType::Json | LogicalType::Geo) => {
            hex(without_white_space(values.as_string::<i32>().value(row)).as_bytes())
        }
        DataType::Utf8 => {
            let text = values.as_string::<i32>().value(row);
            match text.len() {
                length if length > TEXT_BYTES_MAX => format!("{length}:{}", hex(text.as_bytes())),
                length => format!("{length}:{text}"),
            }
        }
        DataType::Binary => hex(values.as_binary::<i32>().value(row)),
        DataType::Date32 => values.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Time64(TimeUnit::Microsecond) => {
            (values.as_primitive::<Time64MicrosecondType>().value(row) * 1_000).to_string()
        }
        DataType::Time64(_) => values.as_primitive::<Time64NanosecondType>().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp_text(micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1_000)?
        }
        DataType::Timestamp(_, _) => {
            let nanos = values.as_primitive::<TimestampNanosecondType>().value(row);
            timestamp_text(nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))?
        }
        other => return Err(Error::internal(format!("values of type {other} have no canonical text"))),
    })
}

/// Where all digits are behind the point, nothing stands in front of it.
fn decimal_text(unscaled: i128, precision: u8, scale: i8) -> String {
    let digits_behind = usize::try_from(scale).unwrap_or_default();
    if digits_behind == 0 {
        return unscaled.to_string();
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits_before = usize::from(scale.unsigned_abs() < precision);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = digits_behind + digits_before);
    let (whole, fraction) = digits.split_at(digits.len() - digits_behind);
    format!("{sign}{whole}.{fraction}")
}

/// The binary digits behind the first one of a double.
const FRACTION_BITS: i32 = 52;

fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let bits = value.abs().to_bits();
    let (stored_exponent, fraction) = ((bits >> FRACTION_BITS) as i32, bits & ((1 << FRACTION_BITS) - 1));
    let (mantissa, exponent) = match stored_exponent {
        // Below the smallest ordinary double the leading digit is not implied.
        0 => {
            let shift = fraction.leading_zeros().cast_signed() - (63 - FRACTION_BITS);
            (fraction << shift, -1022 - shift)
        }
        _ => (fraction | 1 << FRACTION_BITS, stored_exponent - 1023),
    };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{mantissa}p{exponent}")
}

fn timestamp_text(seconds: i64, nanoseconds: i64) -> Result<String> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    let at = EPOCH
        .at(0, 0, 0, 0)
        .checked_add(SignedDuration::new(seconds, 0))
        .map_err(|_| Error::data("value_not_comparable", "a timestamp is outside the years -9999 to 9999"))?;
    Ok(format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{nanoseconds:09}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}

/// A document without the white space between its parts.
fn without_white_space(json: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    json.chars()
        .filter(|character| {
            let keeps = is_text || !matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = is_text,
                '"' => is_text = !is_text,
                _ => {}
            }
            keeps
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_told_apart_to_the_last_bit() {
        for (value, text) in [
            (1.0, "4503599627370496p0"),
            (-0.1, "-7205759403792794p-4"),
            (f64::MAX, "9007199254740991p1023"),
            (5e-324, "4503599627370496p-1074"),
            (f64::MIN_POSITIVE, "4503599627370496p-1022"),
            (-0.0, "0"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float_text(value), text, "{value:e}");
        }
    }

    #[test]
    fn decimals_show_all_digits_of_their_scale() {
        for (unscaled, precision, scale, text) in [
            (-5, 10, 2, "-0.05"),
            (5, 2, 2, ".05"),
            (120, 10, 1, "12.0"),
            (0, 3, 3, ".000"),
            (-7, 3, 0, "-7"),
        ] {
            assert_eq!(decimal_text(unscaled, precision, scale), text);
        }
    }

    #[test]
    fn white_space_inside_texts_of_a_document_stays() {
        assert_eq!(
            without_white_space("{\n \"a \\\" b\": [ 1, undefined ]\n}"),
            "{\"a \\\" b\":[1,undefined]}"
        );
    }
}
