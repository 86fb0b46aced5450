//! INSERT, from VALUES, from a query, or over what is there.

use sqlparser::ast::{Expr, Insert, SetExpr, TableObject, Values};

use super::{INSERT, INSERTED, column, default_value, load_arrays, named_failure, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Scope, Typed};
use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::error::{compilation, unsupported};
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute as run, execute_all};
use crate::sql::session::{SqlSession, counted};
use crate::sql::travel::Versions;

pub(super) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    insert: &Insert,
) -> Result<Outcome, SqlError> {
    if insert.multi_table_insert_type.is_some() || insert.returning.is_some() || insert.on.is_some() {
        return Err(unsupported("a multi-table INSERT"));
    }
    let TableObject::TableName(name) = &insert.table else {
        return Err(unsupported("INSERT into something else than a table"));
    };
    let privileges: &[&str] = if insert.overwrite { &["INSERT", "DELETE"] } else { &["INSERT"] };
    let (path, entry) = target(session, name, privileges)?;
    let binder = Binder::new(&session.state, &request.bindings);
    binder.needs_compute.set(true);
    let select = source(&binder, insert, &entry)?;
    session.check_compute(&binder)?;
    let has_arrays = binder.has_array_binds();
    let versions = session.begin_write(&path, &entry, insert.overwrite)?;
    let changed = if insert.overwrite {
        overwrite(session, &entry, &versions, &select)
    } else {
        let sql = versions.insert(&select);
        tracing::trace!(%sql, "insert");
        let loaded = if has_arrays { load_arrays(session, request) } else { Ok(()) };
        loaded.and_then(|()| run(&session.connection, &sql))
    };
    let changed = changed.map_err(|failure| named_failure(failure, &path, &entry));
    let inserted = session.end_write(entry.id, changed)?;
    counted(INSERT, &[(INSERTED, inserted)], DmlStats { inserted, ..DmlStats::default() })
}

/// Removes what is there and inserts.
pub(crate) fn overwrite(
    session: &SqlSession,
    entry: &TableEntry,
    versions: &Versions,
    select: &str,
) -> Result<u64, SqlError> {
    // The rows may come from the table itself, so they are put aside before it is emptied.
    let aside = format!("aside{}", entry.id);
    let connection = &session.connection;
    run(connection, &format!("CREATE OR REPLACE TEMPORARY TABLE {aside} AS {select}"))?;
    execute_all(connection, &versions.end_all())?;
    run(connection, &format!("DELETE FROM {}", entry.physical()))?;
    let inserted = run(connection, &versions.insert(&format!("SELECT * FROM temp.main.{aside}")))?;
    run(connection, &format!("DROP TABLE temp.main.{aside}"))?;
    Ok(inserted)
}

/// `SELECT …` with one value for each of the table's columns, in their order.
fn source(binder: &Binder<'_>, insert: &Insert, entry: &TableEntry) -> Result<String, SqlError> {
    let wanted: Vec<&ColumnEntry> = if insert.columns.is_empty() {
        entry.columns.iter().collect()
    } else {
        let names = insert.columns.iter().map(|name| Ok(names::parts(name)?.pop().unwrap_or_default()));
        let names = names.collect::<Result<Vec<String>, SqlError>>()?;
        names.iter().map(|name| column(entry, name)).collect::<Result<_, _>>()?
    };
    let Some(query) = &insert.source else { return Err(unsupported("INSERT without VALUES or a query")) };
    if let SetExpr::Values(values) = query.body.as_ref()
        && query.with.is_none()
    {
        return from_values(binder, values, &wanted, entry);
    }
    let bound = if binder.has_array_binds() {
        return Err(unsupported("bound arrays in INSERT … SELECT"));
    } else {
        binder.top_query(query)?
    };
    if bound.columns.len() != wanted.len() {
        return Err(wrong_count(wanted.len(), bound.columns.len()));
    }
    let name = binder.relation_name();
    let values = bound.columns.iter().enumerate().zip(&wanted).map(|((place, output), column)| {
        let value = Typed::new(format!("{name}.c{}", place + 1), output.ty.clone());
        Ok(binder.cast(value, &column.ty, Mode::Assign)?.sql)
    });
    let values = values.collect::<Result<Vec<_>, SqlError>>()?;
    Ok(format!(
        "SELECT {} FROM ({}) AS {name}",
        in_order(binder, entry, &wanted, values)?.join(", "),
        bound.sql
    ))
}

pub(crate) fn wrong_count(expected: usize, found: usize) -> SqlError {
    compilation(
        "002020",
        "21S01",
        &format!("Insert value list does not match column list expecting {expected} but got {found}"),
    )
}

/// The values in the order of the table's columns, with defaults for the columns that are left out.
fn in_order(
    binder: &Binder<'_>,
    entry: &TableEntry,
    wanted: &[&ColumnEntry],
    values: Vec<String>,
) -> Result<Vec<String>, SqlError> {
    entry
        .columns
        .iter()
        .map(|column| match wanted.iter().position(|name| name.name == column.name) {
            Some(place) => Ok(values[place].clone()),
            None => default_value(binder, column),
        })
        .collect()
}

fn from_values(
    binder: &Binder<'_>,
    values: &Values,
    wanted: &[&ColumnEntry],
    entry: &TableEntry,
) -> Result<String, SqlError> {
    let scope = Scope::empty(None);
    let names = Names::of(&scope);
    let mut rows = Vec::new();
    for row in &values.rows {
        if row.content.len() != wanted.len() {
            return Err(wrong_count(wanted.len(), row.content.len()));
        }
        let cells = row.content.iter().zip(wanted).map(|(expr, column)| match expr {
            Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case("default") => {
                default_value(binder, column)
            }
            expr => Ok(binder.cast(binder.expression(expr, &names)?, &column.ty, Mode::Assign)?.sql),
        });
        let cells = cells.collect::<Result<Vec<_>, SqlError>>()?;
        rows.push(format!("({})", in_order(binder, entry, wanted, cells)?.join(", ")));
    }
    if binder.has_array_binds() {
        let [row] = rows.as_slice() else {
            return Err(unsupported("bound arrays with several rows of VALUES"));
        };
        return Ok(format!("SELECT {} FROM {}", &row[1..row.len() - 1], binder.array_relation()?));
    }
    Ok(format!("SELECT * FROM (VALUES {}) AS given", rows.join(", ")))
}
