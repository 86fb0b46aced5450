//! Snowflake's errors: their codes, states and words, and how DuckDB's errors become them.

use sqlparser::tokenizer::Span;

use crate::outcome::SqlError;

/// What raises an error with a Snowflake code from inside a running DuckDB statement starts its message with this.
const RAISED: &str = "SNOW:";

/// Codes that may be raised from inside DuckDB, with their states.
const RAISABLE: [(&str, &str); 10] = [
    ("100035", "22007"),
    ("100037", "22018"),
    ("100038", "22018"),
    ("100039", "22003"),
    ("100051", "22012"),
    ("100069", "22P02"),
    ("100071", "22000"),
    ("100078", "22000"),
    ("100082", "22000"),
    ("100132", "22003"),
];

pub(crate) fn error(code: &'static str, sql_state: &'static str, message: impl Into<String>) -> SqlError {
    SqlError { code, sql_state, message: message.into(), position: None }
}

/// A message that a function running inside DuckDB fails with, to come out as the Snowflake error `code`.
pub(crate) fn raised(code: &str, message: impl std::fmt::Display) -> String {
    format!("{RAISED}{code}:{message}")
}

pub(crate) fn compilation(code: &'static str, sql_state: &'static str, message: &str) -> SqlError {
    error(code, sql_state, format!("SQL compilation error:\n{message}"))
}

pub(crate) fn at(mut error: SqlError, span: Span) -> SqlError {
    if span.start.line > 0 {
        let (line, column) = (span.start.line, span.start.column.saturating_sub(1));
        error.position = Some((line, column));
        if let Some(rest) = error.message.strip_prefix("SQL compilation error:\n") {
            error.message = format!("SQL compilation error: error line {line} at position {column}\n{rest}");
        }
    }
    error
}

/// Something Snowflake knows and the emulator does not.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> SqlError {
    error("000002", "0A000", format!("SQL compilation error:\n{what} is not supported by the emulator"))
}

pub(crate) fn syntax(line: u64, column: u64, found: &str) -> SqlError {
    SqlError {
        code: "001003",
        sql_state: "42000",
        message: format!(
            "SQL compilation error:\nsyntax error line {line} at position {column} unexpected '{found}'."
        ),
        position: Some((line, column)),
    }
}

pub(crate) fn missing(kind: &str, name: &str) -> SqlError {
    compilation("002003", "42S02", &format!("{kind} '{name}' does not exist or not authorized."))
}

pub(crate) fn missing_for_operation(kind: &str, name: &str) -> SqlError {
    compilation("002003", "02000", &format!("{kind} '{name}' does not exist or not authorized."))
}

/// What USE answers for an object that is not there or not visible.
pub(crate) fn cannot_be_performed() -> SqlError {
    compilation("002043", "02000", "Object does not exist, or operation cannot be performed.")
}

pub(crate) fn exists(name: &str) -> SqlError {
    compilation("002002", "42710", &format!("Object '{name}' already exists."))
}

pub(crate) fn invalid_identifier(name: &str, span: Span) -> SqlError {
    at(compilation("000904", "42000", &format!("invalid identifier '{name}'")), span)
}

pub(crate) fn ambiguous(name: &str, span: Span) -> SqlError {
    at(compilation("002028", "42601", &format!("ambiguous column name '{name}'")), span)
}

pub(crate) fn unknown_function(name: &str) -> SqlError {
    compilation(
        "002140",
        "42601",
        &format!("Unknown function {name} (or one that is not supported by the emulator)"),
    )
}

pub(crate) fn invalid_arguments(function: &str, found: &str) -> SqlError {
    compilation("001044", "42P13", &format!("Invalid argument types for function '{function}': ({found})"))
}

pub(crate) fn insufficient_privileges(kind: &str, name: &str) -> SqlError {
    error(
        "003001",
        "42501",
        format!("SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'"),
    )
}

/// Something that Snowflake itself does not have.
pub(crate) fn unsupported_feature(feature: &str) -> SqlError {
    error("000002", "0A000", format!("Unsupported feature '{feature}'."))
}

/// A table has no rows to show as of a time.
pub(crate) fn time_travel_unavailable(table: &str) -> SqlError {
    error(
        "000707",
        "02000",
        format!(
            "Time travel data is not available for table {table}. The requested time is either beyond the allowed \
             time travel period or before the object creation time."
        ),
    )
}

/// CHANGES of something whose changes were not tracked all the time.
pub(crate) fn changes_unavailable(path: &str) -> SqlError {
    error(
        "091930",
        "22000",
        format!(
            "SQL compilation error: Change tracking is not enabled or has been missing for the time range requested \
             on table '{path}'."
        ),
    )
}

pub(crate) fn no_warehouse() -> SqlError {
    error(
        "000606",
        "57P03",
        "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' \
         command.\n",
    )
}

pub(crate) fn cancelled() -> SqlError {
    error("000604", "57014", "SQL execution canceled")
}

/// Something that should not happen: a DuckDB failure that stands for no Snowflake error we know.
pub(crate) fn internal(message: impl std::fmt::Display) -> SqlError {
    error("000603", "XX000", format!("the emulator failed: {message}"))
}

/// The text between two marks, for picking a value out of a DuckDB message.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let from = text.find(start)? + start.len();
    let length = text[from..].find(end)?;
    Some(&text[from..from + length])
}

/// The Snowflake error for a DuckDB failure.
pub(crate) fn from_duckdb(failure: &duckdb::Error) -> SqlError {
    from_duckdb_message(&failure.to_string())
}

pub(crate) fn from_duckdb_message(text: &str) -> SqlError {
    if let Some(raised) = text.find(RAISED).map(|start| &text[start + RAISED.len()..]) {
        let (code, message) = raised.split_once(':').unwrap_or((raised, ""));
        if let Some((code, state)) = RAISABLE.iter().find(|(known, _)| *known == code) {
            return error(code, state, message.trim_end());
        }
    }
    if text.contains("INTERRUPT") || text.contains("Interrupted") {
        return cancelled();
    }
    if let Some(column) = between(text, "NOT NULL constraint failed: ", "\n").or_else(|| {
        text.find("NOT NULL constraint failed: ")
            .map(|at| text[at + "NOT NULL constraint failed: ".len()..].trim())
    }) {
        return error("100072", "22000", format!("NULL result in a non-nullable column ({column})"));
    }
    if let Some(value) = between(text, "Could not convert string \"", "\" to ") {
        return error("100038", "22018", format!("Numeric value '{value}' is not recognized"));
    }
    let is_timestamp =
        text.contains("imestamp") && (text.contains("out of range") || text.contains("Could not convert"));
    if is_timestamp || (text.contains("be cast to the destination type") && text.contains("TIMESTAMP_NS")) {
        return error(
            "100035",
            "22007",
            "Timestamp outside of what its scale can hold in the emulator: scale 7 to 9 reaches from 1677 to 2262, \
             declare scale 0 to 6 for other years",
        );
    }
    if text.contains("Could not cast value") || text.contains("out of range") || text.contains("Overflow") {
        let value = between(text, "Could not cast value ", " to").unwrap_or("");
        return error("100039", "22003", format!("Numeric value '{value}' is out of range"));
    }
    if text.contains("UTF8") {
        return error("100144", "22000", "Invalid UTF8 detected in string");
    }
    if text.contains("Invalid input for hex digit") {
        return error("100115", "22000", "The following string is not a legal hex-encoded value");
    }
    if text.contains("must appear in the GROUP BY") {
        return compilation("000979", "42601", "a selected column is not a valid group by expression");
    }
    if text.contains("TransactionContext Error") || text.contains("Conflict") || text.contains("conflict") {
        return error(
            "000625",
            "57014",
            "the statement conflicts with another transaction on the same table",
        );
    }
    internal(text)
}
