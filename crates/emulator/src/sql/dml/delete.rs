//! DELETE, with or without USING.

use sqlparser::ast::{Delete, FromTable, TableFactor};

use super::{DELETE, DELETED, target};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::bind::{Binder, Names, Relation, Scope};
use crate::sql::error::unsupported;
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::execute as run;
use crate::sql::session::{SqlSession, counted};

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
    let mut relation = Relation::of_table(path, &sql_name, &entry);
    if let Some(alias) = alias {
        relation.rename(&names::fold(&alias.name));
    }
    let outside = Scope::empty(None);
    let mut scope = Scope { parent: Some(&outside), relations: vec![relation], ctes: Vec::new() };
    let mut using = Vec::new();
    for table in delete.using.iter().flatten() {
        using.push(binder.table_with_joins(table, &mut scope)?);
    }
    let mut sql = format!("DELETE FROM {} AS {sql_name}", entry.physical());
    if !using.is_empty() {
        sql.push_str(&format!(" USING {}", using.join(", ")));
    }
    if let Some(condition) = &delete.selection {
        sql.push_str(&format!(" WHERE {}", binder.condition(condition, &Names::of(&scope))?));
    }
    session.check_compute(&binder)?;
    tracing::trace!(%sql, "delete");
    session.begin_write(entry.id, true)?;
    let changed = run(&session.connection, &sql);
    let deleted = session.end_write(entry.id, changed)?;
    counted(DELETE, &[(DELETED, deleted)], DmlStats { deleted, ..DmlStats::default() })
}
