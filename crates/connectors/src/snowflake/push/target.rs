//! The table that is delivered into, as it is now: asked with SHOW statements, which wake no virtual warehouse.

use model::{Error, Result, TableName};
use snowflake::{Session, string_literal};

use crate::snowflake::catalog::{ShownRows, ShownType, like_pattern, show};
use crate::snowflake::fit::TargetColumn;
use crate::snowflake::sql::{database_of, quoted, table_sql};

/// A table that rows are delivered into.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: TableName,
    /// When it was created, which tells it from another one of the same name; empty where it is yet to be made.
    pub(super) created_on: String,
    /// Rows that it holds, where that is shown.
    pub(super) row_count: Option<u64>,
    pub(super) columns: Vec<TargetColumn>,
    /// Whether it is there already.
    pub(super) exists: bool,
}

/// What kind of object stands under the target's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetKind {
    Table,
    View,
    ExternalTable,
    DynamicTable,
    EventTable,
}

impl TargetKind {
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::View => "a view",
            Self::ExternalTable => "an external table",
            Self::DynamicTable => "a dynamic table",
            Self::EventTable => "an event table",
        }
    }
}

impl Target {
    /// A table of these columns that is yet to be made.
    pub(super) fn made_of(name: TableName, columns: Vec<TargetColumn>) -> Self {
        Self { name, created_on: String::new(), row_count: Some(0), columns, exists: false }
    }
}

/// Looks the target up, without its columns.
pub(super) async fn find(session: &Session, name: &TableName) -> Result<Option<(TargetKind, Target)>> {
    for (command, is_view) in [("SHOW TABLES", false), ("SHOW VIEWS", true)] {
        let sql = format!(
            "{command} LIKE {} IN SCHEMA {}.{}",
            string_literal(&like_pattern(&name.table)),
            quoted(database_of(name)?)?,
            quoted(&name.schema)?
        );
        for batch in show(session, &sql).await? {
            let rows = ShownRows(&batch);
            let Some(row) = rows.named(&name.table) else { continue };
            let target = Target {
                name: name.clone(),
                created_on: rows.moment("created_on", row).unwrap_or_default(),
                row_count: rows.count("rows", row),
                columns: Vec::new(),
                exists: true,
            };
            return Ok(Some((kind(&rows, row, is_view), target)));
        }
    }
    Ok(None)
}

fn kind(rows: &ShownRows<'_>, row: usize, is_view: bool) -> TargetKind {
    let is = |column: &str| rows.text(column, row).is_some_and(|text| text.eq_ignore_ascii_case("Y"));
    if is_view {
        TargetKind::View
    } else if is("is_external") {
        TargetKind::ExternalTable
    } else if is("is_dynamic") {
        TargetKind::DynamicTable
    } else if is("is_event") {
        TargetKind::EventTable
    } else {
        TargetKind::Table
    }
}

/// The columns of a table or view. Columns that Snowflake computes cannot be filled and are left out.
pub(super) async fn columns(
    session: &Session,
    kind: TargetKind,
    name: &TableName,
) -> Result<Vec<TargetColumn>> {
    let place = if kind == TargetKind::View { "VIEW" } else { "TABLE" };
    let mut columns = Vec::new();
    for batch in show(session, &format!("SHOW COLUMNS IN {place} {}", table_sql(name)?)).await? {
        let rows = ShownRows(&batch);
        for row in 0..batch.num_rows() {
            let is_stored = rows.text("kind", row).is_none_or(|kind| kind == "COLUMN");
            if is_stored && let Some(column) = column(&rows, row, name)? {
                columns.push(column);
            }
        }
    }
    Ok(columns)
}

fn column(rows: &ShownRows<'_>, row: usize, table: &TableName) -> Result<Option<TargetColumn>> {
    let (Some(name), Some(data_type)) = (rows.text("column_name", row), rows.text("data_type", row)) else {
        return Err(Error::internal(format!("a column of {table} is shown without name or type")));
    };
    let shown: ShownType = serde_json::from_str(&data_type)
        .map_err(|_| Error::internal(format!("the type of column {name} of {table} could not be read")))?;
    let has = |column: &str| rows.text(column, row).is_some_and(|text| !text.is_empty());
    let is_nullable = shown.nullable;
    let (has_default, is_identity) = (has("default"), has("autoincrement"));
    match shown.column_type() {
        Some(column_type) => {
            Ok(Some(TargetColumn { name, column_type, is_nullable, has_default, is_identity }))
        }
        None if is_nullable || has_default || is_identity => {
            tracing::warn!(column.name = name, table.name = %table, "a column of an unknown type is left as it is");
            Ok(None)
        }
        None => Err(Error::config(
            "type_unknown",
            format!("column {name} of {table} must be filled, and its type is not known"),
        )),
    }
}
