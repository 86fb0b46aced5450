//! Comparing a column with the exact text of a cursor value.

use model::LogicalType;

use super::sql::literal;

/// Whether `column`, which DuckDB keeps as `data_type`, is not below `bound`.
pub(super) fn at_or_above(column: &str, logical_type: &LogicalType, data_type: &str, bound: &str) -> String {
    compared(column, ">=", logical_type, data_type, bound)
}

/// Whether it is below `bound`.
pub(super) fn below(column: &str, logical_type: &LogicalType, data_type: &str, bound: &str) -> String {
    compared(column, "<", logical_type, data_type, bound)
}

fn compared(column: &str, how: &str, logical_type: &LogicalType, data_type: &str, bound: &str) -> String {
    match logical_type {
        // By bytes, as the watermark is: a collation, and the order in which an ENUM was declared, are other orders.
        LogicalType::Text => format!("encode(CAST({column} AS VARCHAR)) {how} encode({})", literal(bound)),
        LogicalType::Binary => format!("{column} {how} unhex({})", literal(bound)),
        _ if data_type == "TIMESTAMP WITH TIME ZONE" => {
            format!("{column} {how} CAST({} AS {data_type})", literal(&format!("{bound}+00:00")))
        }
        _ => format!("{column} {how} CAST({} AS {data_type})", literal(bound)),
    }
}
