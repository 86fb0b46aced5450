//! Canonical texts of stored values, in DuckDB's SQL.

use model::{LogicalType, PlannedColumn, Result, offset_column_name};

use super::sql::quoted;
use crate::audit::{Dialect, TEXT_BYTES_MAX};

/// DuckDB's SQL, over a table that a pull has made.
#[derive(Clone, Copy, Debug)]
pub(super) struct DuckDbDialect;

impl Dialect for DuckDbDialect {
    fn value(&self, column: &PlannedColumn) -> Result<String> {
        Ok(quoted(&column.target))
    }

    fn text(&self, logical_type: &LogicalType, value: &str) -> String {
        match logical_type {
            LogicalType::Bool => format!("CASE WHEN {value} THEN '1' WHEN NOT {value} THEN '0' END"),
            LogicalType::Float64 => float_text(value),
            LogicalType::Text => format!(
                "CAST(strlen({value}) AS VARCHAR) || ':' || CASE WHEN strlen({value}) > {TEXT_BYTES_MAX} \
                 THEN md5({value}) ELSE {value} END"
            ),
            LogicalType::Binary => format!("md5({value})"),
            // Texts within the document are taken as they are, and white space between its parts is left out.
            LogicalType::Json | LogicalType::Geo => {
                format!(r#"md5(regexp_replace({value}, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'gs'))"#)
            }
            LogicalType::Date => format!("CAST({value} - DATE '1970-01-01' AS VARCHAR)"),
            LogicalType::Time { .. } => format!("CAST(epoch_ns({value}) AS VARCHAR)"),
            LogicalType::Timestamp { .. } => timestamp_text(value),
            LogicalType::TimestampUtc { .. } | LogicalType::TimestampOffset { .. } => {
                match super::types::stored_type(logical_type).as_str() {
                    "TIMESTAMP_NS" => timestamp_text(value),
                    _ => timestamp_text(&format!("make_timestamp(epoch_us({value}))")),
                }
            }
            LogicalType::Int64
            | LogicalType::Decimal { .. }
            | LogicalType::Decfloat
            | LogicalType::Vector { .. }
            | LogicalType::IntervalMonths
            | LogicalType::IntervalNanoseconds => format!("CAST({value} AS VARCHAR)"),
        }
    }

    fn offset_minutes(&self, column: &PlannedColumn) -> Result<String> {
        Ok(quoted(&offset_column_name(&column.target)))
    }

    fn first_half(&self, text: &str) -> String {
        format!("CAST('0x' || left(md5({text}), 16) AS UBIGINT)")
    }

    fn second_half(&self, text: &str) -> String {
        format!("CAST('0x' || right(md5({text}), 16) AS UBIGINT)")
    }
}

fn timestamp_text(value: &str) -> String {
    format!("strftime({value}, '%Y-%m-%d %H:%M:%S.%n')")
}

/// The logarithm only guesses the exponent; what is left of the value by that guess puts it right.
fn float_text(value: &str) -> String {
    let size = format!("abs(CASE WHEN isfinite({value}) AND {value} <> 0 THEN {value} END)");
    let guess = format!("greatest(least(floor(log2({size})), 1023), -1074)");
    let exponent = format!(
        "({guess} + CASE WHEN {size} / pow(2, {guess}) >= 2 THEN 1 WHEN {size} / pow(2, {guess}) < 1 THEN -1 ELSE 0 END)"
    );
    let mantissa = format!("CAST({size} / pow(2, {exponent}) * 4503599627370496 AS BIGINT)");
    format!(
        "CASE WHEN isnan({value}) THEN 'nan' WHEN {value} = 'inf'::DOUBLE THEN 'inf' WHEN {value} = '-inf'::DOUBLE THEN \
         '-inf' WHEN {value} = 0 THEN '0' ELSE CASE WHEN {value} < 0 THEN '-' ELSE '' END || CAST({mantissa} AS VARCHAR) \
         || 'p' || CAST(CAST({exponent} AS INTEGER) AS VARCHAR) END"
    )
}
