//! What a tenant's file holds: tables and views, their columns, keys and sizes.

use duckdb::{Connection, OptionalExt, params};
use model::{Error, ErrorKind, Result, StreamFilter, StreamKind, StreamName, StreamSchema, TableName};

use super::error::{failed, statement_refused};
use super::read_sql::from_sql;
use super::read_type::{Described, columns, known_columns, logical_type};

/// Describes one table, view or query without reading it.
pub(super) fn describe(connection: &Connection, stream: &StreamName) -> Result<StreamSchema> {
    let kind = kind(connection, stream)?;
    let described = described(connection, stream)?;
    let columns = columns(stream, &described)?;
    schema(connection, stream, kind, columns)
}

/// Lists tables and views with their columns. A column of a type that cannot be moved is left out here; describing its
/// stream says what to do about it.
pub(super) fn discover(connection: &Connection, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
    let mut streams = Vec::new();
    for (table, kind) in tables_and_views(connection, filter)? {
        let stream = StreamName::Table(table);
        let described = match described(connection, &stream) {
            Ok(described) => described,
            Err(error) if kind == StreamKind::View => {
                tracing::warn!(stream.name = %stream, error = %error, "a view that cannot be read is left out");
                continue;
            }
            Err(error) => return Err(error),
        };
        for column in described.iter().filter(|column| logical_type(&column.data_type).is_none()) {
            tracing::warn!(column.name, stream.name = %stream, "a column of type {} is left out", column.data_type);
        }
        streams.push(schema(connection, &stream, kind, known_columns(&described))?);
    }
    Ok(streams)
}

/// The columns of a stream in DuckDB's own types, compiled and not run.
pub(super) fn described(connection: &Connection, stream: &StreamName) -> Result<Vec<Described>> {
    let sql = format!("DESCRIBE SELECT * FROM {}", from_sql(connection, stream)?);
    let described = || -> duckdb::Result<Vec<Described>> {
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            let nullable: String = row.get(2)?;
            Ok(Described { name: row.get(0)?, data_type: row.get(1)?, is_nullable: nullable != "NO" })
        })?;
        rows.collect()
    };
    described().map_err(|error| statement_refused(stream, &error))
}

/// Rows that a read would give, where that is known without doing the work twice.
pub(super) fn count(connection: &Connection, from: &str, condition: Option<&str>) -> Result<u64> {
    let condition = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let sql = format!("SELECT count(*)::UBIGINT FROM {from}{condition}");
    connection.query_row(&sql, [], |row| row.get(0)).map_err(|e| failed("count rows", e))
}

/// What kind of object a stream is; an absent one is an error.
pub(super) fn kind(connection: &Connection, stream: &StreamName) -> Result<StreamKind> {
    let StreamName::Table(table) = stream else { return Ok(StreamKind::Query) };
    let is_view: Option<bool> = connection
        .query_row(
            "SELECT is_view FROM (
                 SELECT schema_name, table_name AS name, false AS is_view FROM duckdb_tables() WHERE database_name = 'vendor'
                 UNION ALL
                 SELECT schema_name, view_name, true FROM duckdb_views() WHERE database_name = 'vendor'
             ) WHERE lower(schema_name) = lower(?) AND lower(name) = lower(?)",
            params![table.schema, table.table],
            |row| row.get(0),
        )
        .optional()
        .map_err(|e| failed("look for the stream", e))?;
    match is_view {
        Some(true) => Ok(StreamKind::View),
        Some(false) => Ok(StreamKind::Table),
        None => Err(Error::new(
            ErrorKind::NotFound,
            "stream_not_found",
            format!("the vendor database has no table or view {stream}"),
        )
        .with_remedy("check the name with `snowferry discover`")),
    }
}

fn schema(
    connection: &Connection,
    stream: &StreamName,
    kind: StreamKind,
    columns: Vec<model::Column>,
) -> Result<StreamSchema> {
    let (key, row_count) = match stream {
        StreamName::Table(table) if kind == StreamKind::Table => {
            (primary_key(connection, table)?, Some(count(connection, &from_sql(connection, stream)?, None)?))
        }
        _ => (Vec::new(), None),
    };
    Ok(StreamSchema { stream: stream.clone(), kind, columns, key, row_count, bytes: None })
}

fn primary_key(connection: &Connection, table: &TableName) -> Result<Vec<String>> {
    let key = || -> duckdb::Result<Vec<String>> {
        let mut statement = connection.prepare(
            "SELECT unnest(constraint_column_names) FROM duckdb_constraints()
             WHERE database_name = 'vendor' AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)
               AND constraint_type = 'PRIMARY KEY'",
        )?;
        statement.query_map(params![table.schema, table.table], |row| row.get(0))?.collect()
    };
    key().map_err(|e| failed("read the key", e))
}

/// In order of name. Our own notes are nobody's stream.
fn tables_and_views(connection: &Connection, filter: &StreamFilter) -> Result<Vec<(TableName, StreamKind)>> {
    let list = || -> duckdb::Result<Vec<(TableName, StreamKind)>> {
        let mut statement = connection.prepare(
            "SELECT schema_name, name, is_view FROM (
                 SELECT schema_name, table_name AS name, false AS is_view FROM duckdb_tables()
                 WHERE database_name = 'vendor' AND NOT internal
                 UNION ALL
                 SELECT schema_name, view_name, true FROM duckdb_views() WHERE database_name = 'vendor' AND NOT internal
             ) WHERE NOT starts_with(schema_name, '_snowferry') AND NOT starts_with(name, '_snowferry')
               AND (?1 IS NULL OR schema_name = ?1) AND (?2 IS NULL OR name = ?2)
             ORDER BY ALL",
        )?;
        let rows = statement.query_map(params![filter.schema, filter.table], |row| {
            let (schema, table): (String, String) = (row.get(0)?, row.get(1)?);
            let kind = if row.get(2)? { StreamKind::View } else { StreamKind::Table };
            Ok((TableName::in_vendor_database(schema, table), kind))
        })?;
        rows.collect()
    };
    list().map_err(|e| failed("list tables and views", e))
}
