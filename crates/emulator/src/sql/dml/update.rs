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
    let change = Change { entry: &entry, sql_name, assignments, from, condition };
    let versions = session.begin_write(&path, &entry, true)?;
    let changed =
        change.carry_out(session, &versions).map_err(|failure| named_failure(failure, &path, &entry));
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

/// What may say something else each time that it is asked.
const VOLATILE: [&str; 3] = ["random", "uuid", "nextval"];

/// An UPDATE in DuckDB's SQL.
struct Change<'t> {
    entry: &'t TableEntry,
    sql_name: String,
    assignments: Vec<Assignment<'t>>,
    from: String,
    condition: String,
}

impl Change<'_> {
    /// Gives how many rows were changed and how many of them had several candidates.
    fn carry_out(&self, session: &SqlSession, versions: &Versions) -> Result<(u64, u64), SqlError> {
        let is_stable = !VOLATILE.iter().any(|volatile| self.condition.contains(volatile));
        if self.from.is_empty() && is_stable {
            return Ok((self.in_place(session, versions)?, 0));
        }
        self.by_hits(session, versions)
    }

    /// Asks the condition twice, which costs far less than putting the rows that it hits aside.
    fn in_place(&self, session: &SqlSession, versions: &Versions) -> Result<u64, SqlError> {
        let Self { entry, sql_name, condition, .. } = self;
        let table = format!("{} AS {sql_name}", entry.physical());
        execute_all(&session.connection, &versions.end_where(sql_name, condition))?;
        let sets = self.sets(|_, assignment| assignment.value.clone());
        run(&session.connection, &format!("UPDATE {table} SET {sets}{}{condition}", versions.set()))
    }

    /// Finds the rows once, since conditions and values may give something else the next time.
    fn by_hits(&self, session: &SqlSession, versions: &Versions) -> Result<(u64, u64), SqlError> {
        let connection = &session.connection;
        execute_all(connection, &format!("CREATE OR REPLACE TEMPORARY TABLE hits AS {}", self.hits()))?;
        let joined = number(connection, "SELECT count(*) FROM hits WHERE n > 1")?;
        execute_all(connection, &versions.end_hits())?;
        let sets = self.sets(|place, _| format!("hits.a{place}"));
        let table = self.entry.physical();
        let updated = run(
            connection,
            &format!(
                "UPDATE {table} SET {sets}{} FROM hits WHERE {table}.v_row = hits.v_row",
                versions.set()
            ),
        )?;
        Ok((updated, joined.unsigned_abs()))
    }

    /// The rows to change with their new values, each row once; `n` is how many rows it was joined with.
    fn hits(&self) -> String {
        let Self { sql_name, from, condition, .. } = self;
        let places = || self.assignments.iter().enumerate();
        let values: String =
            places().map(|(place, assignment)| format!(", {} AS a{place}", assignment.value)).collect();
        let table = self.entry.physical();
        if from.is_empty() {
            return format!("SELECT {sql_name}.v_row, 1 AS n{values} FROM {table} AS {sql_name}{condition}");
        }
        let firsts: String = places().map(|(place, _)| format!(", first(a{place}) AS a{place}")).collect();
        format!(
            "SELECT v_row, count(*) AS n{firsts} FROM (\
             SELECT {sql_name}.v_row{values} FROM {table} AS {sql_name}, {from}{condition}) GROUP BY v_row"
        )
    }

    /// The columns to set, each with a comma behind it.
    fn sets(&self, value: impl Fn(usize, &Assignment<'_>) -> String) -> String {
        let set = |(place, assignment): (usize, &Assignment<'_>)| {
            format!("{} = {}, ", assignment.column.physical, value(place, assignment))
        };
        self.assignments.iter().enumerate().map(set).collect()
    }
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
