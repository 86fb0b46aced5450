//! UPDATE, with or without FROM.

use sqlparser::ast::{AssignmentTarget, TableFactor, Update, UpdateTableFromKind};

use super::{MULTI_JOINED, UPDATE, UPDATED, column, default_value, named_failure, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Relation, Scope};
use crate::sql::catalog::TableEntry;
use crate::sql::error::unsupported;
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute as run, number};
use crate::sql::session::{SqlSession, counted};

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
    let from_clause = if from.is_empty() { String::new() } else { format!(" FROM {from}") };
    let table = entry.physical();
    let sql = format!("UPDATE {table} AS {sql_name} SET {}{from_clause}{condition}", assignments.join(", "));
    tracing::trace!(%sql, "update");
    let joins = (!from.is_empty()).then(|| {
        format!(
            "SELECT count(*) AS n FROM {table} AS {sql_name}, {from}{condition} GROUP BY {sql_name}.rowid"
        )
    });
    session.begin_write(entry.id, true)?;
    let changed =
        change(session, &sql, joins.as_deref()).map_err(|failure| named_failure(failure, &path, &entry));
    let joined = changed.as_ref().map_or(0, |(_, joined)| *joined);
    let updated = session.end_write(entry.id, changed.map(|(updated, _)| updated))?;
    let stats = DmlStats { updated, duplicates: joined, ..DmlStats::default() };
    counted(UPDATE, &[(UPDATED, updated), (MULTI_JOINED, joined)], stats)
}

/// Runs the update; gives how many rows it changed and how many of them had several candidates. DuckDB counts a row
/// once for each row that it was joined with, so joins are counted apart.
fn change(session: &SqlSession, sql: &str, joins: Option<&str>) -> Result<(u64, u64), SqlError> {
    let Some(joins) = joins else { return Ok((run(&session.connection, sql)?, 0)) };
    let count = |condition: &str| {
        number(&session.connection, &format!("SELECT count(*) FROM ({joins}) WHERE {condition}"))
    };
    let (updated, joined) = (count("n >= 1")?, count("n > 1")?);
    run(&session.connection, sql)?;
    Ok((updated.unsigned_abs(), joined.unsigned_abs()))
}

fn assignments(
    binder: &Binder<'_>,
    update: &Update,
    entry: &TableEntry,
    names: &Names<'_>,
) -> Result<Vec<String>, SqlError> {
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
            Ok(format!("{} = {value}", column.physical))
        })
        .collect()
}
