//! Which row and column of which file could not be loaded.

use duckdb::Connection;

use super::files::SourceFile;
use super::history::FirstError;
use super::part::{Part, Value};
use crate::outcome::SqlError;
use crate::sql::catalog::TableEntry;
use crate::sql::error::{error, from_duckdb};
use crate::sql::names::display;

/// A value that could not be loaded.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub error: SqlError,
    /// From 1.
    pub row: u64,
    pub line: Option<u64>,
    /// The column's place in the table, from 1.
    pub place: usize,
    pub column: String,
}

impl Part<'_> {
    /// The condition that finds rows that cannot be loaded; none where every value always can.
    pub(super) fn bad_rows(&self, entry: &TableEntry) -> Option<String> {
        let tests: Vec<String> =
            self.values.iter().zip(&entry.columns).filter(|(value, _)| value.is_loaded).map(test).collect();
        (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")))
    }

    /// Rows of each file that cannot be loaded, in the order of the source's files.
    pub(super) fn count_bad(
        &self,
        connection: &Connection,
        entry: &TableEntry,
    ) -> Result<Vec<u64>, SqlError> {
        let Some(bad) = self.bad_rows(entry) else { return Ok(vec![0; self.source.files.len()]) };
        let failed = |failure: duckdb::Error| from_duckdb(&failure);
        let (from, path) = (&self.relation.from, &self.relation.path);
        let mut statement = connection
            .prepare(&format!("SELECT {path}, count(*) FROM {from} WHERE {bad} GROUP BY ALL"))
            .map_err(failed)?;
        let counted = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))
            .and_then(Iterator::collect::<duckdb::Result<Vec<_>>>)
            .map_err(failed)?;
        let count = |file: &SourceFile| {
            let path = file.plaintext.to_string_lossy();
            counted.iter().find(|(found, _)| *found == path).map_or(0, |(_, count)| *count)
        };
        Ok(self.source.files.iter().map(count).collect())
    }

    /// The first value of a file that cannot be loaded.
    pub(super) fn first_failure(
        &self,
        connection: &Connection,
        entry: &TableEntry,
        file: &SourceFile,
    ) -> Result<Option<Failure>, SqlError> {
        let Some(bad) = self.bad_rows(entry) else { return Ok(None) };
        let failed = |failure: duckdb::Error| from_duckdb(&failure);
        let (from, row) = (&self.relation.from, &self.relation.row);
        let is_here = format!("{} = {}", self.relation.path, file.path());
        let first: Option<u64> = connection
            .query_row(&format!("SELECT min({row}) FROM {from} WHERE {is_here} AND {bad}"), [], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        let Some(first) = first else { return Ok(None) };
        let at = format!("FROM {from} WHERE {is_here} AND {row} = {first}");
        let line = match &self.relation.line {
            Some(line) => Some(
                connection.query_row(&format!("SELECT {line} {at}"), [], |row| row.get(0)).map_err(failed)?,
            ),
            None => None,
        };
        for (place, (value, column)) in self.values.iter().zip(&entry.columns).enumerate() {
            if !value.is_loaded {
                continue;
            }
            let is_bad: bool = connection
                .query_row(&format!("SELECT {} {at}", test((value, column))), [], |row| row.get(0))
                .map_err(failed)?;
            if is_bad {
                let given = connection.query_row(&format!("SELECT hash({}) {at}", value.sql), [], |_| Ok(()));
                let error = given.err().map_or_else(null_result, |failure| from_duckdb(&failure));
                let column = column.name.clone();
                return Ok(Some(Failure { error, row: first, line, place: place + 1, column }));
            }
        }
        Ok(None)
    }
}

/// True where the value fails, or is NULL and may not be. Neither the value's own NULL nor what DuckDB knows of the
/// file's statistics decides it: the value is computed.
fn test((value, column): (&Value, &crate::sql::catalog::ColumnEntry)) -> String {
    if column.nullable {
        format!("(TRY(hash({})) IS NULL)", value.sql)
    } else {
        format!("(TRY({}) IS NULL)", value.sql)
    }
}

fn null_result() -> SqlError {
    error("100072", "22000", "NULL result in a non-nullable column")
}

impl Failure {
    /// The error of the statement, with its place.
    pub(super) fn into_error(self, table: &str, file: &SourceFile) -> SqlError {
        let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let column = format!(", column {}[{}:{}]", quoted(table), quoted(&self.column), self.place);
        let mut error = self.error;
        error.message =
            format!("{}\n  File '{}'{line}\n  Row {}{}", error.message, file.shown, self.row, place(&column));
        error
    }

    pub(super) fn into_first_error(self, table: &str) -> FirstError {
        FirstError {
            message: self.error.message,
            line: self.line.unwrap_or(self.row),
            character: None,
            column: format!("{}[{}:{}]", quoted(table), quoted(&self.column), self.place),
        }
    }
}

/// What stands behind the row's number: the column, and Snowflake's advice.
pub(super) fn place(column: &str) -> String {
    format!(
        "{column}\n  If you would like to continue loading when an error is encountered, use other values such as \
         'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more information on loading options, please run 'info \
         loading_data' in a SQL client."
    )
}

fn quoted(name: &str) -> String {
    let shown = display(name);
    if shown.starts_with('"') { shown } else { format!("\"{shown}\"") }
}
