//! The values of any column, written as text or as JSON without a value of their own in between.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, TimeUnit};
use jiff::tz::TimeZone;
use model::LogicalType;
use serde::de::IgnoredAny;

use crate::moment::{MICROS_PER_DAY, MomentReader, write_day, write_time};

const NANOS_PER_DAY: i64 = MICROS_PER_DAY * 1_000;

/// A column's values, each in its own type.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Bool(BooleanArray),
    Int(PrimitiveArray<Int64Type>),
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    Float(PrimitiveArray<Float64Type>),
    /// A number that comes as text.
    NumberText(StringArray),
    Text(StringArray),
    Json(StringArray),
    Binary(BinaryArray),
    Day(PrimitiveArray<Date32Type>),
    /// Nanoseconds of the day, or microseconds where the factor is a thousand.
    Time(PrimitiveArray<Int64Type>, i64),
    Moment(Moments),
    /// Numbers of a vector, so many for each row.
    Vector(ArrayRef, usize),
}

/// Moments since 1970, in nanoseconds or microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    values: PrimitiveArray<Int64Type>,
    is_nanos: bool,
    clock: Clock,
}

/// Whose clock a moment was read from.
#[derive(Clone, Debug)]
enum Clock {
    Utc,
    /// A clock of this zone, which the values do not name.
    Local(MomentReader),
    /// Minutes from UTC, by row.
    Offset(PrimitiveArray<Int16Type>),
}

impl Cells {
    /// The column at `index` of the rows; times without a zone are of `zone`.
    pub(crate) fn of(rows: &RecordBatch, index: usize, logical_type: &LogicalType, zone: &TimeZone) -> Self {
        let offsets = matches!(logical_type, LogicalType::TimestampOffset { .. })
            .then(|| rows.column(index + 1).as_primitive::<Int16Type>().clone());
        Self::of_array(rows.column(index), logical_type, zone, offsets)
    }

    /// The same for values that come without an offset.
    pub(crate) fn of_values(values: &ArrayRef, logical_type: &LogicalType) -> Self {
        Self::of_array(values, logical_type, &TimeZone::UTC, None)
    }

    fn of_array(
        array: &ArrayRef,
        logical_type: &LogicalType,
        zone: &TimeZone,
        offsets: Option<PrimitiveArray<Int16Type>>,
    ) -> Self {
        match logical_type {
            LogicalType::Bool => Self::Bool(array.as_boolean().clone()),
            LogicalType::Int64 | LogicalType::IntervalMonths | LogicalType::IntervalNanoseconds => {
                Self::Int(array.as_primitive().clone())
            }
            LogicalType::Decimal { scale, .. } => Self::Decimal(array.as_primitive().clone(), *scale),
            LogicalType::Float64 => Self::Float(array.as_primitive().clone()),
            LogicalType::Decfloat => Self::NumberText(array.as_string().clone()),
            LogicalType::Text => Self::Text(array.as_string().clone()),
            LogicalType::Json | LogicalType::Geo => Self::Json(array.as_string().clone()),
            LogicalType::Binary => Self::Binary(array.as_binary().clone()),
            LogicalType::Date => Self::Day(array.as_primitive().clone()),
            LogicalType::Time { .. } => match array.data_type() {
                DataType::Time64(TimeUnit::Nanosecond) => {
                    Self::Time(array.as_primitive::<Time64NanosecondType>().reinterpret_cast(), 1)
                }
                _ => Self::Time(array.as_primitive::<Time64MicrosecondType>().reinterpret_cast(), 1_000),
            },
            LogicalType::Timestamp { .. } if *zone != TimeZone::UTC => {
                Self::Moment(Moments::of(array, Clock::Local(MomentReader::iso(zone.clone()))))
            }
            LogicalType::TimestampOffset { .. } => {
                Self::Moment(Moments::of(array, offsets.map_or(Clock::Utc, Clock::Offset)))
            }
            LogicalType::Timestamp { .. } | LogicalType::TimestampUtc { .. } => {
                Self::Moment(Moments::of(array, Clock::Utc))
            }
            LogicalType::Vector { dimension, .. } => {
                Self::Vector(ArrayRef::clone(array), usize::try_from(*dimension).unwrap_or_default())
            }
        }
    }

    /// Whether any value is NULL.
    pub(crate) fn has_nulls(&self) -> bool {
        let count = match self {
            Self::Bool(values) => values.null_count(),
            Self::Int(values) | Self::Time(values, _) => values.null_count(),
            Self::Decimal(values, _) => values.null_count(),
            Self::Float(values) => values.null_count(),
            Self::NumberText(values) | Self::Text(values) | Self::Json(values) => values.null_count(),
            Self::Binary(values) => values.null_count(),
            Self::Day(values) => values.null_count(),
            Self::Moment(moments) => moments.values.null_count(),
            Self::Vector(values, _) => values.null_count(),
        };
        count > 0
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(values) => values.is_null(row),
            Self::Int(values) | Self::Time(values, _) => values.is_null(row),
            Self::Decimal(values, _) => values.is_null(row),
            Self::Float(values) => values.is_null(row),
            Self::NumberText(values) | Self::Text(values) | Self::Json(values) => values.is_null(row),
            Self::Binary(values) => values.is_null(row),
            Self::Day(values) => values.is_null(row),
            Self::Moment(moments) => moments.values.is_null(row),
            Self::Vector(values, _) => values.is_null(row),
        }
    }

    /// A letter for the kind of value, the same for all numbers.
    pub(crate) fn tag(&self) -> u8 {
        match self {
            Self::Bool(_) => b'b',
            Self::Int(_) | Self::Decimal(..) | Self::Float(_) | Self::NumberText(_) => b'n',
            Self::Text(_) => b't',
            Self::Json(_) => b'j',
            Self::Binary(_) => b'x',
            Self::Day(_) => b'd',
            Self::Time(..) => b'h',
            Self::Moment(_) => b'm',
            Self::Vector(..) => b'v',
        }
    }

    /// Writes a value that is not NULL as text: numbers without needless zeros, moments in UTC.
    pub(crate) fn write_text(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Bool(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Self::Int(values) => {
                out.extend_from_slice(itoa::Buffer::new().format(values.value(row)).as_bytes());
            }
            Self::Decimal(values, scale) => write_decimal(values.value(row), *scale, out),
            Self::Float(values) => write_float(values.value(row), out),
            Self::NumberText(values) | Self::Text(values) | Self::Json(values) => {
                out.extend_from_slice(values.value(row).as_bytes());
            }
            Self::Binary(values) => write_hex(values.value(row), out),
            Self::Day(values) => write_day(i64::from(values.value(row)), out),
            Self::Time(values, factor) => write_time(values.value(row) * factor, out),
            Self::Moment(moments) => moments.write(row, out),
            Self::Vector(values, dimension) => write_vector(values, *dimension, row, out),
        }
    }

    /// Writes a value that is not NULL for a hash that is kept nowhere but beside it: fast, and in no form for people.
    pub(crate) fn write_raw(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Int(values) | Self::Time(values, _) => {
                out.extend_from_slice(&values.value(row).to_le_bytes());
            }
            Self::Moment(moments) => out.extend_from_slice(&moments.values.value(row).to_le_bytes()),
            Self::Day(values) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            Self::Decimal(values, _) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            _ => self.write_text(row, out),
        }
    }

    /// Writes a value that is not NULL as JSON. Numbers keep all their digits; what JSON has no word for is text.
    pub(crate) fn write_json(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Decimal(..) | Self::Vector(..) => self.write_text(row, out),
            Self::Float(values) if values.value(row).is_finite() => self.write_text(row, out),
            Self::NumberText(values) if is_json_number(values.value(row)) => self.write_text(row, out),
            Self::Json(values) if is_json(values.value(row)) => self.write_text(row, out),
            Self::Text(values) | Self::Json(values) | Self::NumberText(values) => {
                write_json_text(values.value(row), out);
            }
            Self::Float(_) | Self::Binary(_) | Self::Day(_) | Self::Time(..) | Self::Moment(_) => {
                out.push(b'"');
                self.write_text(row, out);
                out.push(b'"');
            }
        }
    }
}

impl Moments {
    fn of(array: &ArrayRef, clock: Clock) -> Self {
        let is_nanos = matches!(array.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _));
        let values = if is_nanos {
            array.as_primitive::<TimestampNanosecondType>().reinterpret_cast()
        } else {
            array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast()
        };
        Self { values, is_nanos, clock }
    }

    /// RFC 3339: with `Z`, or with the offset where the value has one.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let value = self.values.value(row);
        let per_day = if self.is_nanos { NANOS_PER_DAY } else { MICROS_PER_DAY };
        let minutes = match &self.clock {
            Clock::Offset(offsets) if offsets.is_valid(row) => i64::from(offsets.value(row)),
            _ => 0,
        };
        // Written twice, since a division by a number that is known beforehand is several times faster.
        let (mut days, mut of_day) = match self.is_nanos {
            true => (value.div_euclid(NANOS_PER_DAY), value.rem_euclid(NANOS_PER_DAY)),
            false => (value.div_euclid(MICROS_PER_DAY), value.rem_euclid(MICROS_PER_DAY)),
        };
        if let Clock::Local(reader) = &self.clock {
            let below_micros = if self.is_nanos { value.rem_euclid(1_000) } else { 0 };
            let micros = if self.is_nanos { value.div_euclid(1_000) } else { value };
            let instant = reader.local_micros(micros).unwrap_or(micros);
            days = instant.div_euclid(MICROS_PER_DAY);
            of_day = instant.rem_euclid(MICROS_PER_DAY) * (per_day / MICROS_PER_DAY) + below_micros;
        } else if minutes != 0 {
            let shifted = of_day + minutes * (per_day / 1_440);
            days += shifted.div_euclid(per_day);
            of_day = shifted.rem_euclid(per_day);
        }
        write_day(days, out);
        out.push(b'T');
        write_time(of_day * (NANOS_PER_DAY / per_day), out);
        if minutes == 0 {
            out.push(b'Z');
            return;
        }
        let (sign, size) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
        out.extend_from_slice(format!("{sign}{:02}:{:02}", size / 60, size % 60).as_bytes());
    }
}

/// Without zeros that say nothing behind the point.
fn write_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    // Most numbers are small, and these are written several times faster.
    let digits = match u64::try_from(unscaled.unsigned_abs()) {
        Ok(small) => buffer.format(small),
        Err(_) => buffer.format(unscaled.unsigned_abs()),
    };
    let Ok(behind @ 1..) = usize::try_from(scale) else {
        out.extend_from_slice(digits.as_bytes());
        if unscaled != 0 {
            out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
        }
        return;
    };
    let zeros = digits.bytes().rev().take(behind).take_while(|digit| *digit == b'0').count();
    let digits = &digits[..digits.len() - zeros];
    let behind = if digits.is_empty() { 0 } else { behind - zeros };
    if behind == 0 {
        out.extend_from_slice(if digits.is_empty() { b"0" } else { digits.as_bytes() });
        return;
    }
    let whole = digits.len().saturating_sub(behind);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits.as_bytes()[..whole] });
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', behind.saturating_sub(digits.len())));
    out.extend_from_slice(&digits.as_bytes()[whole..]);
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn write_vector(values: &ArrayRef, dimension: usize, row: usize, out: &mut Vec<u8>) {
    let elements = values.as_fixed_size_list().value(row);
    out.push(b'[');
    for place in 0..dimension.min(elements.len()) {
        if place > 0 {
            out.push(b',');
        }
        match elements.data_type() {
            DataType::Int32 => {
                let value = elements.as_primitive::<Int32Type>().value(place);
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            _ => {
                let value = elements.as_primitive::<Float32Type>().value(place);
                if value.is_finite() {
                    let mut buffer = ryu::Buffer::new();
                    let text = buffer.format_finite(value);
                    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
                } else {
                    out.extend_from_slice(b"null");
                }
            }
        }
    }
    out.push(b']');
}

/// Writes text as a JSON string.
pub(crate) fn write_json_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                write_hex(&[*control], out);
            }
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// Whether none of the bytes has to be written in another way. All are looked at, so that many can be at a time.
fn is_plain(bytes: &[u8]) -> bool {
    let is_odd = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    !bytes.iter().fold(false, |any, byte| any | is_odd(*byte))
}

/// Whether a document is JSON to everybody; the account's own `undefined` and numbers without end are not.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_json_number(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte == b'-' || byte.is_ascii_digit()) && is_json(text)
}
