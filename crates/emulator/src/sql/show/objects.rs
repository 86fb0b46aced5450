//! SHOW of databases, schemas and what is in them.

use super::Filter;
use crate::outcome::SqlError;
use crate::sql::catalog::{ColumnEntry, DatabaseEntry, SchemaEntry, TableEntry, TableKind, ViewEntry};
use crate::sql::error::from_duckdb;
use crate::sql::listing::{Cell, Listing, on_off, yes_no};
use crate::sql::session::SqlSession;

/// A schema that the filter and the session's privileges let through.
pub(super) fn seen_schemas<'s>(
    session: &'s SqlSession,
    filter: &'s Filter,
) -> impl Iterator<Item = (&'s str, &'s str, &'s DatabaseEntry, &'s SchemaEntry)> {
    let state = &session.state;
    state
        .catalog
        .databases
        .iter()
        .filter(|(name, _)| filter.has_database(name) && state.sees_database(name))
        .flat_map(|(database, entry)| {
            entry.schemas.iter().map(move |(name, schema)| (database.as_str(), name.as_str(), entry, schema))
        })
        .filter(|(database, name, ..)| filter.has_schema(database, name) && state.sees_schema(database, name))
}

pub(super) fn databases(session: &SqlSession, _: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "is_default",
        "is_current",
        "origin",
        "owner",
        "comment",
        "options",
        "retention_time",
        "moment:dropped_on",
        "kind",
        "owner_role_type",
    ]);
    let state = &session.state;
    for (name, entry) in state.catalog.databases.iter().filter(|(name, _)| state.sees_database(name)) {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name.as_str()),
            yes_no(false),
            yes_no(state.database.as_ref() == Some(name)),
            Cell::from(""),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(if entry.is_transient { "TRANSIENT" } else { "" }),
            Cell::from(state.catalog.database_retention_days(name).to_string()),
            Cell::Null,
            Cell::from("STANDARD"),
            Cell::from("ROLE"),
        ]);
    }
    listing
}

pub(super) fn schemas(session: &SqlSession, filter: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "is_default",
        "is_current",
        "database_name",
        "owner",
        "comment",
        "options",
        "retention_time",
        "owner_role_type",
    ]);
    let state = &session.state;
    // SHOW SCHEMAS lists a whole database even where a schema is current.
    let whole = Filter {
        place: match &filter.place {
            super::Place::Schema([database, _]) => super::Place::Database(database.clone()),
            other => other.clone(),
        },
        like: None,
        starts_with: None,
        limit: filter.limit,
        from: None,
    };
    for (database, name, _, entry) in seen_schemas(session, &whole) {
        let is_current = state.database.as_deref() == Some(database) && state.schema.as_deref() == Some(name);
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name),
            yes_no(false),
            yes_no(is_current),
            Cell::from(database),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(if entry.is_transient { "TRANSIENT" } else { "" }),
            Cell::from(state.catalog.schema_retention_days(database, name).to_string()),
            Cell::from("ROLE"),
        ]);
    }
    listing
}

/// A table with its name, as SHOW and INFORMATION_SCHEMA list it.
pub(crate) struct SeenTable<'s> {
    pub database: &'s str,
    pub schema: &'s str,
    pub name: &'s str,
    pub entry: &'s TableEntry,
}

impl SeenTable<'_> {
    fn retention_days(&self, session: &SqlSession) -> u32 {
        let path = [self.database, self.schema, self.name].map(str::to_owned);
        session.state.catalog.retention_days(&path, self.entry)
    }
}

fn seen_tables<'s>(session: &'s SqlSession, filter: &'s Filter) -> Vec<SeenTable<'s>> {
    let mut tables = Vec::new();
    for (database, schema, _, entry) in seen_schemas(session, filter) {
        for (name, entry) in &entry.tables {
            let path = [database.to_owned(), schema.to_owned(), name.clone()];
            let is_hidden = session.state.temporary.contains_key(&path);
            if filter.has_table(name) && !is_hidden && session.state.may("TABLE", &path, &entry.owner, &[]) {
                tables.push(SeenTable { database, schema, name, entry });
            }
        }
    }
    for ([database, schema, name], entry) in &session.state.temporary {
        if filter.has_schema(database, schema) && filter.has_table(name) {
            tables.push(SeenTable { database, schema, name, entry });
        }
    }
    tables.sort_by_key(|table| (table.database, table.schema, table.name));
    tables
}

fn seen_views<'s>(
    session: &'s SqlSession,
    filter: &'s Filter,
) -> Vec<(&'s str, &'s str, &'s str, &'s ViewEntry)> {
    let mut views = Vec::new();
    for (database, schema, _, entry) in seen_schemas(session, filter) {
        for (name, entry) in &entry.views {
            let path = [database.to_owned(), schema.to_owned(), name.clone()];
            if filter.has_table(name) && session.state.may("VIEW", &path, &entry.owner, &[]) {
                views.push((database, schema, name.as_str(), entry));
            }
        }
    }
    views
}

/// Rows of each table, counted by DuckDB in one statement.
pub(crate) fn row_counts(session: &duckdb::Connection, tables: &[&TableEntry]) -> Result<Vec<u64>, SqlError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<String> =
        tables.iter().map(|table| format!("(SELECT count(*) FROM {})", table.physical())).collect();
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let mut counted = Vec::new();
    for counts in counts.chunks(500) {
        let mut statement = session.prepare(&format!("SELECT {}", counts.join(", "))).map_err(failed)?;
        let row = statement.query_row([], |row| {
            (0..counts.len()).map(|place| row.get(place)).collect::<duckdb::Result<Vec<u64>>>()
        });
        counted.extend(row.map_err(failed)?);
    }
    Ok(counted)
}

pub(super) fn tables(session: &SqlSession, filter: &Filter) -> Result<Listing, SqlError> {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "schema_name",
        "database_name",
        "kind",
        "comment",
        "cluster_by",
        "number:rows",
        "number:bytes",
        "owner",
        "retention_time",
        "moment:dropped_on",
        "automatic_clustering",
        "change_tracking",
        "search_optimization",
        "search_optimization_progress",
        "search_optimization_bytes",
        "is_external",
        "enable_schema_evolution",
        "owner_role_type",
        "is_event",
        "budget",
        "is_hybrid",
        "is_iceberg",
        "is_dynamic",
        "is_immutable",
    ]);
    let tables = seen_tables(session, filter);
    let entries: Vec<&TableEntry> = tables.iter().map(|table| table.entry).collect();
    let counts = row_counts(&session.connection, &entries)?;
    for (table, rows) in tables.iter().zip(counts) {
        let entry = table.entry;
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(table.name),
            Cell::from(table.schema),
            Cell::from(table.database),
            Cell::from(entry.kind.show_name()),
            Cell::from(entry.comment.as_str()),
            Cell::from(entry.cluster_by.as_str()),
            Cell::from(rows),
            Cell::from(entry.bytes(rows)),
            Cell::from(entry.owner.as_str()),
            Cell::from(table.retention_days(session).to_string()),
            Cell::Null,
            on_off(!entry.cluster_by.is_empty()),
            on_off(entry.tracked_since.is_some()),
            on_off(false),
            Cell::Null,
            Cell::Null,
            yes_no(false),
            yes_no(false),
            Cell::from("ROLE"),
            yes_no(false),
            Cell::Null,
            yes_no(entry.is_hybrid()),
            yes_no(false),
            yes_no(entry.dynamic().is_some()),
            yes_no(false),
        ]);
    }
    Ok(listing)
}

/// SHOW DYNAMIC TABLES.
pub(super) fn dynamic_tables(session: &SqlSession, filter: &Filter) -> Result<Listing, SqlError> {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "database_name",
        "schema_name",
        "cluster_by",
        "number:rows",
        "number:bytes",
        "owner",
        "target_lag",
        "refresh_mode",
        "warehouse",
        "comment",
        "text",
        "scheduling_state",
        "moment:data_timestamp",
        "owner_role_type",
    ]);
    let tables = seen_tables(session, filter);
    let entries: Vec<&TableEntry> = tables.iter().map(|table| table.entry).collect();
    let counts = row_counts(&session.connection, &entries)?;
    for (table, rows) in tables.iter().zip(counts) {
        let entry = table.entry;
        let Some(form) = entry.dynamic() else { continue };
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(table.name),
            Cell::from(table.database),
            Cell::from(table.schema),
            Cell::from(entry.cluster_by.as_str()),
            Cell::from(rows),
            Cell::from(entry.bytes(rows)),
            Cell::from(entry.owner.as_str()),
            Cell::from(form.target_lag.as_str()),
            Cell::from("FULL"),
            Cell::from(form.warehouse.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(form.text.as_str()),
            Cell::from("ACTIVE"),
            Cell::Moment(entry.last_altered),
            Cell::from("ROLE"),
        ]);
    }
    Ok(listing)
}

pub(super) fn views(session: &SqlSession, filter: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "kind",
        "reserved",
        "database_name",
        "schema_name",
        "owner",
        "comment",
        "text",
        "is_secure",
        "is_materialized",
        "owner_role_type",
        "change_tracking",
    ]);
    for (database, schema, name, entry) in seen_views(session, filter) {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name),
            Cell::from(""),
            Cell::from(""),
            Cell::from(database),
            Cell::from(schema),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(entry.text.as_str()),
            crate::sql::listing::true_false(entry.is_secure),
            crate::sql::listing::true_false(false),
            Cell::from("ROLE"),
            on_off(entry.tracked_since.is_some()),
        ]);
    }
    listing
}

pub(super) fn objects(session: &SqlSession, filter: &Filter) -> Result<Listing, SqlError> {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "database_name",
        "schema_name",
        "kind",
        "comment",
        "cluster_by",
        "number:rows",
        "number:bytes",
        "owner",
        "retention_time",
        "owner_role_type",
        "is_hybrid",
        "is_dynamic",
        "is_iceberg",
    ]);
    let tables = seen_tables(session, filter);
    let entries: Vec<&TableEntry> = tables.iter().map(|table| table.entry).collect();
    let counts = row_counts(&session.connection, &entries)?;
    for (table, rows) in tables.iter().zip(counts) {
        let entry = table.entry;
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(table.name),
            Cell::from(table.database),
            Cell::from(table.schema),
            Cell::from(entry.kind.show_name()),
            Cell::from(entry.comment.as_str()),
            Cell::from(entry.cluster_by.as_str()),
            Cell::from(rows),
            Cell::from(entry.bytes(rows)),
            Cell::from(entry.owner.as_str()),
            Cell::from(table.retention_days(session).to_string()),
            Cell::from("ROLE"),
            yes_no(entry.is_hybrid()),
            yes_no(entry.dynamic().is_some()),
            yes_no(false),
        ]);
    }
    for (database, schema, name, entry) in seen_views(session, filter) {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name),
            Cell::from(database),
            Cell::from(schema),
            Cell::from("VIEW"),
            Cell::from(entry.comment.as_str()),
            Cell::from(""),
            Cell::Number(0),
            Cell::Number(0),
            Cell::from(entry.owner.as_str()),
            Cell::from(""),
            Cell::from("ROLE"),
            yes_no(false),
            yes_no(false),
            yes_no(false),
        ]);
    }
    Ok(listing)
}

pub(super) fn columns(session: &SqlSession, filter: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "table_name",
        "schema_name",
        "column_name",
        "data_type",
        "null?",
        "default",
        "kind",
        "expression",
        "comment",
        "database_name",
        "autoincrement",
    ]);
    let mut push = |database: &str, schema: &str, table: &str, column: &ColumnEntry| {
        let autoincrement = column.identity.as_ref().map(|identity| {
            let order = if identity.is_ordered { "ORDER" } else { "NOORDER" };
            format!("IDENTITY START {} INCREMENT {} {order}", identity.start, identity.increment)
        });
        listing.push(vec![
            Cell::from(table),
            Cell::from(schema),
            Cell::from(column.name.as_str()),
            Cell::from(super::describe::type_document(column)),
            Cell::from(if column.nullable { "true" } else { "NOT_NULL" }),
            Cell::from(column.default.as_deref().unwrap_or("")),
            Cell::from("COLUMN"),
            Cell::from(""),
            Cell::from(column.comment.as_str()),
            Cell::from(database),
            Cell::from(autoincrement.as_deref().unwrap_or("")),
        ]);
    };
    for table in seen_tables(session, filter) {
        table.entry.columns.iter().for_each(|column| push(table.database, table.schema, table.name, column));
    }
    for (database, schema, name, entry) in seen_views(session, filter) {
        entry.columns.iter().for_each(|column| push(database, schema, name, column));
    }
    listing
}

pub(super) fn keys(session: &SqlSession, filter: &Filter, is_primary: bool) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "database_name",
        "schema_name",
        "table_name",
        "column_name",
        "number:key_sequence",
        "constraint_name",
        "rely",
        "comment",
    ]);
    for table in seen_tables(session, filter) {
        let constraints =
            table.entry.constraints.iter().filter(|constraint| constraint.is_primary == is_primary);
        for constraint in constraints {
            for (place, column) in constraint.columns.iter().enumerate() {
                listing.push(vec![
                    Cell::Moment(table.entry.created_on),
                    Cell::from(table.database),
                    Cell::from(table.schema),
                    Cell::from(table.name),
                    Cell::from(column.as_str()),
                    Cell::from(place as u64 + 1),
                    Cell::from(constraint.name.as_str()),
                    Cell::from("false"),
                    Cell::Null,
                ]);
            }
        }
    }
    listing
}

/// Foreign keys, of which none is kept: they are accepted where a table is made, and forgotten.
pub(super) fn foreign_keys() -> Listing {
    Listing::new(&[
        "moment:created_on",
        "pk_database_name",
        "pk_schema_name",
        "pk_table_name",
        "pk_column_name",
        "fk_database_name",
        "fk_schema_name",
        "fk_table_name",
        "fk_column_name",
        "number:key_sequence",
        "update_rule",
        "delete_rule",
        "fk_name",
        "pk_name",
        "deferrability",
        "rely",
        "comment",
    ])
}

/// How INFORMATION_SCHEMA calls a kind of table.
pub(crate) fn table_type(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Permanent | TableKind::Transient => "BASE TABLE",
        TableKind::Temporary => "LOCAL TEMPORARY",
    }
}
