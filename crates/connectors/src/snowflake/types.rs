//! Which logical type each Snowflake type travels in.

use model::{LogicalType, VectorElement};
use snowflake::ColumnType;

/// The logical type of a Snowflake column, or `None` for a type that this version does not know.
pub(crate) fn logical_type(column_type: ColumnType) -> Option<LogicalType> {
    let is_wide = false;
    Some(match column_type {
        ColumnType::Fixed { precision, scale: 0 } if precision <= INT64_DIGITS_MAX => LogicalType::Int64,
        ColumnType::Fixed { precision, scale } => {
            LogicalType::Decimal { precision, scale: i8::try_from(scale).ok()? }
        }
        ColumnType::Float => LogicalType::Float64,
        ColumnType::Decfloat => LogicalType::Decfloat,
        ColumnType::Text { .. } => LogicalType::Text,
        ColumnType::Binary { .. } => LogicalType::Binary,
        ColumnType::Boolean => LogicalType::Bool,
        ColumnType::Date => LogicalType::Date,
        ColumnType::Time { scale } => LogicalType::Time { scale },
        ColumnType::TimestampNtz { scale } => LogicalType::Timestamp { scale, is_wide },
        ColumnType::TimestampLtz { scale } => LogicalType::TimestampUtc { scale, is_wide },
        ColumnType::TimestampTz { scale } => LogicalType::TimestampOffset { scale, is_wide },
        ColumnType::Variant | ColumnType::Object | ColumnType::Array | ColumnType::Map => LogicalType::Json,
        ColumnType::Geography | ColumnType::Geometry => LogicalType::Geo,
        ColumnType::Vector { element, dimension } => {
            let element = match element {
                snowflake::VectorElement::Int => VectorElement::Int,
                snowflake::VectorElement::Float => VectorElement::Float,
            };
            LogicalType::Vector { element, dimension: u32::from(dimension) }
        }
        ColumnType::IntervalYearMonth => LogicalType::IntervalMonths,
        ColumnType::IntervalDayTime => LogicalType::IntervalNanoseconds,
        _ => return None,
    })
}

/// Every whole number of this many digits fits into 64 bits.
const INT64_DIGITS_MAX: u8 = 18;
