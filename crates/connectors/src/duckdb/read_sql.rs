//! The statements that read from a tenant's file.

use duckdb::Connection;
use model::{
    Error, ErrorKind, LogicalType, NullCursor, PlannedColumn, ReadPlan, Result, StreamName, StreamPlan,
    offset_column_name,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::bound::at_or_above;
use super::error::failed;
use super::position::Position;
use super::read_type::{Described, expression, known_columns};
use super::sql::{literal, quoted, quoted_target};
use crate::watermark::lower_bound;

/// A statement that reads a plan's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadStatement {
    pub(super) sql: String,
    /// Which rows are read; all of them where absent.
    pub(super) condition: Option<String>,
    /// The name at the source and the DuckDB type of each column of the answer.
    pub(super) columns: Vec<(String, String)>,
}

/// Reads the plan's rows: all of them, or those from the position's watermark on, less the lookback. One statement is
/// one snapshot.
pub(super) fn read_statement(
    plan: &StreamPlan,
    committed: &Position,
    from: &str,
    described: &[Described],
) -> Result<ReadStatement> {
    refuse_changes(plan, described)?;
    let (mut columns, mut expressions) = (Vec::new(), Vec::new());
    for column in &plan.columns {
        let data_type = data_type(plan, described, &column.source)?;
        expressions.push(expression(&column.source, &data_type));
        columns.push((column.source.clone(), data_type));
        if matches!(column.logical_type, LogicalType::TimestampOffset { .. }) {
            let offset = offset_column_name(&column.source);
            expressions.push(quoted(&offset));
            columns.push((offset, "SMALLINT".to_owned()));
        }
    }
    let condition = condition(plan, committed, described)?;
    let mut sql = format!("SELECT {} FROM {from}", expressions.join(", "));
    if let Some(condition) = &condition {
        sql.push_str(&format!(" WHERE {condition}"));
    }
    Ok(ReadStatement { sql, condition, columns })
}

/// What stands behind FROM for a stream. A query is taken only if it is one statement that reads: as a part of another
/// statement it could otherwise end that and start one of its own.
pub(super) fn from_sql(connection: &Connection, stream: &StreamName) -> Result<String> {
    match stream {
        StreamName::Table(table) if table.database.is_some() => {
            Err(Error::config("table_qualified", format!("{table} names a database in front of its schema"))
                .with_remedy("write schema.table: a tenant's file is the database"))
        }
        StreamName::Table(table) => Ok(quoted_target(table)),
        StreamName::Query { sql, .. } => {
            refuse_more_than_reading(connection, stream, sql)?;
            // The query ends in a line break, since its last line may be a comment.
            let sql = sql.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
            Ok(format!("(\n{sql}\n) AS source"))
        }
    }
}

/// What DuckDB says about a text that it has parsed.
#[derive(Deserialize)]
struct Parsed {
    error: bool,
    error_type: Option<String>,
    #[serde(default)]
    statements: Vec<IgnoredAny>,
}

/// DuckDB's own parser tells what the text is: it writes down statements that read, and refuses any others.
fn refuse_more_than_reading(connection: &Connection, stream: &StreamName, sql: &str) -> Result<()> {
    let refused = |code, what: &str| {
        Err(Error::config(code, format!("{stream} {what}")).with_remedy(
            "give one SELECT (or WITH, FROM, VALUES); nothing else is run on the vendor database",
        ))
    };
    if sql.contains('\0') {
        return refused("query_not_parsed", "has a zero character in it");
    }
    let parse = format!("SELECT CAST(json_serialize_sql({}) AS VARCHAR)", literal(sql));
    let parsed: String =
        connection.query_row(&parse, [], |row| row.get(0)).map_err(|e| failed("parse the query", e))?;
    let parsed: Parsed = serde_json::from_str(&parsed).map_err(|error| {
        Error::internal("DuckDB's parser gave an answer of another form").with_source(error)
    })?;
    match (parsed.error, parsed.error_type.as_deref(), parsed.statements.len()) {
        (true, Some("parser"), _) => refused("query_not_parsed", "is not SQL that DuckDB can parse"),
        (true, _, _) => refused("query_not_a_read", "does more than read"),
        (false, _, 1) => Ok(()),
        (false, _, 0) => refused("query_empty", "has no statement in it"),
        (false, _, _) => refused("query_of_many_statements", "is more than one statement"),
    }
}

fn data_type(plan: &StreamPlan, described: &[Described], name: &str) -> Result<String> {
    let column = described.iter().find(|column| column.name == name);
    column.map(|column| column.data_type.clone()).ok_or_else(|| changed(plan, name))
}

/// The plan was made from a description that may be out of date by now.
fn refuse_changes(plan: &StreamPlan, described: &[Described]) -> Result<()> {
    let known = known_columns(described);
    for planned in &plan.columns {
        let found = known.iter().find(|column| column.name == planned.source);
        if !found.is_some_and(|found| is_as_planned(&found.logical_type, planned)) {
            return Err(changed(plan, &planned.source));
        }
    }
    Ok(())
}

fn changed(plan: &StreamPlan, name: &str) -> Error {
    let message = format!("column {name} of {} changed while the run was about to read it", plan.stream);
    Error::new(ErrorKind::SchemaChanged, "columns_changed", message).with_remedy("run again")
}

/// A lossy timestamp is planned to hold all years and so to give up its nanoseconds.
fn is_as_planned(found: &LogicalType, planned: &PlannedColumn) -> bool {
    use LogicalType::{Timestamp, TimestampOffset, TimestampUtc};
    match (found, &planned.logical_type) {
        (Timestamp { scale, .. }, Timestamp { scale: planned_scale, .. })
        | (TimestampUtc { scale, .. }, TimestampUtc { scale: planned_scale, .. })
        | (TimestampOffset { scale, .. }, TimestampOffset { scale: planned_scale, .. }) => {
            scale == planned_scale
        }
        (found, planned) => found == planned,
    }
}

fn condition(plan: &StreamPlan, committed: &Position, described: &[Described]) -> Result<Option<String>> {
    let ReadPlan::ByCursor { cursor_column, cursor_type, lookback, from, null_cursor } = &plan.read else {
        return Ok(None);
    };
    let column = quoted(cursor_column);
    let Some(watermark) = &committed.watermark else {
        let excluded = *null_cursor == NullCursor::Exclude;
        return Ok(excluded.then(|| format!("{column} IS NOT NULL")));
    };
    let bound = lower_bound(cursor_type, watermark, *lookback, *from)?;
    let data_type = data_type(plan, described, cursor_column)?;
    let at_or_above = at_or_above(&column, cursor_type, &data_type, &bound);
    Ok(Some(match null_cursor {
        NullCursor::Include => format!("({at_or_above} OR {column} IS NULL)"),
        NullCursor::Exclude => at_or_above,
    }))
}
