//! What a customer's account holds, asked with SHOW statements that wake no virtual warehouse.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;
use model::{Column, Error, Result, StreamFilter, StreamKind, StreamName, StreamSchema, TableName};
use serde::Deserialize;
use snowflake::{ColumnType, Session, Statement, VectorElement, string_literal};

use super::error::from_client;
use super::sql::{database_of, every_column_sql, quoted, table_sql};
use super::types::logical_type;

/// Snowflake never shows more rows than this in one answer.
const SHOWN_ROWS_MAX: usize = 10_000;

/// Describes one table, view or query from its compiled form; nothing is run.
pub(super) async fn describe(session: &Session, stream: &StreamName) -> Result<StreamSchema> {
    let described = session
        .describe(Statement::new(every_column_sql(stream)?).repeatable())
        .await
        .map_err(from_client)?;
    let mut columns: Vec<Column> = Vec::with_capacity(described.len());
    for column in &described {
        if columns.iter().any(|earlier| earlier.name == column.name) {
            return Err(Error::config(
                "repeated_column",
                format!("{stream} gives two columns the name {}", column.name),
            )
            .with_remedy("give each column of the query a name of its own"));
        }
        columns.push(column_of(stream, &column.name, column.ty, column.nullable)?);
    }
    let mut schema = StreamSchema {
        stream: stream.clone(),
        kind: StreamKind::Query,
        columns,
        key: Vec::new(),
        row_count: None,
        bytes: None,
    };
    if let StreamName::Table(table) = stream {
        let shown = shown_tables(session, database_of(table)?, &table.schema, Some(&table.table)).await?;
        if let Some(shown) = shown.into_iter().next() {
            schema.kind = shown.kind;
            schema.row_count = shown.row_count;
            schema.bytes = shown.bytes;
        }
    }
    Ok(schema)
}

/// Lists tables and views with their columns.
pub(super) async fn discover(session: &Session, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
    let databases = match &filter.database {
        Some(database) => vec![database.clone()],
        None => names(&show(session, "SHOW DATABASES").await?),
    };
    let mut streams = Vec::new();
    for database in databases {
        let schemas = match &filter.schema {
            Some(schema) => vec![schema.clone()],
            None => names(&show(session, &format!("SHOW SCHEMAS IN DATABASE {}", quoted(&database)?)).await?),
        };
        for schema in schemas.into_iter().filter(|schema| schema != "INFORMATION_SCHEMA") {
            streams.extend(discover_schema(session, &database, &schema, filter.table.as_deref()).await?);
        }
    }
    Ok(streams)
}

async fn discover_schema(
    session: &Session,
    database: &str,
    schema: &str,
    table: Option<&str>,
) -> Result<Vec<StreamSchema>> {
    let tables = shown_tables(session, database, schema, table).await?;
    let names: Vec<&TableName> = tables.iter().map(|table| &table.name).collect();
    let mut columns: HashMap<String, Vec<Column>> = HashMap::new();
    for (table, column) in shown_columns(session, &names).await? {
        columns.entry(table).or_default().push(column);
    }
    let streams = tables.into_iter().map(|table| StreamSchema {
        columns: columns.remove(&table.name.table).unwrap_or_default(),
        stream: StreamName::Table(table.name),
        kind: table.kind,
        key: Vec::new(),
        row_count: table.row_count,
        bytes: table.bytes,
    });
    Ok(streams.collect())
}

struct ShownTable {
    name: TableName,
    kind: StreamKind,
    row_count: Option<u64>,
    bytes: Option<u64>,
}

/// Tables and views of one schema, in order of name. A name is unique in its schema, so that pages can go on from it, and
/// that no view has the name of a table that is wanted.
async fn shown_tables(
    session: &Session,
    database: &str,
    schema: &str,
    table: Option<&str>,
) -> Result<Vec<ShownTable>> {
    let like =
        table.map(|table| format!(" LIKE {}", string_literal(&like_pattern(table)))).unwrap_or_default();
    let place = format!("IN SCHEMA {}.{}", quoted(database)?, quoted(schema)?);
    let mut shown = Vec::new();
    for (kind, command) in [(StreamKind::Table, "SHOW TABLES"), (StreamKind::View, "SHOW VIEWS")] {
        for batch in show_pages(session, &format!("{command}{like} {place}")).await? {
            let rows = ShownRows(&batch);
            for row in 0..batch.num_rows() {
                let Some(name) = rows.text("name", row) else { continue };
                if table.is_none_or(|wanted| wanted == name) {
                    shown.push(ShownTable {
                        name: TableName::in_snowflake(database, schema, name),
                        kind,
                        row_count: rows.count("rows", row),
                        bytes: rows.count("bytes", row),
                    });
                }
            }
        }
        if table.is_some() && !shown.is_empty() {
            break;
        }
    }
    shown.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(shown)
}

/// LIKE has wildcards and ignores case; the exact name is compared afterwards.
pub(super) fn like_pattern(name: &str) -> String {
    name.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Columns of tables of one schema, with their table's name. Where a schema has more than one answer can show, every
/// table is asked for by itself.
async fn shown_columns(session: &Session, tables: &[&TableName]) -> Result<Vec<(String, Column)>> {
    let Some(first) = tables.first() else { return Ok(Vec::new()) };
    let place = match tables {
        [only] => format!("TABLE {}", table_sql(only)?),
        _ => format!("SCHEMA {}.{}", quoted(database_of(first)?)?, quoted(&first.schema)?),
    };
    let mut batches = show(session, &format!("SHOW COLUMNS IN {place}")).await?;
    if batches.iter().map(RecordBatch::num_rows).sum::<usize>() >= SHOWN_ROWS_MAX {
        batches.clear();
        for table in tables {
            batches.extend(show(session, &format!("SHOW COLUMNS IN TABLE {}", table_sql(table)?)).await?);
        }
    }
    let mut columns = Vec::new();
    for batch in &batches {
        let rows = ShownRows(batch);
        for row in 0..batch.num_rows() {
            let (Some(table), Some(name), Some(data_type)) =
                (rows.text("table_name", row), rows.text("column_name", row), rows.text("data_type", row))
            else {
                continue;
            };
            let stream = StreamName::Table(TableName { table: table.clone(), ..(*first).clone() });
            let shown: ShownType = serde_json::from_str(&data_type).map_err(|_| {
                Error::internal(format!("the type of column {name} of {stream} could not be read"))
            })?;
            let Some(column_type) = shown.column_type() else {
                tracing::warn!(column.name = name, stream.name = %stream, "a column of an unknown type is left out");
                continue;
            };
            columns.push((table, column_of(&stream, &name, column_type, shown.nullable)?));
        }
    }
    Ok(columns)
}

fn column_of(stream: &StreamName, name: &str, column_type: ColumnType, is_nullable: bool) -> Result<Column> {
    let logical_type = logical_type(column_type).ok_or_else(|| {
        Error::config(
            "type_unknown",
            format!("column {name} of {stream} is {column_type}, which cannot be moved"),
        )
        .with_remedy("leave it out by naming the other columns under `columns`")
    })?;
    Ok(Column { name: name.to_owned(), logical_type, source_type: column_type.to_string(), is_nullable })
}

/// The `data_type` that SHOW COLUMNS gives, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownType {
    #[serde(rename = "type")]
    name: String,
    precision: Option<u8>,
    scale: Option<u8>,
    length: Option<u64>,
    #[serde(default = "yes")]
    pub(super) nullable: bool,
    dimension: Option<u16>,
    vector_element_type: Option<Box<ShownType>>,
}

fn yes() -> bool {
    true
}

impl ShownType {
    pub(super) fn column_type(&self) -> Option<ColumnType> {
        let scale = self.scale.unwrap_or(9);
        Some(match self.name.as_str() {
            "FIXED" => {
                ColumnType::Fixed { precision: self.precision.unwrap_or(38), scale: self.scale.unwrap_or(0) }
            }
            "REAL" => ColumnType::Float,
            "DECFLOAT" => ColumnType::Decfloat,
            "TEXT" => ColumnType::Text { length: self.length },
            "BINARY" => ColumnType::Binary { length: self.length },
            "BOOLEAN" => ColumnType::Boolean,
            "DATE" => ColumnType::Date,
            "TIME" => ColumnType::Time { scale },
            "TIMESTAMP_NTZ" => ColumnType::TimestampNtz { scale },
            "TIMESTAMP_LTZ" => ColumnType::TimestampLtz { scale },
            "TIMESTAMP_TZ" => ColumnType::TimestampTz { scale },
            "VARIANT" => ColumnType::Variant,
            "OBJECT" => ColumnType::Object,
            "ARRAY" => ColumnType::Array,
            "MAP" => ColumnType::Map,
            "GEOGRAPHY" => ColumnType::Geography,
            "GEOMETRY" => ColumnType::Geometry,
            "VECTOR" => {
                let is_int = self.vector_element_type.as_ref().is_some_and(|element| element.name == "FIXED");
                let element = if is_int { VectorElement::Int } else { VectorElement::Float };
                ColumnType::Vector { element, dimension: self.dimension? }
            }
            _ => return None,
        })
    }
}

pub(super) async fn show(session: &Session, sql: &str) -> Result<Vec<RecordBatch>> {
    let result = session.query(Statement::new(sql).repeatable()).await.map_err(from_client)?;
    result.collect().await.map_err(from_client)
}

/// All pages of a SHOW statement that can go on from a name.
async fn show_pages(session: &Session, sql: &str) -> Result<Vec<RecordBatch>> {
    let mut pages = show(session, sql).await?;
    let mut page_rows: usize = pages.iter().map(RecordBatch::num_rows).sum();
    while page_rows >= SHOWN_ROWS_MAX {
        let Some(last) = pages.iter().rev().find_map(|batch| names(std::slice::from_ref(batch)).pop()) else {
            break;
        };
        let next =
            show(session, &format!("{sql} LIMIT {SHOWN_ROWS_MAX} FROM {}", string_literal(&last))).await?;
        page_rows = next.iter().map(RecordBatch::num_rows).sum();
        pages.extend(next);
    }
    Ok(pages)
}

fn names(batches: &[RecordBatch]) -> Vec<String> {
    let of = |batch| {
        (0..RecordBatch::num_rows(batch)).filter_map(|row| ShownRows(batch).text("name", row)).collect()
    };
    batches.iter().flat_map(|batch| -> Vec<String> { of(batch) }).collect()
}

/// The rows of a SHOW statement, read by column name: columns are added over time.
pub(super) struct ShownRows<'a>(pub(super) &'a RecordBatch);

impl ShownRows<'_> {
    /// The row of the object with exactly this name: LIKE ignores case.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        (0..self.0.num_rows()).find(|row| self.text("name", *row).as_deref() == Some(name))
    }

    pub(super) fn text(&self, column: &str, row: usize) -> Option<String> {
        let values = self.0.column_by_name(column)?.as_string_opt::<i32>()?;
        values.is_valid(row).then(|| values.value(row).to_owned())
    }

    /// A count, in whichever type the service gives it.
    pub(super) fn count(&self, column: &str, row: usize) -> Option<u64> {
        let values = self.0.column_by_name(column)?;
        let text = arrow_cast::display::array_value_to_string(values, row).ok()?;
        text.split('.').next()?.parse().ok()
    }

    /// A moment, as text that stays the same from one session to the next.
    pub(super) fn moment(&self, column: &str, row: usize) -> Option<String> {
        let values = self.0.column_by_name(column)?;
        if values.is_null(row) {
            return None;
        }
        let DataType::Timestamp(unit, _) = values.data_type() else { return self.text(column, row) };
        let whole = cast(values, &DataType::Int64).ok()?.as_primitive::<Int64Type>().value(row);
        let nanoseconds = i128::from(whole)
            * match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
        Timestamp::from_nanosecond(nanoseconds).ok().map(|moment| moment.to_string())
    }
}
