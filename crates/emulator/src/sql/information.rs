//! INFORMATION_SCHEMA: the catalog of one database as tables.

use super::catalog::{ColumnEntry, SchemaEntry};
use super::error::{missing, unsupported};
use super::listing::{Cell, Listing};
use super::names;
use super::physical::family_name;
use super::show::objects::table_type;
use super::state::SessionState;
use crate::outcome::{SnowType, SqlError};

/// The view called `name`, as far as the session may see what it lists.
pub(crate) fn table(state: &SessionState, database: &str, name: &str) -> Result<Listing, SqlError> {
    match name {
        "DATABASES" => Ok(databases(state)),
        "SCHEMATA" => Ok(schemata(state, database)),
        "TABLES" => Ok(tables(state, database)),
        "VIEWS" => Ok(views(state, database)),
        "COLUMNS" => Ok(columns(state, database)),
        "TABLE_CONSTRAINTS" | "SEQUENCES" | "STAGES" | "OBJECT_PRIVILEGES" | "TABLE_PRIVILEGES"
        | "APPLICABLE_ROLES" | "ENABLED_ROLES" | "LOAD_HISTORY" | "FUNCTIONS" | "PROCEDURES" => {
            Err(unsupported(format!("INFORMATION_SCHEMA.{name}")))
        }
        _ => Err(missing(
            "Object",
            &format!("{}.INFORMATION_SCHEMA.{}", names::display(database), names::display(name)),
        )),
    }
}

fn databases(state: &SessionState) -> Listing {
    let mut listing = Listing::new(&[
        "DATABASE_NAME",
        "DATABASE_OWNER",
        "IS_TRANSIENT",
        "COMMENT",
        "moment:CREATED",
        "moment:LAST_ALTERED",
        "number:RETENTION_TIME",
        "TYPE",
        "OWNER_ROLE_TYPE",
    ]);
    for (name, entry) in state.catalog.databases.iter().filter(|(name, _)| state.sees_database(name)) {
        listing.push(vec![
            Cell::from(name.as_str()),
            Cell::from(entry.owner.as_str()),
            yes(entry.is_transient),
            text_or_null(&entry.comment),
            Cell::Moment(entry.created_on),
            Cell::Moment(entry.created_on),
            Cell::Number(i64::from(state.catalog.database_retention_days(name))),
            Cell::from("STANDARD"),
            Cell::from("ROLE"),
        ]);
    }
    listing
}

fn yes(flag: bool) -> Cell {
    Cell::from(if flag { "YES" } else { "NO" })
}

fn text_or_null(text: &str) -> Cell {
    if text.is_empty() { Cell::Null } else { Cell::from(text) }
}

fn schemas<'s>(
    state: &'s SessionState,
    database: &'s str,
) -> impl Iterator<Item = (&'s String, &'s SchemaEntry)> {
    let entries = state.catalog.databases.get(database).into_iter().flat_map(|entry| &entry.schemas);
    entries.filter(move |(name, _)| state.sees_schema(database, name))
}

fn schemata(state: &SessionState, database: &str) -> Listing {
    let mut listing = Listing::new(&[
        "CATALOG_NAME",
        "SCHEMA_NAME",
        "SCHEMA_OWNER",
        "IS_TRANSIENT",
        "IS_MANAGED_ACCESS",
        "number:RETENTION_TIME",
        "DEFAULT_CHARACTER_SET_CATALOG",
        "DEFAULT_CHARACTER_SET_SCHEMA",
        "DEFAULT_CHARACTER_SET_NAME",
        "SQL_PATH",
        "moment:CREATED",
        "moment:LAST_ALTERED",
        "COMMENT",
        "OWNER_ROLE_TYPE",
    ]);
    for (name, entry) in schemas(state, database) {
        listing.push(vec![
            Cell::from(database),
            Cell::from(name.as_str()),
            Cell::from(entry.owner.as_str()),
            yes(entry.is_transient),
            yes(false),
            Cell::Number(i64::from(state.catalog.schema_retention_days(database, name))),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Moment(entry.created_on),
            Cell::Moment(entry.created_on),
            text_or_null(&entry.comment),
            Cell::from("ROLE"),
        ]);
    }
    let now = Cell::Moment(state.now);
    let mut own =
        vec![Cell::from(database), Cell::from("INFORMATION_SCHEMA"), Cell::from(""), yes(false), yes(false)];
    own.extend([Cell::Number(1), Cell::Null, Cell::Null, Cell::Null, Cell::Null, now.clone(), now]);
    own.extend([Cell::from("Views describing the contents of schemas in this database"), Cell::from("ROLE")]);
    listing.push(own);
    listing
}

fn tables(state: &SessionState, database: &str) -> Listing {
    let mut listing = Listing::new(&[
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "TABLE_OWNER",
        "TABLE_TYPE",
        "IS_TRANSIENT",
        "CLUSTERING_KEY",
        "number:ROW_COUNT",
        "number:BYTES",
        "number:RETENTION_TIME",
        "SELF_REFERENCING_COLUMN_NAME",
        "REFERENCE_GENERATION",
        "USER_DEFINED_TYPE_CATALOG",
        "USER_DEFINED_TYPE_SCHEMA",
        "USER_DEFINED_TYPE_NAME",
        "IS_INSERTABLE_INTO",
        "IS_TYPED",
        "COMMIT_ACTION",
        "moment:CREATED",
        "moment:LAST_ALTERED",
        "moment:LAST_DDL",
        "LAST_DDL_BY",
        "AUTO_CLUSTERING_ON",
        "COMMENT",
        "IS_TEMPORARY",
        "IS_ICEBERG",
        "IS_DYNAMIC",
        "IS_HYBRID",
    ]);
    let mut push = |schema: &str, name: &str, entry: &super::catalog::TableEntry| {
        let path = [database, schema, name].map(str::to_owned);
        let rows = |factor: u64| Cell::Rows { table: entry.physical(), factor };
        listing.push(vec![
            Cell::from(database),
            Cell::from(schema),
            Cell::from(name),
            Cell::from(entry.owner.as_str()),
            Cell::from(table_type(entry.kind)),
            yes(entry.kind == super::catalog::TableKind::Transient),
            text_or_null(&entry.cluster_by),
            rows(1),
            rows(entry.bytes(1)),
            Cell::Number(i64::from(state.catalog.retention_days(&path, entry))),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            yes(true),
            yes(true),
            Cell::Null,
            Cell::Moment(entry.created_on),
            Cell::Moment(entry.last_altered),
            Cell::Moment(entry.last_ddl),
            Cell::Null,
            yes(!entry.cluster_by.is_empty()),
            text_or_null(&entry.comment),
            yes(entry.kind == super::catalog::TableKind::Temporary),
            yes(false),
            yes(entry.dynamic().is_some()),
            yes(entry.is_hybrid()),
        ]);
    };
    for (schema, entry) in schemas(state, database) {
        for (name, table) in &entry.tables {
            let path = [database.to_owned(), schema.clone(), name.clone()];
            if !state.temporary.contains_key(&path) && state.may("TABLE", &path, &table.owner, &[]) {
                push(schema, name, table);
            }
        }
    }
    for ([owner, schema, name], table) in &state.temporary {
        if owner == database {
            push(schema, name, table);
        }
    }
    add_views_to_tables(state, database, &mut listing);
    listing
}

/// TABLES lists views too, without rows.
fn add_views_to_tables(state: &SessionState, database: &str, listing: &mut Listing) {
    for (schema, name, view) in seen_views(state, database) {
        let mut row = vec![
            Cell::from(database),
            Cell::from(schema),
            Cell::from(name),
            Cell::from(view.owner.as_str()),
            Cell::from("VIEW"),
            yes(false),
        ];
        row.extend(std::iter::repeat_n(Cell::Null, 9));
        row.extend([yes(true), yes(true), Cell::Null]);
        row.extend([
            Cell::Moment(view.created_on),
            Cell::Moment(view.created_on),
            Cell::Moment(view.created_on),
        ]);
        row.extend([Cell::Null, yes(false), text_or_null(&view.comment), yes(false)]);
        row.extend([yes(false), yes(false), yes(false)]);
        listing.push(row);
    }
}

fn seen_views<'s>(
    state: &'s SessionState,
    database: &'s str,
) -> impl Iterator<Item = (&'s str, &'s str, &'s super::catalog::ViewEntry)> {
    schemas(state, database).flat_map(move |(schema, entry)| {
        entry
            .views
            .iter()
            .filter(move |(name, view)| {
                let path = [database.to_owned(), schema.clone(), (*name).clone()];
                state.may("VIEW", &path, &view.owner, &[])
            })
            .map(move |(name, view)| (schema.as_str(), name.as_str(), view))
    })
}

fn views(state: &SessionState, database: &str) -> Listing {
    let mut listing = Listing::new(&[
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "TABLE_OWNER",
        "VIEW_DEFINITION",
        "CHECK_OPTION",
        "IS_UPDATABLE",
        "INSERTABLE_INTO",
        "IS_SECURE",
        "moment:CREATED",
        "moment:LAST_ALTERED",
        "COMMENT",
    ]);
    for (schema, name, view) in seen_views(state, database) {
        listing.push(vec![
            Cell::from(database),
            Cell::from(schema),
            Cell::from(name),
            Cell::from(view.owner.as_str()),
            Cell::from(view.text.as_str()),
            Cell::from("NONE"),
            yes(false),
            yes(false),
            yes(view.is_secure),
            Cell::Moment(view.created_on),
            Cell::Moment(view.created_on),
            text_or_null(&view.comment),
        ]);
    }
    listing
}

fn columns(state: &SessionState, database: &str) -> Listing {
    let mut listing = Listing::new(&[
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "COLUMN_NAME",
        "number:ORDINAL_POSITION",
        "COLUMN_DEFAULT",
        "IS_NULLABLE",
        "DATA_TYPE",
        "number:CHARACTER_MAXIMUM_LENGTH",
        "number:CHARACTER_OCTET_LENGTH",
        "number:NUMERIC_PRECISION",
        "number:NUMERIC_PRECISION_RADIX",
        "number:NUMERIC_SCALE",
        "number:DATETIME_PRECISION",
        "COLLATION_NAME",
        "IS_SELF_REFERENCING",
        "IS_IDENTITY",
        "IDENTITY_GENERATION",
        "IDENTITY_START",
        "IDENTITY_INCREMENT",
        "IDENTITY_CYCLE",
        "IDENTITY_ORDERED",
        "SCHEMA_EVOLUTION_RECORD",
        "COMMENT",
        "DATA_TYPE_ALIAS",
        "EXPRESSION",
        "KIND",
    ]);
    let mut push = |schema: &str, table: &str, columns: &[ColumnEntry]| {
        for (place, column) in columns.iter().enumerate() {
            let mut row = vec![Cell::from(database), Cell::from(schema), Cell::from(table)];
            row.extend(column_cells(place, column));
            listing.push(row);
        }
    };
    for (schema, entry) in schemas(state, database) {
        for (name, table) in &entry.tables {
            let path = [database.to_owned(), schema.clone(), name.clone()];
            if !state.temporary.contains_key(&path) && state.may("TABLE", &path, &table.owner, &[]) {
                push(schema, name, &table.columns);
            }
        }
    }
    for ([owner, schema, name], table) in &state.temporary {
        if owner == database {
            push(schema, name, &table.columns);
        }
    }
    for (schema, name, view) in seen_views(state, database) {
        push(schema, name, &view.columns);
    }
    listing
}

fn column_cells(place: usize, column: &ColumnEntry) -> Vec<Cell> {
    let number = |number: i64| Cell::Number(number);
    let mut lengths = [Cell::Null, Cell::Null];
    let mut numeric = [Cell::Null, Cell::Null, Cell::Null];
    let mut precision = Cell::Null;
    match &column.ty {
        SnowType::Text { length } => {
            lengths = [number(i64::from(*length)), number((i64::from(*length) * 4).min(16_777_216))];
        }
        SnowType::Binary { length } => lengths = [number(i64::from(*length)), number(i64::from(*length))],
        SnowType::Fixed { precision, scale } => {
            numeric = [number(i64::from(*precision)), number(10), number(i64::from(*scale))];
        }
        SnowType::Time { scale }
        | SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => precision = number(i64::from(*scale)),
        _ => {}
    }
    let identity = column.identity.as_ref();
    let mut cells = vec![
        Cell::from(column.name.as_str()),
        Cell::from(place as u64 + 1),
        Cell::from(column.default.as_deref()),
        yes(column.nullable),
        Cell::from(family_name(&column.ty)),
    ];
    cells.extend(lengths);
    cells.extend(numeric);
    cells.extend([
        precision,
        Cell::Null,
        yes(false),
        yes(identity.is_some()),
        Cell::from(identity.map(|_| "BY DEFAULT")),
        identity.map_or(Cell::Null, |identity| Cell::from(identity.start.to_string())),
        identity.map_or(Cell::Null, |identity| Cell::from(identity.increment.to_string())),
        identity.map_or(Cell::Null, |_| Cell::from("NO")),
        identity.map_or(Cell::Null, |identity| yes(identity.is_ordered)),
        Cell::Null,
        text_or_null(&column.comment),
        // The name that the type was declared by is not kept, as for tables from before Snowflake kept it.
        Cell::Null,
        Cell::Null,
        Cell::from("COLUMN"),
    ]);
    cells
}
