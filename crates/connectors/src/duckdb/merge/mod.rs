//! Bringing staged rows into the target by key.
//!
//! Rows that differ are put in anew ([`anew`]) wherever that is possible, else changed where they are ([`in_place`]). What
//! is there afterwards is the same.

mod anew;
mod in_place;
#[cfg(test)]
mod tests;

use duckdb::{Connection, Transaction};
use model::{Committed, Result, StreamPlan, TableName};

use self::anew::Order;
use super::allowed::{MEMORY_BYTES_MAX, NOTED_ROW_BYTES};
use super::deletes;
use super::error::failed;
use super::sql::{quoted_target, staging};
use super::table_columns::table_columns;

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) inserted: u64,
    pub(super) updated: u64,
    pub(super) deleted: u64,
    pub(super) marked: u64,
}

/// Publishes the staged rows by key.
pub(super) fn merge(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<Committed> {
    let policy_deleted = deletes::follow_policy(transaction, plan)?;
    let Merged { inserted, updated, deleted, marked } = merge_staged(transaction, plan)?;
    let total = count(transaction, &quoted_target(&plan.target))?;
    let drop = format!("DROP TABLE {}", quoted_target(&staging(&plan.target)));
    transaction.execute_batch(&drop).map_err(|e| failed("drop the staging table", e))?;
    let deleted = deleted + policy_deleted;
    Ok(Committed { inserted, updated, deleted, marked, total: Some(total), ..Committed::default() })
}

/// Brings the staged rows in and leaves them where they are staged.
pub(super) fn merge_staged(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<Merged> {
    let columns = table_columns(transaction, &plan.target)?;
    let staged = count(transaction, &quoted_target(&staging(&plan.target)))?;
    let removal_bytes = removal_bytes(transaction, plan, staged)?;
    if anew::is_possible(&columns) && removal_bytes <= MEMORY_BYTES_MAX / 4 * 3 {
        let order = order(transaction, plan, removal_bytes)?;
        anew::merge(transaction, plan, &columns, order)
    } else {
        in_place::merge(transaction, plan)
    }
}

/// The memory that a merge of so many staged rows takes, beside what DuckDB can put on the disk.
pub(super) fn memory_bytes(
    connection: &Connection,
    plan: &StreamPlan,
    staged: u64,
    staging_bytes: u64,
) -> Result<u64> {
    /// Of a staged row: its key, its place and its hash, in a hash table.
    const STAGED_ROW_BYTES: u64 = 96;
    /// For the places of the rows that are removed at once, and the blocks that they are in.
    const REMOVING_BYTES: u64 = 16 * 1024 * 1024;
    let finding = COMPARING_BYTES + staged.saturating_mul(STAGED_ROW_BYTES);
    let removal_bytes = removal_bytes(connection, plan, staged)?;
    let moving = match order(connection, plan, removal_bytes)? {
        Order::RemovalFirst => removal_bytes.saturating_add(staging_bytes),
        Order::InsertionFirst => removal_bytes.saturating_add(REMOVING_BYTES).max(staging_bytes),
    };
    Ok(finding.max(moving))
}

/// Enough for comparing keys, beside what there is for each row.
const COMPARING_BYTES: u64 = 32 * 1024 * 1024;

/// What is noted of removed rows stays in memory while others are put in, so where that is much, they are removed last. Only a
/// table that refuses two rows of one key cannot have it so.
fn order(connection: &Connection, plan: &StreamPlan, removal_bytes: u64) -> Result<Order> {
    if removal_bytes <= COMPARING_BYTES || refuses_duplicates(connection, &plan.target)? {
        Ok(Order::RemovalFirst)
    } else {
        Ok(Order::InsertionFirst)
    }
}

fn refuses_duplicates(connection: &Connection, table: &TableName) -> Result<bool> {
    let query = "SELECT EXISTS (
             FROM duckdb_indexes() WHERE is_unique AND database_name = 'vendor' AND schema_name = ?1 AND table_name = ?2
         ) OR EXISTS (
             FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
                 AND database_name = 'vendor' AND schema_name = ?1 AND table_name = ?2
         )";
    connection
        .query_row(query, [&table.schema, &table.table], |row| row.get(0))
        .map_err(|e| failed("look for unique indexes", e))
}

/// What DuckDB notes of the rows that are removed, at most.
fn removal_bytes(connection: &Connection, plan: &StreamPlan, staged: u64) -> Result<u64> {
    const VECTOR_BYTES: u64 = NOTED_ROW_BYTES * 2_048;
    let target = count(connection, &quoted_target(&plan.target))?;
    Ok(target.saturating_mul(NOTED_ROW_BYTES).min(staged.saturating_mul(VECTOR_BYTES)))
}

fn execute(transaction: &Transaction<'_>, sql: &str) -> Result<u64> {
    let changed = transaction.execute(sql, []).map_err(|e| failed("publish the rows", e))?;
    Ok(changed as u64)
}

fn count(connection: &Connection, from: &str) -> Result<u64> {
    connection
        .query_row(&format!("SELECT count(*)::UBIGINT FROM {from}"), [], |row| row.get(0))
        .map_err(|e| failed("count the rows", e))
}
