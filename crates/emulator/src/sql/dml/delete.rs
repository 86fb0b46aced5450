//! DELETE, with or without USING.

use sqlparser::ast::{Delete, FromTable, TableFactor};

use super::{DELETE, DELETED, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::{Binder, Names, Relation, Scope};
use crate::sql::error::unsupported;
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute as run, execute_all};
use crate::sql::session::{SqlSession, counted};
use crate::sql::travel::Versions;

pub(super) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    delete: &Delete,
) -> Result<Outcome, SqlError> {
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
    let [table] = tables.as_slice() else { return Err(unsupported("DELETE from several tables")) };
    let TableFactor::Table { name, alias, .. } = &table.relation else {
        return Err(unsupported("DELETE from something else than a table"));
    };
    let (path, entry) = target(session, name, &["DELETE"])?;
    let binder = Binder::new(&session.state, &request.bindings);
    binder.needs_compute.set(true);
    let sql_name = binder.relation_name();
    let mut relation = Relation::of_table(path.clone(), &sql_name, &entry);
    if let Some(alias) = alias {
        relation.rename(&names::fold(&alias.name));
    }
    let outside = Scope::empty(None);
    let mut scope = Scope { parent: Some(&outside), relations: vec![relation], ctes: Vec::new() };
    let mut using = Vec::new();
    for table in delete.using.iter().flatten() {
        using.push(binder.table_with_joins(table, &mut scope)?);
    }
    let table = entry.physical();
    let from: String = using.iter().map(|table| format!(", {table}")).collect();
    let condition = match &delete.selection {
        Some(condition) => format!(" WHERE {}", binder.condition(condition, &Names::of(&scope))?),
        None => String::new(),
    };
    session.check_compute(&binder)?;
    let is_whole = from.is_empty() && condition.is_empty();
    let hits = format!("SELECT DISTINCT {sql_name}.v_row FROM {table} AS {sql_name}{from}{condition}");
    tracing::trace!(sql = %hits, "delete");
    let versions = session.begin_write(&path, &entry, true)?;
    let changed = if is_whole {
        execute_all(&session.connection, &versions.end_all())
            .and_then(|()| run(&session.connection, &format!("DELETE FROM {table}")))
    } else {
        delete_hits(session, &versions, &hits, &table)
    };
    let deleted = session.end_write(entry.id, changed)?;
    counted(DELETE, &[(DELETED, deleted)], DmlStats { deleted, ..DmlStats::default() })
}

/// Finds the rows once, since a condition may give something else the next time.
fn delete_hits(session: &SqlSession, versions: &Versions, hits: &str, table: &str) -> Result<u64, SqlError> {
    let connection = &session.connection;
    execute_all(connection, &format!("CREATE OR REPLACE TEMPORARY TABLE hits AS {hits}"))?;
    execute_all(connection, &versions.end_hits())?;
    run(connection, &format!("DELETE FROM {table} WHERE v_row IN (SELECT v_row FROM hits)"))
}
