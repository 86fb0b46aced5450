//! When each transaction was committed: a DuckDB table that every commit adds to, inside its own transaction.

use std::collections::BTreeMap;

use duckdb::Connection;

use super::versions::history_of;
use crate::outcome::SqlError;
use crate::sql::error::from_duckdb;
use crate::sql::run::{execute_all, number};

const TABLE: &str = "emulator_commits";

/// Makes the table where it is missing; gives the last instant in it.
pub(crate) fn prepare(root: &Connection) -> Result<i64, SqlError> {
    execute_all(
        root,
        &format!("CREATE TABLE IF NOT EXISTS {TABLE}(txn BIGINT, table_id UBIGINT, instant BIGINT)"),
    )?;
    number(root, &format!("SELECT COALESCE(max(instant), 0) FROM {TABLE}"))
}

/// Begins a transaction that sees what is committed now: DuckDB takes its snapshot with the first statement.
pub(crate) fn begin_snapshot(connection: &Connection) -> Result<(), SqlError> {
    execute_all(connection, &format!("BEGIN TRANSACTION; SELECT 1 FROM {TABLE} LIMIT 0"))
}

/// Forgets the commits of tables that are gone.
pub(crate) fn forget_missing(root: &Connection, tables: &[u64]) -> Result<(), SqlError> {
    let known: Vec<String> = tables.iter().map(u64::to_string).collect();
    let is_gone =
        if known.is_empty() { "TRUE".to_owned() } else { format!("table_id NOT IN ({})", known.join(", ")) };
    execute_all(root, &format!("DELETE FROM {TABLE} WHERE {is_gone}"))
}

/// When each table was last changed.
pub(crate) fn touched_at(root: &Connection) -> Result<BTreeMap<u64, i64>, SqlError> {
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let sql = format!("SELECT table_id, max(instant) FROM {TABLE} GROUP BY table_id");
    let mut statement = root.prepare(&sql).map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    rows.collect::<duckdb::Result<_>>().map_err(failed)
}

/// Writes down a transaction that is about to be committed.
pub(crate) fn log(connection: &Connection, txn: i64, tables: &[u64], at: i64) -> Result<(), SqlError> {
    let rows: Vec<String> = tables.iter().map(|table| format!("({txn}, {table}, {at})")).collect();
    execute_all(connection, &format!("INSERT INTO {TABLE} VALUES {}", rows.join(", ")))
}

/// The transactions that changed the table after one instant, and not after another.
pub(super) fn between(table: u64, after: i64, until: i64) -> String {
    format!("SELECT txn FROM {TABLE} WHERE table_id = {table} AND instant > {after} AND instant <= {until}")
}

/// The transactions that changed the table after an instant; the session's own open one is later than any.
pub(super) fn later(table: u64, than: i64, own: Option<i64>) -> String {
    let committed = between(table, than, i64::MAX);
    own.map_or_else(|| committed.clone(), |own| format!("{committed} UNION ALL SELECT {own}"))
}

/// Forgets versions that ended longer ago than their table keeps them. `horizons` are tables, each with the earliest
/// instant that can still be asked for.
pub(crate) fn purge(connection: &Connection, horizons: &[(u64, i64)]) -> Result<(), SqlError> {
    for (table, horizon) in horizons {
        let is_old = format!("table_id = {table} AND instant <= {horizon}");
        let old = format!("SELECT txn FROM {TABLE} WHERE {is_old}");
        if number(connection, &format!("SELECT count(*) FROM {TABLE} WHERE {is_old}"))? > 0 {
            execute_all(
                connection,
                &format!(
                    "DELETE FROM {} WHERE v_to IN ({old}); DELETE FROM {TABLE} WHERE {is_old}",
                    history_of(*table)
                ),
            )?;
        }
    }
    Ok(())
}
