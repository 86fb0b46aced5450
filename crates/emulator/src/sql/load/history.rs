//! What was loaded into which table: a DuckDB table beside the rows, so that both commit or roll back together.

use std::collections::BTreeSet;

use duckdb::Connection;

use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::OutputColumn;
use crate::sql::names::literal;
use crate::sql::physical::{TEXT, fixed};
use crate::sql::run::{execute, execute_all};

const TABLE: &str = "emulator_loads";
/// How long a loaded file is known, in nanoseconds: 64 days.
const KNOWN_NS: i64 = 64 * 86_400 * 1_000_000_000;

/// How a file fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadStatus {
    Loaded,
    PartiallyLoaded,
    Failed,
    Skipped,
}

impl LoadStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            LoadStatus::Loaded => "LOADED",
            LoadStatus::PartiallyLoaded => "PARTIALLY_LOADED",
            LoadStatus::Failed => "LOAD_FAILED",
            LoadStatus::Skipped => "LOAD_SKIPPED",
        }
    }

    /// As COPY_HISTORY writes it.
    fn history_name(self) -> &'static str {
        match self {
            LoadStatus::Loaded => "Loaded",
            LoadStatus::PartiallyLoaded => "Partially loaded",
            LoadStatus::Failed => "Load failed",
            LoadStatus::Skipped => "Load skipped",
        }
    }
}

/// The first error of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstError {
    pub message: String,
    pub line: u64,
    pub character: Option<u64>,
    pub column: String,
}

/// What is remembered of one file.
#[derive(Clone, Debug)]
pub(crate) struct LoadedFile {
    /// The name as COPY reports it.
    pub shown: String,
    pub name: String,
    pub etag: String,
    pub size: u64,
    pub status: LoadStatus,
    pub rows_parsed: u64,
    pub rows_loaded: u64,
    pub error_limit: u64,
    pub errors_seen: u64,
    pub first_error: Option<FirstError>,
}

/// Makes the table where it is missing, and drops what is known of tables that are gone.
pub(crate) fn prepare(root: &Connection, tables: &[String]) -> Result<(), SqlError> {
    execute_all(
        root,
        &format!(
            "CREATE TABLE IF NOT EXISTS {TABLE}(table_id UBIGINT, stage VARCHAR, location VARCHAR, name VARCHAR, \
             shown VARCHAR, etag VARCHAR, size UBIGINT, loaded_at TIMESTAMP_NS, status VARCHAR, rows_parsed UBIGINT, \
             rows_loaded UBIGINT, error_limit UBIGINT, errors_seen UBIGINT, first_error VARCHAR, \
             first_error_line UBIGINT, first_error_character UBIGINT, first_error_column VARCHAR)"
        ),
    )?;
    let known: Vec<String> = tables.iter().map(|table| literal(table)).collect();
    let is_gone = if known.is_empty() {
        "TRUE".to_owned()
    } else {
        format!("'t' || table_id NOT IN ({})", known.join(", "))
    };
    execute_all(root, &format!("DELETE FROM {TABLE} WHERE {is_gone}"))
}

/// The files of a Snowflake stage that are in the table already, each with its checksum.
pub(super) fn loaded(
    connection: &Connection,
    table: u64,
    stage: &str,
    now: i64,
) -> Result<BTreeSet<(String, String)>, SqlError> {
    let failed = |failure: duckdb::Error| crate::sql::error::from_duckdb(&failure);
    let mut statement = connection
        .prepare(&format!(
            "SELECT name, etag FROM {TABLE} WHERE table_id = {table} AND stage = {} AND rows_loaded > 0 \
             AND loaded_at > make_timestamp_ns({})",
            literal(stage),
            now - KNOWN_NS
        ))
        .map_err(failed)?;
    let files = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    files.collect::<duckdb::Result<_>>().map_err(failed)
}

/// Where files were loaded from and to.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoadedInto<'l> {
    pub table: u64,
    pub stage: &'l str,
    pub location: &'l str,
    pub now: i64,
}

pub(super) fn remember(
    connection: &Connection,
    into: LoadedInto<'_>,
    files: &[LoadedFile],
) -> Result<(), SqlError> {
    let number = |number: Option<u64>| number.map_or_else(|| "NULL".to_owned(), |number| number.to_string());
    let text = |text: Option<&str>| text.map_or_else(|| "NULL".to_owned(), literal);
    let rows: Vec<String> = files
        .iter()
        .filter(|file| file.status != LoadStatus::Skipped)
        .map(|file| {
            let error = file.first_error.as_ref();
            format!(
                "({}, {}, {}, {}, {}, {}, {}, make_timestamp_ns({}), {}, {}, {}, {}, {}, {}, {}, {}, {})",
                into.table,
                literal(into.stage),
                literal(into.location),
                literal(&file.name),
                literal(&file.shown),
                literal(&file.etag),
                file.size,
                into.now,
                literal(file.status.history_name()),
                file.rows_parsed,
                file.rows_loaded,
                file.error_limit,
                file.errors_seen,
                text(error.map(|error| error.message.as_str())),
                number(error.map(|error| error.line)),
                number(error.and_then(|error| error.character)),
                text(error.map(|error| error.column.as_str())),
            )
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    execute(connection, &format!("INSERT INTO {TABLE} VALUES {}", rows.join(", ")))?;
    Ok(())
}

/// Forgets what was loaded into a table, as TRUNCATE does.
pub(crate) fn forget(connection: &Connection, table: u64) -> Result<(), SqlError> {
    execute_all(connection, &format!("DELETE FROM {TABLE} WHERE table_id = {table}"))
}

/// The loads of one table as COPY_HISTORY gives them, with the times they are between in DuckDB's text.
pub(crate) fn relation(path: &[String; 3], table: u64, from: &str, to: &str) -> (Vec<OutputColumn>, String) {
    let [database, schema, name] = path.each_ref().map(|part| literal(part));
    let number = |sql: &str| (format!("CAST({sql} AS DECIMAL(18,0))"), fixed(18, 0));
    let text = |sql: &str| (format!("CAST({sql} AS VARCHAR)"), TEXT);
    let columns = [
        ("FILE_NAME", text("name")),
        ("STAGE_LOCATION", text("location")),
        ("LAST_LOAD_TIME", ("loaded_at".to_owned(), SnowType::TimestampLtz { scale: 9 })),
        ("ROW_COUNT", number("rows_loaded")),
        ("ROW_PARSED", number("rows_parsed")),
        ("FILE_SIZE", number("size")),
        ("FIRST_ERROR_MESSAGE", text("first_error")),
        ("FIRST_ERROR_LINE_NUMBER", number("first_error_line")),
        ("FIRST_ERROR_CHARACTER_POS", number("first_error_character")),
        ("FIRST_ERROR_COLUMN_NAME", text("first_error_column")),
        ("ERROR_COUNT", number("errors_seen")),
        ("ERROR_LIMIT", number("error_limit")),
        ("STATUS", text("status")),
        ("TABLE_CATALOG_NAME", text(&database)),
        ("TABLE_SCHEMA_NAME", text(&schema)),
        ("TABLE_NAME", text(&name)),
        ("PIPE_CATALOG_NAME", text("NULL")),
        ("PIPE_SCHEMA_NAME", text("NULL")),
        ("PIPE_NAME", text("NULL")),
        (
            "PIPE_RECEIVED_TIME",
            ("CAST(NULL AS TIMESTAMP_NS)".to_owned(), SnowType::TimestampLtz { scale: 9 }),
        ),
        ("BYTES_BILLED", number("NULL")),
    ];
    let list = columns.iter().enumerate().map(|(place, (_, (sql, _)))| format!("{sql} AS c{}", place + 1));
    let sql = format!(
        "SELECT {} FROM {TABLE} WHERE table_id = {table} AND loaded_at >= {from} AND loaded_at <= {to}",
        list.collect::<Vec<_>>().join(", ")
    );
    let outputs = columns.into_iter().map(|(name, (_, ty))| OutputColumn {
        name: name.to_owned(),
        ty,
        nullable: true,
        origin: None,
    });
    (outputs.collect(), sql)
}
