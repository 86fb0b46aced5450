//! The Arrow schema of a result, derived from the service's row description alone: no batch can change it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::column::{Column, ColumnType, VectorElement};
use crate::decode::options::DecodeOptions;

/// Digits of a second's fraction up to which microseconds are exact.
const MICROSECOND_DIGITS: u8 = 6;
/// The widest `NUMBER` whose every value is an `i64`.
const INT64_PRECISION_MAX: u8 = 18;
/// The service's own label of an instant's zone.
const UTC: &str = "UTC";
/// What is added to the name of a `TIMESTAMP_TZ` column for the column of its offsets.
const OFFSET_SUFFIX: &str = "__offset_minutes";

/// Every column of a result with its place in Arrow.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<ColumnLayout>,
    pub(crate) schema: SchemaRef,
}

/// One column with the decisions that its decoding needs.
#[derive(Clone, Debug)]
pub(crate) struct ColumnLayout {
    pub(crate) column: Column,
    /// For times and timestamps: what is counted.
    pub(crate) resolution: Resolution,
}

/// What times and timestamps of a column are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    Microseconds,
    Nanoseconds,
    /// Microseconds for a column of nanoseconds, because the caller prefers range over the last three digits.
    LossyMicroseconds,
}

impl Layout {
    pub(crate) fn new(columns: &[Column], options: &DecodeOptions) -> Self {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| ColumnLayout { column: column.clone(), resolution: resolution(column, options) })
            .collect();
        let fields: Vec<_> = columns.iter().flat_map(ColumnLayout::fields).collect();
        Self { columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// Bytes of one row apart from text and binary values.
    pub(crate) fn fixed_row_bytes(&self) -> u64 {
        self.schema.fields().iter().map(|field| fixed_bytes(field.data_type())).sum()
    }
}

impl Resolution {
    /// Digits of a second's fraction.
    pub(crate) fn digits(self) -> u8 {
        match self {
            Self::Microseconds | Self::LossyMicroseconds => MICROSECOND_DIGITS,
            Self::Nanoseconds => 9,
        }
    }

    pub(crate) fn time_unit(self) -> TimeUnit {
        match self {
            Self::Microseconds | Self::LossyMicroseconds => TimeUnit::Microsecond,
            Self::Nanoseconds => TimeUnit::Nanosecond,
        }
    }
}

impl ColumnLayout {
    /// The Arrow fields of this column: one, or two for `TIMESTAMP_TZ`. All may hold nulls, because the service's
    /// `nullable` describes the table and is not a promise about every expression.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let name = &self.column.name;
        let field = Field::new(name, self.data_type(), true);
        match self.column.ty {
            ColumnType::TimestampTz { .. } => {
                vec![field, Field::new(format!("{name}{OFFSET_SUFFIX}"), DataType::Int16, true)]
            }
            ColumnType::Variant | ColumnType::Object | ColumnType::Array | ColumnType::Map => {
                vec![field.with_metadata(json_extension())]
            }
            _ => vec![field],
        }
    }

    /// The Arrow type of this column's values.
    pub(crate) fn data_type(&self) -> DataType {
        let unit = self.resolution.time_unit();
        match self.column.ty {
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Fixed { precision, scale: 0 } if precision <= INT64_PRECISION_MAX => DataType::Int64,
            ColumnType::Fixed { precision, scale } => {
                DataType::Decimal128(precision, i8::try_from(scale).expect("a scale is at most 38"))
            }
            ColumnType::Float => DataType::Float64,
            ColumnType::Decfloat
            | ColumnType::Text { .. }
            | ColumnType::Variant
            | ColumnType::Object
            | ColumnType::Array
            | ColumnType::Map
            | ColumnType::Geography
            | ColumnType::Geometry => DataType::Utf8,
            ColumnType::Binary { .. } => DataType::Binary,
            ColumnType::Date => DataType::Date32,
            ColumnType::Time { .. } => DataType::Time64(unit),
            ColumnType::TimestampNtz { .. } => DataType::Timestamp(unit, None),
            ColumnType::TimestampLtz { .. } | ColumnType::TimestampTz { .. } => {
                DataType::Timestamp(unit, Some(UTC.into()))
            }
            ColumnType::Vector { element, dimension } => {
                DataType::FixedSizeList(Arc::new(vector_item(element)), i32::from(dimension.cast_signed()))
            }
            ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => DataType::Int64,
        }
    }
}

/// The field of a vector's elements.
pub(crate) fn vector_item(element: VectorElement) -> Field {
    let data_type = match element {
        VectorElement::Int => DataType::Int32,
        VectorElement::Float => DataType::Float32,
    };
    Field::new("item", data_type, true)
}

fn resolution(column: &Column, options: &DecodeOptions) -> Resolution {
    let (scale, is_timestamp) = match column.ty {
        ColumnType::Time { scale } => (scale, false),
        ColumnType::TimestampNtz { scale }
        | ColumnType::TimestampLtz { scale }
        | ColumnType::TimestampTz { scale } => (scale, true),
        _ => return Resolution::Microseconds,
    };
    if scale <= MICROSECOND_DIGITS {
        Resolution::Microseconds
    } else if is_timestamp && options.wide_timestamps.includes(&column.name) {
        Resolution::LossyMicroseconds
    } else {
        Resolution::Nanoseconds
    }
}

fn json_extension() -> HashMap<String, String> {
    HashMap::from([
        ("ARROW:extension:name".to_owned(), "arrow.json".to_owned()),
        ("ARROW:extension:metadata".to_owned(), String::new()),
    ])
}

fn fixed_bytes(data_type: &DataType) -> u64 {
    match data_type {
        DataType::FixedSizeList(item, length) => {
            fixed_bytes(item.data_type()) * u64::from(length.unsigned_abs())
        }
        // Text and binary values have an offset each; a bit of a bitmap rounds up to a byte.
        DataType::Utf8 | DataType::Binary => 5,
        other => other.primitive_width().map_or(1, |width| width as u64 + 1),
    }
}
