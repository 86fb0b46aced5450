//! The columns of a table that a push creates: the Snowflake type that holds every value of each logical type.

use model::{LogicalType, PlannedColumn, StreamPlan};
use snowflake::ColumnType;

use super::TargetColumn;
use super::texts::{BINARY_BYTES_DEFAULT, TEXT_CHARACTERS_DEFAULT};

/// Digits of the longest 64-bit whole number.
const INT64_DIGITS: u8 = 19;
/// The most digits behind the point that a `NUMBER` can have by Snowflake's manual.
const SCALE_MAX: u8 = 37;

/// The columns of a new table for this plan. Names are in upper case, so that they can be queried without quotes.
pub fn created_columns(plan: &StreamPlan) -> Vec<TargetColumn> {
    plan.columns.iter().map(created_column).collect()
}

fn created_column(column: &PlannedColumn) -> TargetColumn {
    TargetColumn {
        name: column.target.to_uppercase(),
        column_type: created_type(&column.logical_type),
        is_nullable: column.is_nullable,
        has_default: false,
        is_identity: false,
    }
}

fn created_type(logical_type: &LogicalType) -> ColumnType {
    match *logical_type {
        LogicalType::Bool => ColumnType::Boolean,
        LogicalType::Int64 | LogicalType::IntervalMonths | LogicalType::IntervalNanoseconds => {
            ColumnType::Fixed { precision: INT64_DIGITS, scale: 0 }
        }
        LogicalType::Decimal { precision, scale } => {
            let scale = u8::try_from(scale).unwrap_or(0).min(SCALE_MAX);
            ColumnType::Fixed { precision, scale }
        }
        LogicalType::Float64 => ColumnType::Float,
        LogicalType::Decfloat => ColumnType::Decfloat,
        LogicalType::Text => ColumnType::Text { length: Some(TEXT_CHARACTERS_DEFAULT) },
        LogicalType::Binary => ColumnType::Binary { length: Some(BINARY_BYTES_DEFAULT) },
        LogicalType::Date => ColumnType::Date,
        LogicalType::Time { scale } => ColumnType::Time { scale },
        LogicalType::Timestamp { scale, .. } => ColumnType::TimestampNtz { scale },
        LogicalType::TimestampUtc { scale, .. } => ColumnType::TimestampLtz { scale },
        LogicalType::TimestampOffset { scale, .. } => ColumnType::TimestampTz { scale },
        // Shapes stay the GeoJSON they are: GEOGRAPHY rounds and repairs.
        LogicalType::Json | LogicalType::Geo => ColumnType::Variant,
        // A VECTOR column cannot be loaded.
        LogicalType::Vector { .. } => ColumnType::Array,
    }
}
