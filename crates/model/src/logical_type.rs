//! The types that rows are moved in: one per thing Snowflake can hold, each with one fixed Arrow representation.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Deserialize, Serialize};

/// The Arrow extension name that marks a text column as JSON.
pub const JSON_EXTENSION_NAME: &str = "arrow.json";

/// What a text ends in that is a moment with an offset from UTC, as a regular expression. It is for what follows the day, which has
/// hyphens of its own.
pub const OFFSET_AT_END: &str = "[+-][0-9]{2}(:?[0-9]{2})?$";

/// A column's type, as it travels between any two systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogicalType {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int64,
    /// A number of `precision` digits, `scale` of them behind the point.
    Decimal { precision: u8, scale: i8 },
    /// A binary floating point number; NaN and both infinities travel.
    Float64,
    /// A decimal floating point number, as text.
    Decfloat,
    /// Text; NULL and the empty string stay distinct.
    Text,
    /// Bytes.
    Binary,
    /// A day of the proleptic Gregorian calendar.
    Date,
    /// A time of day with `scale` digits behind the second.
    Time { scale: u8 },
    /// A date and time without a zone.
    Timestamp { scale: u8, is_wide: bool },
    /// An instant.
    TimestampUtc { scale: u8, is_wide: bool },
    /// An instant that remembers the offset it was written with, in a sibling column of minutes.
    TimestampOffset { scale: u8, is_wide: bool },
    /// A JSON document as text; SQL NULL and JSON `null` stay distinct.
    Json,
    /// A shape on the globe or in the plane, as GeoJSON text.
    Geo,
    /// A vector of a fixed number of elements.
    Vector { element: VectorElement, dimension: u32 },
    /// An interval, in months.
    IntervalMonths,
    /// An interval, in nanoseconds.
    IntervalNanoseconds,
}

/// What a vector is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorElement {
    /// 32-bit whole numbers.
    Int,
    /// 32-bit floating point numbers.
    Float,
}

impl LogicalType {
    /// The Arrow type of the column itself.
    pub fn arrow_type(&self) -> DataType {
        match self {
            LogicalType::Bool => DataType::Boolean,
            LogicalType::Int64 | LogicalType::IntervalMonths | LogicalType::IntervalNanoseconds => {
                DataType::Int64
            }
            LogicalType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
            LogicalType::Float64 => DataType::Float64,
            LogicalType::Text | LogicalType::Decfloat | LogicalType::Json | LogicalType::Geo => {
                DataType::Utf8
            }
            LogicalType::Binary => DataType::Binary,
            LogicalType::Date => DataType::Date32,
            LogicalType::Time { scale } => DataType::Time64(time_unit(*scale, false)),
            LogicalType::Timestamp { scale, is_wide } => {
                DataType::Timestamp(time_unit(*scale, *is_wide), None)
            }
            LogicalType::TimestampUtc { scale, is_wide }
            | LogicalType::TimestampOffset { scale, is_wide } => {
                DataType::Timestamp(time_unit(*scale, *is_wide), Some("UTC".into()))
            }
            LogicalType::Vector { element, dimension } => {
                let element = match element {
                    VectorElement::Int => DataType::Int32,
                    VectorElement::Float => DataType::Float32,
                };
                let item = Arc::new(Field::new("element", element, true));
                DataType::FixedSizeList(item, i32::try_from(*dimension).unwrap_or(i32::MAX))
            }
        }
    }

    /// The Arrow fields that carry a column of this type: one, or two where the offset travels beside the instant.
    pub fn arrow_fields(&self, name: &str, is_nullable: bool) -> Vec<Field> {
        let mut field = Field::new(name, self.arrow_type(), is_nullable);
        if matches!(self, LogicalType::Json) {
            let metadata = [("ARROW:extension:name", JSON_EXTENSION_NAME), ("ARROW:extension:metadata", "")];
            field.set_metadata(metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect());
        }
        if matches!(self, LogicalType::TimestampOffset { .. }) {
            let offset = Field::new(offset_column_name(name), DataType::Int16, is_nullable);
            return vec![field, offset];
        }
        vec![field]
    }

    /// Why a cursor cannot follow a column of this type; absent where it can.
    pub fn why_no_cursor(&self) -> Option<&'static str> {
        match self {
            LogicalType::Int64
            | LogicalType::Decimal { .. }
            | LogicalType::Text
            | LogicalType::Binary
            | LogicalType::Date
            | LogicalType::Timestamp { .. }
            | LogicalType::TimestampUtc { .. }
            | LogicalType::TimestampOffset { .. } => None,
            LogicalType::Float64 | LogicalType::Decfloat => {
                Some("written as text and read again, a floating point number may be another one")
            }
            LogicalType::Time { .. } => Some("it starts over every day"),
            LogicalType::Bool => Some("it has two values"),
            _ => Some("its values have no order"),
        }
    }

    /// Whether a duration can be taken off values of this type.
    pub fn is_time(&self) -> bool {
        matches!(
            self,
            LogicalType::Date
                | LogicalType::Timestamp { .. }
                | LogicalType::TimestampUtc { .. }
                | LogicalType::TimestampOffset { .. }
        )
    }
}

/// The unit that holds `scale` digits behind the second; wide timestamps give up nanoseconds for years 0001 to 9999.
fn time_unit(scale: u8, is_wide: bool) -> TimeUnit {
    if scale <= 6 || is_wide { TimeUnit::Microsecond } else { TimeUnit::Nanosecond }
}

/// The name of the column that carries the UTC offset, in minutes, of the column `name`.
pub fn offset_column_name(name: &str) -> String {
    format!("{name}__offset_minutes")
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogicalType::Bool => f.write_str("bool"),
            LogicalType::Int64 => f.write_str("int64"),
            LogicalType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            LogicalType::Float64 => f.write_str("float64"),
            LogicalType::Decfloat => f.write_str("decfloat"),
            LogicalType::Text => f.write_str("text"),
            LogicalType::Binary => f.write_str("binary"),
            LogicalType::Date => f.write_str("date"),
            LogicalType::Time { scale } => write!(f, "time({scale})"),
            LogicalType::Timestamp { scale, .. } => write!(f, "timestamp({scale})"),
            LogicalType::TimestampUtc { scale, .. } => write!(f, "timestamp({scale}) utc"),
            LogicalType::TimestampOffset { scale, .. } => write!(f, "timestamp({scale}) with offset"),
            LogicalType::Json => f.write_str("json"),
            LogicalType::Geo => f.write_str("geo"),
            LogicalType::Vector { element: VectorElement::Int, dimension } => {
                write!(f, "vector(int, {dimension})")
            }
            LogicalType::Vector { element: VectorElement::Float, dimension } => {
                write!(f, "vector(float, {dimension})")
            }
            LogicalType::IntervalMonths => f.write_str("interval (months)"),
            LogicalType::IntervalNanoseconds => f.write_str("interval (nanoseconds)"),
        }
    }
}
