//! The types that a push gives to columns, by exact conversion or not at all.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::name::VendorColumn;

/// A type as a sync file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum ColumnType {
    Text,
    Number { precision: u8, scale: u8 },
    Float,
    Bool,
    Date,
    Timestamp,
    Json,
}

/// What a number holds where the file does not say.
const NUMBER: ColumnType = ColumnType::Number { precision: 38, scale: 9 };
const PRECISION_MAX: u8 = 38;

impl TryFrom<String> for ColumnType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is no type; write text, number, number(18,2), float, bool, date, timestamp or json"
            )
        };
        Ok(match text.as_str() {
            "text" => Self::Text,
            "number" => NUMBER,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "json" => Self::Json,
            other => {
                let inner = other.strip_prefix("number(").and_then(|rest| rest.strip_suffix(')'));
                let (precision, scale) = inner.and_then(|inner| inner.split_once(',')).ok_or_else(refused)?;
                let digits = |text: &str| text.trim().parse::<u8>().map_err(|_| refused());
                let (precision, scale) = (digits(precision)?, digits(scale)?);
                if precision == 0 || precision > PRECISION_MAX || scale > precision {
                    return Err(refused());
                }
                Self::Number { precision, scale }
            }
        })
    }
}

impl ColumnType {
    fn sql(self) -> String {
        match self {
            Self::Text => "VARCHAR".to_owned(),
            Self::Number { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::Float => "DOUBLE".to_owned(),
            Self::Bool => "BOOLEAN".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::Json => "JSON".to_owned(),
        }
    }
}

/// The query with some of its columns in other types. What would not come back the same from its new type ends the statement.
pub(super) fn typed_sql(query: &str, types: &BTreeMap<VendorColumn, ColumnType>) -> String {
    let converted = types.iter().map(|(VendorColumn(name), column_type)| {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        format!("{} AS {quoted}", exact(&quoted, *column_type))
    });
    let converted: Vec<String> = converted.collect();
    format!("SELECT * REPLACE ({}) FROM (\n{query}\n) AS typed", converted.join(",\n"))
}

fn exact(column: &str, column_type: ColumnType) -> String {
    let cast = format!("CAST({column} AS {})", column_type.sql());
    if column_type == ColumnType::Text {
        return cast;
    }
    // Text is compared by what it says: a number with more digits than fit is another number.
    let same = match column_type {
        ColumnType::Number { .. } => format!(
            "CASE WHEN typeof({column}) = 'VARCHAR' THEN TRY_CAST({column}::VARCHAR AS DOUBLE) = {cast}::DOUBLE\n\
             AND NOT regexp_matches({column}::VARCHAR, '\\.[0-9]{{{},}}[1-9]') ELSE {cast} = {column} END",
            digits_behind(column_type)
        ),
        ColumnType::Date => format!("{cast}::TIMESTAMP = CAST({column} AS TIMESTAMP)"),
        // A cast would leave out the offset that a text has.
        ColumnType::Timestamp => format!(
            "CASE WHEN typeof({column}) = 'VARCHAR'\n\
             THEN NOT regexp_matches(substr({column}::VARCHAR, 11), '[+-][0-9]{{2}}(:?[0-9]{{2}})?$') ELSE {cast} = {column} END"
        ),
        ColumnType::Bool => format!("lower({column}::VARCHAR) IN ('true', 'false', '1', '0')"),
        ColumnType::Text | ColumnType::Float | ColumnType::Json => "true".to_owned(),
    };
    format!(
        "CASE WHEN {column} IS NULL THEN NULL WHEN {same} THEN {cast}\n\
         ELSE error('a value of {} is no {}') END",
        column.replace('\'', "''"),
        column_type.sql()
    )
}

fn digits_behind(column_type: ColumnType) -> u8 {
    match column_type {
        ColumnType::Number { scale, .. } => scale,
        _ => 0,
    }
}
