//! MERGE, which refuses sources that match a row more than once.

use sqlparser::ast::{
    AssignmentTarget, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertKind, MergeUpdateKind,
    TableFactor,
};

use super::{DELETED, INSERTED, MERGE, UPDATED, column, default_value, named_failure, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Relation, Scope};
use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::error::{error, from_duckdb, unsupported};
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute_all, number};
use crate::sql::session::{SqlSession, counted};
use crate::sql::travel::Versions;

/// A MERGE in DuckDB's words.
struct Bound {
    /// `MERGE INTO … ON …`.
    start: String,
    clauses: Vec<Clause>,
    /// Finds the rows of the target that may be changed.
    hits: Option<String>,
    /// Counts the rows of the target that more than one row of the source would change.
    ambiguous: Option<String>,
}

/// One WHEN.
struct Clause {
    when: String,
    action: Action,
}

enum Action {
    Delete,
    /// `c1 = …, …`.
    Update(String),
    /// The values of all columns.
    Insert(String),
}

pub(super) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    merge: &Merge,
) -> Result<Outcome, SqlError> {
    let TableFactor::Table { name, alias, .. } = &merge.table else {
        return Err(unsupported("MERGE into something else than a table"));
    };
    let (path, entry) = target(session, name, &privileges(merge))?;
    let binder = Binder::new(&session.state, &request.bindings);
    binder.needs_compute.set(true);
    let sql_name = binder.relation_name();
    let mut relation = Relation::of_table(path.clone(), &sql_name, &entry);
    if let Some(alias) = alias {
        relation.rename(&names::fold(&alias.name));
    }
    let bound = bind(&binder, merge, &entry, &sql_name, relation)?;
    session.check_compute(&binder)?;
    let is_strict = session.state.parameters.flag("ERROR_ON_NONDETERMINISTIC_MERGE");
    let versions = session.begin_write(&path, &entry, true)?;
    let sql = bound.sql(&entry, &versions);
    tracing::trace!(%sql, "merge");
    let mut counts = DmlStats::default();
    let changed = check(session, &bound, is_strict)
        .and_then(|()| put_aside(session, &bound, &versions))
        .and_then(|()| run(session, &sql))
        .and_then(|found| end_changed(session, &bound, &versions).map(|()| found))
        .map_err(|failure| named_failure(failure, &path, &entry))
        .map(|found| {
            counts = found;
            found.inserted + found.updated + found.deleted
        });
    session.end_write(entry.id, changed)?;
    let mut row = Vec::new();
    let has = |wanted: fn(&MergeAction) -> bool| merge.clauses.iter().any(|clause| wanted(&clause.action));
    if has(|action| matches!(action, MergeAction::Insert(_))) {
        row.push((INSERTED, counts.inserted));
    }
    if has(|action| matches!(action, MergeAction::Update(_))) {
        row.push((UPDATED, counts.updated));
    }
    if has(|action| matches!(action, MergeAction::Delete { .. })) {
        row.push((DELETED, counts.deleted));
    }
    counted(MERGE, &row, counts)
}

fn privileges(merge: &Merge) -> Vec<&'static str> {
    let mut privileges: Vec<&str> = merge
        .clauses
        .iter()
        .map(|clause| match clause.action {
            MergeAction::Insert(_) => "INSERT",
            MergeAction::Update(_) | MergeAction::DoNothing { .. } => "UPDATE",
            MergeAction::Delete { .. } => "DELETE",
        })
        .collect();
    privileges.sort_unstable();
    privileges.dedup();
    privileges
}

fn check(session: &SqlSession, bound: &Bound, is_strict: bool) -> Result<(), SqlError> {
    let Some(sql) = bound.ambiguous.as_ref().filter(|_| is_strict) else { return Ok(()) };
    if number(&session.connection, sql)? == 0 {
        return Ok(());
    }
    Err(error("100090", "42P18", "Duplicate row detected during DML action"))
}

/// Keeps the rows that may be changed as they are: DuckDB tells which it has changed only by how they are now.
fn put_aside(session: &SqlSession, bound: &Bound, versions: &Versions) -> Result<(), SqlError> {
    let Some(hits) = bound.hits.as_ref().filter(|_| versions.is_kept()) else { return Ok(()) };
    execute_all(&session.connection, &format!("CREATE OR REPLACE TEMPORARY TABLE hits AS {hits}"))?;
    execute_all(&session.connection, &versions.before())
}

fn end_changed(session: &SqlSession, bound: &Bound, versions: &Versions) -> Result<(), SqlError> {
    if bound.hits.is_none() || !versions.is_kept() {
        return Ok(());
    }
    execute_all(&session.connection, &versions.end_changed())
}

impl Bound {
    fn sql(&self, entry: &TableEntry, versions: &Versions) -> String {
        let columns: Vec<&str> = entry.columns.iter().map(|column| column.physical.as_str()).collect();
        let (hidden, hidden_values) = versions.inserted();
        let mut sql = self.start.clone();
        for clause in &self.clauses {
            let action = match &clause.action {
                Action::Delete => "DELETE".to_owned(),
                Action::Update(sets) => format!("UPDATE SET {sets}, {}", versions.set()),
                Action::Insert(values) => {
                    format!("INSERT ({}, {hidden}) VALUES ({values}, {hidden_values})", columns.join(", "))
                }
            };
            sql.push_str(&format!(" WHEN {} THEN {action}", clause.when));
        }
        sql.push_str(" RETURNING merge_action");
        sql
    }
}

/// Runs it and counts what it did to each row.
fn run(session: &SqlSession, sql: &str) -> Result<DmlStats, SqlError> {
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let mut statement = session.connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut stats = DmlStats::default();
    while let Some(row) = rows.next().map_err(failed)? {
        let action: String = row.get(0).map_err(failed)?;
        match action.as_str() {
            "INSERT" => stats.inserted += 1,
            "UPDATE" => stats.updated += 1,
            _ => stats.deleted += 1,
        }
    }
    Ok(stats)
}

fn bind(
    binder: &Binder<'_>,
    merge: &Merge,
    entry: &TableEntry,
    sql_name: &str,
    relation: Relation,
) -> Result<Bound, SqlError> {
    let outside = Scope::empty(None);
    let mut source_scope = Scope { parent: Some(&outside), relations: Vec::new(), ctes: Vec::new() };
    let source = binder.factor(&merge.source, &mut source_scope)?;
    let mut relations = vec![relation];
    relations.extend(source_scope.relations.iter().cloned());
    let scope = Scope { parent: Some(&outside), relations, ctes: Vec::new() };
    let names = Names::of(&scope);
    let on = binder.condition(&merge.on, &names)?;
    let table = entry.physical();
    let start = format!("MERGE INTO {table} AS {sql_name} USING {source} ON {on}");
    let mut clauses = Vec::new();
    let mut matched = Vec::new();
    for clause in &merge.clauses {
        let predicate = match &clause.predicate {
            Some(predicate) => Some(binder.condition(predicate, &names)?),
            None => None,
        };
        let when = match clause.clause_kind {
            MergeClauseKind::Matched => {
                matched.push(predicate.clone().unwrap_or_else(|| "TRUE".to_owned()));
                "MATCHED"
            }
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => "NOT MATCHED",
            MergeClauseKind::NotMatchedBySource => return Err(unsupported("WHEN NOT MATCHED BY SOURCE")),
        };
        let and = predicate.map_or_else(String::new, |predicate| format!(" AND {predicate}"));
        let action = action(binder, clause, entry, &names)?;
        clauses.push(Clause { when: format!("{when}{and}"), action });
    }
    let hits = (!matched.is_empty()).then(|| {
        format!("SELECT DISTINCT {sql_name}.v_row FROM {table} AS {sql_name} JOIN {source} ON {on}")
    });
    let ambiguous = (!matched.is_empty()).then(|| {
        format!(
            "SELECT count(*) FROM (SELECT {sql_name}.rowid FROM {table} AS {sql_name} JOIN {source} ON {on} WHERE {} \
             GROUP BY {sql_name}.rowid HAVING count(*) > 1)",
            matched.join(" OR ")
        )
    });
    Ok(Bound { start, clauses, hits, ambiguous })
}

fn action(
    binder: &Binder<'_>,
    clause: &MergeClause,
    entry: &TableEntry,
    names: &Names<'_>,
) -> Result<Action, SqlError> {
    match &clause.action {
        MergeAction::Delete { .. } => Ok(Action::Delete),
        MergeAction::DoNothing { .. } => Err(unsupported("DO NOTHING in MERGE")),
        MergeAction::Update(update) => {
            let MergeUpdateKind::Set(assignments) = &update.kind else {
                return Err(unsupported("UPDATE ALL BY NAME"));
            };
            let mut sets = Vec::new();
            for assignment in assignments {
                let AssignmentTarget::ColumnName(name) = &assignment.target else {
                    return Err(unsupported("SET of several columns at once"));
                };
                let column = column(entry, &names::parts(name)?.pop().unwrap_or_default())?;
                let value =
                    binder.cast(binder.expression(&assignment.value, names)?, &column.ty, Mode::Assign)?;
                sets.push(format!("{} = {}", column.physical, value.sql));
            }
            Ok(Action::Update(sets.join(", ")))
        }
        MergeAction::Insert(insert) => {
            let MergeInsertKind::Values(values) = &insert.kind else {
                return Err(unsupported("INSERT ALL BY NAME"));
            };
            let [row] = values.rows.as_slice() else {
                return Err(unsupported("several rows in MERGE … INSERT"));
            };
            let wanted: Vec<&ColumnEntry> = if insert.columns.is_empty() {
                entry.columns.iter().collect()
            } else {
                let found = insert
                    .columns
                    .iter()
                    .map(|name| column(entry, &names::parts(name)?.pop().unwrap_or_default()));
                found.collect::<Result<_, _>>()?
            };
            if wanted.len() != row.content.len() {
                return Err(super::insert::wrong_count(wanted.len(), row.content.len()));
            }
            let mut values = Vec::new();
            for column in &entry.columns {
                values.push(match wanted.iter().position(|name| name.name == column.name) {
                    Some(place) => {
                        binder
                            .cast(binder.expression(&row.content[place], names)?, &column.ty, Mode::Assign)?
                            .sql
                    }
                    None => default_value(binder, column)?,
                });
            }
            Ok(Action::Insert(values.join(", ")))
        }
    }
}
