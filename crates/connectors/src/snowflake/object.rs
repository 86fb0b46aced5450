//! What an account says a stream is: the kind of object, its size, and how long its past is kept. No virtual warehouse is
//! needed to ask.

use std::fmt;

use model::{Result, StreamName, TableName};
use serde::{Serialize, Serializer};
use snowflake::{Session, string_literal};

use super::catalog::{ShownRows, like_pattern, show};
use super::sql::{database_of, quoted};

/// The kinds of object that differ in how they can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table whose rows Snowflake keeps and only statements change.
    Table,
    /// The same without a fail-safe.
    TransientTable,
    /// A table that only the session sees that made it.
    TemporaryTable,
    /// Files in somebody's storage, shown as a table.
    ExternalTable,
    /// A table that Snowflake fills by a query from time to time.
    DynamicTable,
    /// A table into which the account logs.
    EventTable,
    /// A table that is kept by rows.
    HybridTable,
    /// Files in Apache Iceberg's format, with or without Snowflake as their catalog.
    IcebergTable,
    /// A table of another account's.
    SharedTable,
    /// A query under a name.
    View,
    /// The same, without its text being shown.
    SecureView,
    /// A view whose rows Snowflake keeps.
    MaterializedView,
    /// A query that the sync brings along.
    Query,
    /// Nothing that SHOW lists to this role.
    Unlisted,
}

/// An object with what SHOW says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    /// When it was created, where that is shown: another object of the same name has another past.
    pub(super) created_on: Option<String>,
    /// For how many days the rows can be read as they were, where that is shown.
    pub(super) retention_days: Option<u64>,
    pub(super) row_count: Option<u64>,
    pub(super) bytes: Option<u64>,
    /// By what the table is clustered, as SQL; empty where by nothing.
    pub(super) clustered_by: String,
    /// Whether the table keeps track of its changes; absent for what cannot.
    pub(super) tracks_changes: Option<bool>,
}

impl Object {
    /// Asks what `stream` is, and where its database comes from.
    pub(super) async fn of(session: &Session, stream: &StreamName) -> Result<Self> {
        Self::listed(session, stream).await?.with_origin(session, stream).await
    }

    /// Asks what `stream` is; a table from a share looks like one of the account's own.
    pub(super) async fn listed(session: &Session, stream: &StreamName) -> Result<Self> {
        let StreamName::Table(table) = stream else { return Ok(Self::of_kind(ObjectKind::Query)) };
        match Self::of_table(session, table).await? {
            Some(object) => Ok(object),
            None => Ok(Self::of_kind(view_kind(session, table).await?)),
        }
    }

    /// Asks whether a listed table comes from a share.
    pub(super) async fn with_origin(self, session: &Session, stream: &StreamName) -> Result<Self> {
        let StreamName::Table(table) = stream else { return Ok(self) };
        let kind = match self.kind.is_table() && is_imported(session, database_of(table)?).await? {
            true => ObjectKind::SharedTable,
            false => self.kind,
        };
        Ok(Self { kind, ..self })
    }

    /// The table of this name, whether its database is our own or of a share; absent where it is no table.
    pub(super) async fn of_table(session: &Session, table: &TableName) -> Result<Option<Self>> {
        for batch in show(session, &show_sql("TABLES", table)?).await? {
            let rows = ShownRows(&batch);
            if let Some(row) = rows.named(&table.table) {
                return Ok(Some(Self {
                    kind: table_kind(&rows, row),
                    created_on: rows.moment("created_on", row),
                    retention_days: rows.count("retention_time", row),
                    row_count: rows.count("rows", row),
                    bytes: rows.count("bytes", row),
                    clustered_by: rows.text("cluster_by", row).unwrap_or_default(),
                    tracks_changes: rows
                        .text("change_tracking", row)
                        .map(|tracking| tracking.eq_ignore_ascii_case("ON")),
                }));
            }
        }
        Ok(None)
    }

    pub(super) fn of_kind(kind: ObjectKind) -> Self {
        Self {
            kind,
            created_on: None,
            retention_days: None,
            row_count: None,
            bytes: None,
            clustered_by: String::new(),
            tracks_changes: None,
        }
    }
}

impl ObjectKind {
    /// Whether a change token can be relied on: the rows are changed by statements alone.
    pub(super) fn has_change_token(self) -> bool {
        matches!(self, ObjectKind::Table | ObjectKind::TransientTable | ObjectKind::SharedTable)
    }

    /// Whether SHOW TABLES lists it.
    fn is_table(self) -> bool {
        use ObjectKind::{MaterializedView, Query, SecureView, Unlisted, View};
        !matches!(self, View | SecureView | MaterializedView | Query | Unlisted)
    }

    fn noun(self) -> &'static str {
        match self {
            ObjectKind::Table => "table",
            ObjectKind::TransientTable => "transient table",
            ObjectKind::TemporaryTable => "temporary table",
            ObjectKind::ExternalTable => "external table",
            ObjectKind::DynamicTable => "dynamic table",
            ObjectKind::EventTable => "event table",
            ObjectKind::HybridTable => "hybrid table",
            ObjectKind::IcebergTable => "Iceberg table",
            ObjectKind::SharedTable => "table from a share",
            ObjectKind::View => "view",
            ObjectKind::SecureView => "secure view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::Query => "query",
            ObjectKind::Unlisted => "object that is not listed",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

impl Serialize for ObjectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.noun())
    }
}

fn show_sql(what: &str, table: &TableName) -> Result<String> {
    let like = string_literal(&like_pattern(&table.table));
    let place = format!("{}.{}", quoted(database_of(table)?)?, quoted(&table.schema)?);
    Ok(format!("SHOW {what} LIKE {like} IN SCHEMA {place}"))
}

fn table_kind(rows: &ShownRows<'_>, row: usize) -> ObjectKind {
    let is = |column: &str| rows.text(column, row).is_some_and(|answer| answer == "Y");
    let special = [
        ("is_external", ObjectKind::ExternalTable),
        ("is_dynamic", ObjectKind::DynamicTable),
        ("is_event", ObjectKind::EventTable),
        ("is_hybrid", ObjectKind::HybridTable),
        ("is_iceberg", ObjectKind::IcebergTable),
    ];
    if let Some((_, kind)) = special.into_iter().find(|(column, _)| is(column)) {
        return kind;
    }
    match rows.text("kind", row).as_deref() {
        Some("TABLE") => ObjectKind::Table,
        Some("TRANSIENT") => ObjectKind::TransientTable,
        Some("TEMPORARY") => ObjectKind::TemporaryTable,
        _ => ObjectKind::Unlisted,
    }
}

async fn view_kind(session: &Session, table: &TableName) -> Result<ObjectKind> {
    for batch in show(session, &show_sql("VIEWS", table)?).await? {
        let rows = ShownRows(&batch);
        if let Some(row) = rows.named(&table.table) {
            let is = |column: &str| rows.text(column, row).is_some_and(|answer| answer == "true");
            return Ok(match () {
                () if is("is_materialized") => ObjectKind::MaterializedView,
                () if is("is_secure") => ObjectKind::SecureView,
                () => ObjectKind::View,
            });
        }
    }
    Ok(ObjectKind::Unlisted)
}

/// A database that was made from a share names the share as its origin.
async fn is_imported(session: &Session, database: &str) -> Result<bool> {
    let like = string_literal(&like_pattern(database));
    for batch in show(session, &format!("SHOW DATABASES LIKE {like}")).await? {
        let rows = ShownRows(&batch);
        if let Some(row) = rows.named(database) {
            return Ok(rows.text("origin", row).is_some_and(|origin| !origin.is_empty()));
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};

    use super::*;

    fn shown(columns: &[(&str, &str)]) -> RecordBatch {
        let column = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Arc::new(StringArray::from(vec![*value])) as ArrayRef)
        };
        RecordBatch::try_from_iter(columns.iter().map(column)).unwrap()
    }

    #[test]
    fn what_is_special_about_a_table_goes_before_its_kind() {
        for (columns, kind) in [
            (vec![("kind", "TABLE")], ObjectKind::Table),
            (vec![("kind", "TRANSIENT"), ("is_external", "N")], ObjectKind::TransientTable),
            (vec![("kind", "TEMPORARY")], ObjectKind::TemporaryTable),
            (vec![("kind", "TABLE"), ("is_external", "Y")], ObjectKind::ExternalTable),
            (vec![("kind", "TRANSIENT"), ("is_dynamic", "Y")], ObjectKind::DynamicTable),
            (vec![("kind", "TABLE"), ("is_event", "Y")], ObjectKind::EventTable),
            (vec![("kind", "TABLE"), ("is_hybrid", "Y")], ObjectKind::HybridTable),
            (vec![("kind", "TABLE"), ("is_iceberg", "Y")], ObjectKind::IcebergTable),
            (vec![("kind", "SOMETHING NEW")], ObjectKind::Unlisted),
        ] {
            assert_eq!(table_kind(&ShownRows(&shown(&columns)), 0), kind, "{columns:?}");
        }
    }
}
