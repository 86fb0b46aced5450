//! Rows as Arrow streams in the physical types and with the field metadata that Snowflake sends.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Int16Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64NanosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};

use super::cut::Piece;
use super::internal;
use super::rowtype::{text_bytes, type_name};
use crate::outcome::{Column, SnowType, SqlError};

/// Zone offsets travel as minutes plus this, so that they are never negative.
pub(super) const ZONE_BIAS_MINUTES: i32 = 1440;
/// Timestamps up to this scale are one integer; finer ones, which may not fit, are seconds and nanoseconds.
const TIMESTAMP_INTEGER_SCALE_MAX: u8 = 7;
/// Timestamps with a zone up to this scale are two fields, finer ones three.
const ZONED_TWO_FIELDS_SCALE_MAX: u8 = 3;
/// Times of day up to this scale fit 32 bits.
const TIME_NARROW_SCALE_MAX: u8 = 4;
const NANOSECOND_SCALE: u8 = 9;

/// The physical type of one column within one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Physical {
    /// As the canonical array is.
    Same,
    Int8,
    Int16,
    Int32,
    Int64,
    Wide,
    /// Seconds and nanoseconds.
    Parts,
    /// Scaled instant and zone.
    ZonedTwo,
    /// Seconds, nanoseconds and zone.
    ZonedThree,
    Decfloat,
}

/// Writes one complete stream. The width of each number column fits the values of these very rows.
pub(super) fn write(columns: &[Column], piece: &Piece, out: impl Write) -> Result<(), SqlError> {
    check_types(columns, piece)?;
    let physical: Vec<Physical> =
        columns.iter().enumerate().map(|(index, column)| physical_type(column, piece, index)).collect();
    let fields: Vec<Field> =
        columns.iter().zip(&physical).map(|(column, physical)| field(column, *physical)).collect();
    let schema = Arc::new(Schema::new(fields));
    let failed = |error: ArrowError| internal(&error.to_string());
    let mut writer = StreamWriter::try_new(out, &schema).map_err(failed)?;
    for batch in &piece.batches {
        let arrays = batch.columns().iter().zip(columns).zip(&physical);
        let arrays = arrays.map(|((array, column), physical)| convert(column, *physical, array));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>, SqlError>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)
}

fn check_types(columns: &[Column], piece: &Piece) -> Result<(), SqlError> {
    for batch in &piece.batches {
        if batch.num_columns() != columns.len() {
            return Err(internal("rows have another number of columns than their description"));
        }
        for (column, array) in columns.iter().zip(batch.columns()) {
            if *array.data_type() != column.ty.canonical() {
                return Err(internal(&format!("column {} is {}", column.name, array.data_type())));
            }
        }
    }
    Ok(())
}

fn physical_type(column: &Column, piece: &Piece, index: usize) -> Physical {
    match column.ty {
        SnowType::Fixed { .. } => narrowest(piece, index),
        SnowType::IntervalDayTime => match narrowest(piece, index) {
            Physical::Wide => Physical::Wide,
            _ => Physical::Int64,
        },
        SnowType::Time { scale } if scale <= TIME_NARROW_SCALE_MAX => Physical::Int32,
        SnowType::Time { .. } => Physical::Int64,
        SnowType::TimestampNtz { scale } | SnowType::TimestampLtz { scale } => {
            if scale <= TIMESTAMP_INTEGER_SCALE_MAX { Physical::Int64 } else { Physical::Parts }
        }
        SnowType::TimestampTz { scale } => {
            if scale <= ZONED_TWO_FIELDS_SCALE_MAX {
                Physical::ZonedTwo
            } else {
                Physical::ZonedThree
            }
        }
        SnowType::Decfloat => Physical::Decfloat,
        _ => Physical::Same,
    }
}

/// The narrowest integer that holds every value of a number column in these rows.
fn narrowest(piece: &Piece, index: usize) -> Physical {
    let (mut low, mut high) = (0i128, 0i128);
    for batch in &piece.batches {
        let array = batch.column(index).as_primitive::<Decimal128Type>();
        for value in array.iter().flatten() {
            low = low.min(value);
            high = high.max(value);
        }
    }
    let fits = |min: i128, max: i128| low >= min && high <= max;
    if fits(i8::MIN.into(), i8::MAX.into()) {
        Physical::Int8
    } else if fits(i16::MIN.into(), i16::MAX.into()) {
        Physical::Int16
    } else if fits(i32::MIN.into(), i32::MAX.into()) {
        Physical::Int32
    } else if fits(i64::MIN.into(), i64::MAX.into()) {
        Physical::Int64
    } else {
        Physical::Wide
    }
}

fn field(column: &Column, physical: Physical) -> Field {
    let metadata = metadata(&column.ty, physical);
    let data_type = match physical {
        Physical::Same | Physical::Wide => column.ty.canonical(),
        Physical::Int8 => DataType::Int8,
        Physical::Int16 => DataType::Int16,
        Physical::Int32 => DataType::Int32,
        Physical::Int64 => DataType::Int64,
        Physical::Parts | Physical::ZonedTwo | Physical::ZonedThree | Physical::Decfloat => {
            DataType::Struct(part_fields(physical, &metadata))
        }
    };
    Field::new(&column.name, data_type, true).with_metadata(metadata)
}

/// The fields inside a structure; Snowflake repeats the metadata of the whole on each.
fn part_fields(physical: Physical, metadata: &HashMap<String, String>) -> Fields {
    const EPOCH: (&str, DataType) = ("epoch", DataType::Int64);
    const FRACTION: (&str, DataType) = ("fraction", DataType::Int32);
    const ZONE: (&str, DataType) = ("timezone", DataType::Int32);
    let parts = match physical {
        Physical::ZonedTwo => vec![EPOCH, ZONE],
        Physical::ZonedThree => vec![EPOCH, FRACTION, ZONE],
        Physical::Decfloat => vec![("exponent", DataType::Int16), ("significand", DataType::Binary)],
        _ => vec![EPOCH, FRACTION],
    };
    parts.into_iter().map(|(name, ty)| Field::new(name, ty, true).with_metadata(metadata.clone())).collect()
}

fn metadata(ty: &SnowType, physical: Physical) -> HashMap<String, String> {
    let (precision, scale) = match ty {
        SnowType::Fixed { precision, scale } => (u32::from(*precision), i32::from(*scale)),
        SnowType::Time { scale }
        | SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => (0, i32::from(*scale)),
        _ => (38, 0),
    };
    let (char_length, byte_length) = lengths(ty, physical);
    let pairs = [
        ("logicalType", type_name(ty).to_uppercase()),
        ("precision", precision.to_string()),
        ("scale", scale.to_string()),
        ("charLength", char_length.to_string()),
        ("byteLength", byte_length.to_string()),
        ("finalType", "T".to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn lengths(ty: &SnowType, physical: Physical) -> (u32, u32) {
    match (ty, physical) {
        (SnowType::Text { length }, _) => (*length, text_bytes(*length)),
        (SnowType::Binary { length }, _) => (*length, *length),
        (SnowType::Boolean, _) | (_, Physical::Int8) => (0, 1),
        (_, Physical::Int16) => (0, 2),
        (SnowType::Date, _) | (_, Physical::Int32) => (0, 4),
        (SnowType::Real, _) | (_, Physical::Int64 | Physical::ZonedTwo) => (0, 8),
        (_, Physical::Wide | Physical::Parts | Physical::ZonedThree | Physical::Decfloat) => (0, 16),
        _ => (0, super::rowtype::TEXT_LENGTH_DEFAULT),
    }
}

fn convert(column: &Column, physical: Physical, array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let converted: ArrayRef = match (&column.ty, physical) {
        (SnowType::Time { scale }, Physical::Int32) => Arc::new(time::<Int32Type>(array, *scale)),
        (SnowType::Time { scale }, _) => Arc::new(time::<Int64Type>(array, *scale)),
        (SnowType::TimestampNtz { scale } | SnowType::TimestampLtz { scale }, Physical::Int64) => {
            Arc::new(scaled_instant(array.as_struct(), *scale))
        }
        (SnowType::TimestampTz { scale }, _) => Arc::new(zoned(column, array.as_struct(), physical, *scale)?),
        (SnowType::Decfloat, _) => Arc::new(decfloat(column, array)?),
        (_, Physical::Int8) => Arc::new(narrowed::<Int8Type>(array)),
        (_, Physical::Int16) => Arc::new(narrowed::<Int16Type>(array)),
        (_, Physical::Int32) => Arc::new(narrowed::<Int32Type>(array)),
        (_, Physical::Int64) => Arc::new(narrowed::<Int64Type>(array)),
        (_, Physical::Parts) => Arc::new(parts(column, array.as_struct())?),
        _ => Arc::clone(array),
    };
    Ok(converted)
}

/// An integer array of the width that was chosen to hold every value.
fn narrowed<T>(array: &ArrayRef) -> PrimitiveArray<T>
where
    T: arrow_array::ArrowPrimitiveType,
    T::Native: TryFrom<i128> + Default,
{
    array.as_primitive::<Decimal128Type>().unary(|value| T::Native::try_from(value).unwrap_or_default())
}

fn time<T>(array: &ArrayRef, scale: u8) -> PrimitiveArray<T>
where
    T: arrow_array::ArrowPrimitiveType,
    T::Native: TryFrom<i64> + Default,
{
    let unit = 10i64.pow(u32::from(NANOSECOND_SCALE - scale.min(NANOSECOND_SCALE)));
    array
        .as_primitive::<Time64NanosecondType>()
        .unary(|nanoseconds| T::Native::try_from(nanoseconds / unit).unwrap_or_default())
}

/// Seconds × 10^scale.
fn scaled_instant(parts: &StructArray, scale: u8) -> PrimitiveArray<Int64Type> {
    let factor = 10i64.pow(u32::from(scale));
    let unit = 10i64.pow(u32::from(NANOSECOND_SCALE - scale));
    let epoch = parts.column(0).as_primitive::<Int64Type>();
    let fraction = parts.column(1).as_primitive::<Int32Type>();
    let scaled = |row: usize| epoch.value(row).wrapping_mul(factor) + i64::from(fraction.value(row)) / unit;
    (0..parts.len()).map(|row| parts.is_valid(row).then(|| scaled(row))).collect()
}

fn parts(column: &Column, parts: &StructArray) -> Result<StructArray, SqlError> {
    let columns = vec![Arc::clone(parts.column(0)), Arc::clone(parts.column(1))];
    structure(column, Physical::Parts, columns, parts.nulls())
}

fn zoned(
    column: &Column,
    parts: &StructArray,
    physical: Physical,
    scale: u8,
) -> Result<StructArray, SqlError> {
    let offset = parts.column(2).as_primitive::<Int32Type>();
    let zone: ArrayRef =
        Arc::new(offset.unary::<_, Int32Type>(|minutes| minutes.wrapping_add(ZONE_BIAS_MINUTES)));
    let columns = if physical == Physical::ZonedTwo {
        vec![Arc::new(scaled_instant(parts, scale)) as ArrayRef, zone]
    } else {
        vec![Arc::clone(parts.column(0)), Arc::clone(parts.column(1)), zone]
    };
    structure(column, physical, columns, parts.nulls())
}

fn structure(
    column: &Column,
    physical: Physical,
    columns: Vec<ArrayRef>,
    nulls: Option<&NullBuffer>,
) -> Result<StructArray, SqlError> {
    let fields = part_fields(physical, &metadata(&column.ty, physical));
    StructArray::try_new(fields, columns, nulls.cloned()).map_err(|error| internal(&error.to_string()))
}

fn decfloat(column: &Column, array: &ArrayRef) -> Result<StructArray, SqlError> {
    let texts = array.as_string::<i32>();
    let mut exponents = Int16Builder::new();
    let mut significands = BinaryBuilder::new();
    for text in texts {
        let Some(text) = text else {
            exponents.append_null();
            significands.append_null();
            continue;
        };
        let (significand, exponent) = decfloat_parts(text).ok_or_else(|| internal("not a decimal number"))?;
        exponents.append_value(exponent);
        significands.append_value(big_endian(significand));
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(exponents.finish()), Arc::new(significands.finish())];
    structure(column, Physical::Decfloat, columns, texts.nulls())
}

/// `-12.50e3` is −1250 × 10^1.
pub(super) fn decfloat_parts(text: &str) -> Option<(i128, i16)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significand = format!("{whole}{fraction}").parse().ok()?;
    Some((significand, exponent.checked_sub(i16::try_from(fraction.len()).ok()?)?))
}

/// Two's complement without superfluous leading bytes; zero is no byte at all.
pub(super) fn big_endian(value: i128) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    if value == 0 {
        return Vec::new();
    }
    let filler = if value < 0 { 0xff } else { 0 };
    let is_superfluous = |pair: &[u8]| pair[0] == filler && (pair[1] ^ filler) & 0x80 == 0;
    let skipped = bytes.windows(2).take_while(|pair| is_superfluous(pair)).count();
    bytes[skipped..].to_vec()
}
