//! Canonical texts of values in a customer's account, in Snowflake's SQL.
//!
//! Formats are written out and zones are named, so that no parameter of session, user or account changes a text.

use model::{LogicalType, PlannedColumn, Result};

use super::sql::quoted;
use crate::audit::{Dialect, TEXT_BYTES_MAX};

/// Snowflake's SQL, over the stream itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnowflakeDialect;

impl Dialect for SnowflakeDialect {
    fn value(&self, column: &PlannedColumn) -> Result<String> {
        quoted(&column.source)
    }

    fn text(&self, logical_type: &LogicalType, value: &str) -> String {
        match logical_type {
            LogicalType::Bool => format!("CASE WHEN {value} THEN '1' WHEN NOT {value} THEN '0' END"),
            // The column may have fewer digits by now than the destination has kept. There is no zero in front of the
            // point where it would be the only digit there can be.
            LogicalType::Decimal { precision, scale } => {
                let text = format!("CAST(CAST({value} AS NUMBER({precision},{scale})) AS VARCHAR)");
                match precision.cast_signed() == *scale {
                    true => format!("REPLACE({text}, '0.', '.')"),
                    false => text,
                }
            }
            LogicalType::Float64 => float_text(value),
            LogicalType::Text => format!(
                "CAST(OCTET_LENGTH({value}) AS VARCHAR) || ':' || CASE WHEN OCTET_LENGTH({value}) > {TEXT_BYTES_MAX} \
                 THEN MD5({value}) ELSE {value} END"
            ),
            LogicalType::Binary => format!("MD5({value})"),
            LogicalType::Json => format!("MD5(TO_JSON(TO_VARIANT({value})))"),
            LogicalType::Geo => format!("MD5(TO_JSON(TO_VARIANT(ST_ASGEOJSON({value}))))"),
            LogicalType::Date => {
                format!("CAST(DATEDIFF('day', TO_DATE('1970-01-01', 'YYYY-MM-DD'), {value}) AS VARCHAR)")
            }
            LogicalType::Time { .. } => {
                format!("CAST(DATEDIFF('nanosecond', TIME_FROM_PARTS(0, 0, 0), {value}) AS VARCHAR)")
            }
            LogicalType::Timestamp { .. } => format!("TO_CHAR({value}, '{TIMESTAMP_FORMAT}')"),
            LogicalType::TimestampUtc { .. } | LogicalType::TimestampOffset { .. } => {
                format!("TO_CHAR(CONVERT_TIMEZONE('UTC', {value}), '{TIMESTAMP_FORMAT}')")
            }
            LogicalType::Int64
            | LogicalType::Decfloat
            | LogicalType::Vector { .. }
            | LogicalType::IntervalMonths
            | LogicalType::IntervalNanoseconds => format!("CAST({value} AS VARCHAR)"),
        }
    }

    /// The difference between the clock on the wall and that of UTC; the manual does not say which sign the minutes of a
    /// zone west of it have.
    fn offset_minutes(&self, column: &PlannedColumn) -> Result<String> {
        let value = self.value(column)?;
        Ok(format!(
            "DATEDIFF('minute', CONVERT_TIMEZONE('UTC', {value})::TIMESTAMP_NTZ, {value}::TIMESTAMP_NTZ)"
        ))
    }

    fn first_half(&self, text: &str) -> String {
        format!("MD5_NUMBER_UPPER64({text})")
    }

    fn second_half(&self, text: &str) -> String {
        format!("MD5_NUMBER_LOWER64({text})")
    }
}

const TIMESTAMP_FORMAT: &str = "YYYY-MM-DD HH24:MI:SS.FF9";

/// The logarithm only guesses the exponent; what is left of the value by that guess puts it right. Powers beyond a
/// double's, which Snowflake refuses, are never asked for.
fn float_text(value: &str) -> String {
    let infinity = "CAST('inf' AS FLOAT)";
    let size = format!(
        "ABS(CASE WHEN {value} <> 0 AND {value} < {infinity} AND {value} > CAST('-inf' AS FLOAT) THEN {value} END)"
    );
    let guess = format!("GREATEST(LEAST(FLOOR(LN({size}) / LN(2)), 1023), -1074)");
    let exponent = format!(
        "({guess} + CASE WHEN {size} / POWER(2, {guess}) >= 2 THEN 1 WHEN {size} / POWER(2, {guess}) < 1 THEN -1 ELSE 0 END)"
    );
    let mantissa = format!("CAST({size} / POWER(2, {exponent}) * 4503599627370496 AS NUMBER(16,0))");
    format!(
        "CASE WHEN {value} = CAST('NaN' AS FLOAT) THEN 'nan' WHEN {value} = {infinity} THEN 'inf' \
         WHEN {value} = CAST('-inf' AS FLOAT) THEN '-inf' WHEN {value} = 0 THEN '0' \
         ELSE CASE WHEN {value} < 0 THEN '-' ELSE '' END || CAST({mantissa} AS VARCHAR) \
         || 'p' || CAST(CAST({exponent} AS NUMBER(5,0)) AS VARCHAR) END"
    )
}
