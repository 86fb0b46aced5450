//! UPDATE, with or without FROM.

use sqlparser::ast::{AssignmentTarget, TableFactor, Update, UpdateTableFromKind};

use super::{MULTI_JOINED, UPDATE, UPDATED, column, default_value, named_failure, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Relation, Scope};
use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::error::unsupported;
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute as run, execute_all, number};
use crate::sql::session::{SqlSession, counted};
use crate::sql::travel::Versions;

pub(super) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    update: &Update,
) -> Result<Outcome, SqlError> {
    let TableFactor::Table { name, alias, .. } = &update.table.relation else {
        return Err(unsupported("UPDATE of something else than a table"));
    };
    let (path, entry) = target(session, name, &["UPDATE"])?;
    let binder = Binder::new(&session.state, &request.bindings);
    binder.needs_compute.set(true);
    let sql_name = binder.relation_name();
    let mut relation = Relation::of_table(path.clone(), &sql_name, &entry);
    if let Some(alias) = alias {
        relation.rename(&names::fold(&alias.name));
    }
    let outside = Scope::empty(None);
    let mut scope = Scope { parent: Some(&outside), relations: vec![relation], ctes: Vec::new() };
    // Placeholders count from left to right, so SET is bound before FROM's conditions only where FROM has none.
    let from = match &update.from {
        None => String::new(),
        Some(UpdateTableFromKind::AfterSet(tables) | UpdateTableFromKind::BeforeSet(tables)) => {
            let mut parts = Vec::new();
            for table in tables {
                parts.push(binder.table_with_joins(table, &mut scope)?);
            }
            parts.join(", ")
        }
    };
    let names = Names::of(&scope);
    let assignments = assignments(&binder, update, &entry, &names)?;
    let condition = match &update.selection {
        Some(condition) => format!(" WHERE {}", binder.condition(condition, &names)?),
        None => String::new(),
    };
    session.check_compute(&binder)?;
    let hits = hits(&entry, &sql_name, &assignments, &from, &condition);
    tracing::trace!(sql = %hits, "update");
    let versions = session.begin_write(&path, &entry, true)?;
    let changed = change(session, &versions, &entry, &hits, &assignments)
        .map_err(|failure| named_failure(failure, &path, &entry));
    let joined = changed.as_ref().map_or(0, |(_, joined)| *joined);
    let updated = session.end_write(entry.id, changed.map(|(updated, _)| updated))?;
    let stats = DmlStats { updated, duplicates: joined, ..DmlStats::default() };
    counted(UPDATE, &[(UPDATED, updated), (MULTI_JOINED, joined)], stats)
}

/// A column and its new value.
struct Assignment<'t> {
    column: &'t ColumnEntry,
    value: String,
}

/// The rows to change with their new values, each row once; `n` is how many rows it was joined with.
fn hits(
    entry: &TableEntry,
    sql_name: &str,
    assignments: &[Assignment<'_>],
    from: &str,
    condition: &str,
) -> String {
    let value = |(place, assignment): (usize, &Assignment<'_>)| format!(", {} AS a{place}", assignment.value);
    let values: String = assignments.iter().enumerate().map(value).collect();
    let table = entry.physical();
    if from.is_empty() {
        return format!("SELECT {sql_name}.v_row, 1 AS n{values} FROM {table} AS {sql_name}{condition}");
    }
    let firsts: String =
        (0..assignments.len()).map(|place| format!(", first(a{place}) AS a{place}")).collect();
    format!(
        "SELECT v_row, count(*) AS n{firsts} FROM (\
         SELECT {sql_name}.v_row{values} FROM {table} AS {sql_name}, {from}{condition}) GROUP BY v_row"
    )
}

/// Finds the rows once, since conditions and values may give something else the next time; gives how many were changed
/// and how many of them had several candidates.
fn change(
    session: &SqlSession,
    versions: &Versions,
    entry: &TableEntry,
    hits: &str,
    assignments: &[Assignment<'_>],
) -> Result<(u64, u64), SqlError> {
    let connection = &session.connection;
    execute_all(connection, &format!("CREATE OR REPLACE TEMPORARY TABLE hits AS {hits}"))?;
    let joined = number(connection, "SELECT count(*) FROM hits WHERE n > 1")?;
    execute_all(connection, &versions.end_hits())?;
    let set = |(place, assignment): (usize, &Assignment<'_>)| {
        format!("{} = hits.a{place}, ", assignment.column.physical)
    };
    let sets: String = assignments.iter().enumerate().map(set).collect();
    let table = entry.physical();
    let updated = run(
        connection,
        &format!("UPDATE {table} SET {sets}{} FROM hits WHERE {table}.v_row = hits.v_row", versions.set()),
    )?;
    Ok((updated, joined.unsigned_abs()))
}

fn assignments<'t>(
    binder: &Binder<'_>,
    update: &Update,
    entry: &'t TableEntry,
    names: &Names<'_>,
) -> Result<Vec<Assignment<'t>>, SqlError> {
    update
        .assignments
        .iter()
        .map(|assignment| {
            let AssignmentTarget::ColumnName(name) = &assignment.target else {
                return Err(unsupported("SET of several columns at once"));
            };
            let column = column(entry, &names::parts(name)?.pop().unwrap_or_default())?;
            let value = match &assignment.value {
                sqlparser::ast::Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case("default") => {
                    default_value(binder, column)?
                }
                expr => binder.cast(binder.expression(expr, names)?, &column.ty, Mode::Assign)?.sql,
            };
            Ok(Assignment { column, value })
        })
        .collect()
}
