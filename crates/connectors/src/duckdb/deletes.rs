//! Rows that are deleted at the source: removed, marked or kept, in the transaction that publishes what was read.

use duckdb::{Connection, Transaction};
use model::{Committed, DELETE_FLAG, DELETED_AT, DeletePolicy, Result, StreamPlan, TableName};

use super::error::failed;
use super::sql::{NOW, quoted, quoted_target, same_key_sql, staging};
use super::table_columns::table_columns;
use super::types::stored_columns;
use crate::guard;

/// Gives the target the column for marks, or empties one that an earlier policy has left. Answers how many rows were
/// removed with their marks. DuckDB drops no column of a table that the same transaction has changed.
pub(super) fn follow_policy(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<u64> {
    let (target, mark) = (quoted_target(&plan.target), quoted(DELETED_AT));
    if plan.marks_deleted() {
        let add = format!("ALTER TABLE {target} ADD COLUMN IF NOT EXISTS {mark} TIMESTAMP");
        transaction.execute_batch(&add).map_err(|e| failed("add the column for deleted rows", e))?;
    }
    if !plan.deletes.drops_marks || !has_column(transaction, &plan.target, DELETED_AT)? {
        return Ok(0);
    }
    if plan.deletes.policy == DeletePolicy::Delete {
        return execute(transaction, &format!("DELETE FROM {target} WHERE {mark} IS NOT NULL"));
    }
    execute(transaction, &format!("UPDATE {target} SET {mark} = NULL WHERE {mark} IS NOT NULL"))?;
    Ok(0)
}

/// The staged rows become the table, seen by readers all at once. Rows of the earlier one that are not among them stay
/// where the policy is not to remove them.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    plan: &StreamPlan,
    max_shrink_percent: u8,
) -> Result<Committed> {
    let target = quoted_target(&plan.target);
    let mut marked = settle_flags(transaction, plan)?;
    let staged = quoted_target(&staging(&plan.target));
    let mut total = count(transaction, &staged)?;
    let live = total - marked;
    if has_table(transaction, &plan.target)? {
        keep_stamps(transaction, plan)?;
        if plan.deletes.policy == DeletePolicy::Delete {
            let before = count(transaction, &target)?;
            guard::refuse_shrinking(&plan.target, before, live, max_shrink_percent)?;
        } else {
            let gone = carry_over(transaction, plan)?;
            marked += if plan.marks_deleted() { gone } else { 0 };
            total = count(transaction, &staged)?;
        }
    }
    let swap = format!(
        "DROP TABLE IF EXISTS {target};\nALTER TABLE {staged} RENAME TO {}",
        quoted(&plan.target.table)
    );
    transaction.execute_batch(&swap).map_err(|e| failed("put the new table in place", e))?;
    Ok(Committed { inserted: live, marked, total: Some(total), ..Committed::default() })
}

/// Rows of a whole read that differ from those of the earlier table in nothing but their stamps keep the ones that they have:
/// whoever follows the stamps sees that nothing has become of them. Rows are told by two hashes of 64 bits, over
/// the columns in either order; two that differ in one text alone, by the 64 bits of that.
fn keep_stamps(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
    let name = staging(&plan.target).table;
    let existing = table_columns(transaction, &plan.target)?;
    let stored = table_columns(transaction, &staging(&plan.target))?;
    let stamps: Vec<String> = plan.stamps.iter().map(|name| quoted(name)).collect();
    // In other columns, each row is another one.
    let has_all = plan.columns.iter().flat_map(stored_columns).all(|column| existing.contains(&column));
    if stamps.is_empty() || !has_all {
        return Ok(());
    }
    let compared = plan.columns.iter().flat_map(stored_columns).map(|(name, _)| quoted(&name));
    let mut compared: Vec<String> = compared.filter(|name| !stamps.contains(name)).collect();
    let hash_1 = format!("hash({})", compared.join(", "));
    compared.reverse();
    let hashes = format!("{hash_1} AS hash_1, hash({}) AS hash_2", compared.join(", "));
    let kept: Vec<String> = stamps.iter().map(|name| format!("min({name}) AS {name}")).collect();
    let values = stored.iter().map(|(name, _)| quoted(name)).map(|name| match stamps.contains(&name) {
        true => format!("coalesce(was.{name}, staged.{name}) AS {name}"),
        false => format!("staged.{name}"),
    });
    // A row that comes back is told anew.
    let is_there = match existing.iter().any(|(name, _)| name == DELETED_AT) {
        true => format!("{} IS NULL", quoted(DELETED_AT)),
        false => "true".to_owned(),
    };
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let settled = settled(&plan.target);
    let statements = format!(
        "CREATE TABLE {settled} AS SELECT {} FROM (SELECT *, {hashes} FROM {staged}) AS staged
         LEFT JOIN (SELECT {hashes}, {} FROM {target} WHERE {is_there} GROUP BY ALL) AS was
         ON was.hash_1 = staged.hash_1 AND was.hash_2 = staged.hash_2;
         DROP TABLE {staged};
         ALTER TABLE {settled} RENAME TO {};",
        values.collect::<Vec<String>>().join(", "),
        kept.join(", "),
        quoted(&name)
    );
    transaction.execute_batch(&statements).map_err(|e| failed("keep what is known of the rows", e))
}

/// Does with flagged rows of a whole read what the policy says, and takes the flag away. Answers how many were marked.
fn settle_flags(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<u64> {
    let (staged, flag) = (quoted_target(&staging(&plan.target)), quoted(DELETE_FLAG));
    let mark = quoted(DELETED_AT);
    let failed = |error| failed("settle the deleted rows", error);
    if !plan.carries_delete_flag() {
        if plan.marks_deleted() {
            let add = format!("ALTER TABLE {staged} ADD COLUMN {mark} TIMESTAMP");
            transaction.execute_batch(&add).map_err(failed)?;
        }
        return Ok(0);
    }
    // DuckDB drops no column of a table that the same transaction has changed, so the rows move to another one.
    let settled = settled(&plan.target);
    let selection = match plan.marks_deleted() {
        true => format!(", CASE WHEN {flag} THEN {NOW} END AS {mark} FROM {staged}"),
        false => format!(" FROM {staged} WHERE {flag} IS NOT TRUE"),
    };
    let name = quoted(&staging(&plan.target).table);
    let statements = format!(
        "CREATE TABLE {settled} AS SELECT * EXCLUDE ({flag}){selection};
         DROP TABLE {staged};
         ALTER TABLE {settled} RENAME TO {name};"
    );
    let marked =
        if plan.marks_deleted() { count(transaction, &format!("{staged} WHERE {flag}"))? } else { 0 };
    transaction.execute_batch(&statements).map_err(failed)?;
    Ok(marked)
}

/// Where staged rows are on their way from one form into another. Each target has its own: others may be written to beside it.
fn settled(target: &TableName) -> String {
    let table = format!("_snowferry_settled_{}", target.table);
    quoted_target(&TableName { table, ..target.clone() })
}

/// Takes rows over from the table that is about to be replaced: those whose keys the source does not have any more, with
/// the columns that both tables have in the same type. Answers how many had no mark yet.
fn carry_over(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<u64> {
    let existing = table_columns(transaction, &plan.target)?;
    let stored: Vec<(String, String)> = plan.columns.iter().flat_map(stored_columns).collect();
    let common = stored.iter().filter(|column| existing.contains(column)).map(|(name, _)| quoted(name));
    let mut names: Vec<String> = common.collect();
    // By another key there is no telling which rows are gone.
    if plan.key().is_empty() || !plan.key().iter().all(|name| names.contains(&quoted(name))) {
        return Ok(0);
    }
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let gone = format!(
        "{target} AS target WHERE NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE {})",
        same_key_sql(plan, "target", "staged")
    );
    let mut values = names.clone();
    let mut unmarked = gone.clone();
    let mark = quoted(DELETED_AT);
    if plan.marks_deleted() {
        names.push(mark.clone());
        let has_marks = existing.iter().any(|(name, _)| name == DELETED_AT);
        if has_marks {
            unmarked.push_str(&format!(" AND target.{mark} IS NULL"));
        }
        values.push(if has_marks { format!("coalesce({mark}, {NOW})") } else { NOW.to_owned() });
    }
    let unmarked = count(transaction, &unmarked)?;
    let carry =
        format!("INSERT INTO {staged} ({}) SELECT {} FROM {gone}", names.join(", "), values.join(", "));
    execute(transaction, &carry)?;
    Ok(unmarked)
}

/// Whether the target has marks that a comparison has to leave out.
pub(super) fn is_marked(connection: &Connection, plan: &StreamPlan) -> Result<bool> {
    Ok(plan.marks_deleted() && has_column(connection, &plan.target, DELETED_AT)?)
}

fn has_column(connection: &Connection, table: &TableName, name: &str) -> Result<bool> {
    Ok(table_columns(connection, table)?.iter().any(|(existing, _)| existing == name))
}

fn has_table(connection: &Connection, table: &TableName) -> Result<bool> {
    Ok(!table_columns(connection, table)?.is_empty())
}

fn execute(transaction: &Transaction<'_>, sql: &str) -> Result<u64> {
    let changed = transaction.execute(sql, []).map_err(|e| failed("publish the rows", e))?;
    Ok(changed as u64)
}

fn count(transaction: &Transaction<'_>, from: &str) -> Result<u64> {
    transaction
        .query_row(&format!("SELECT count(*)::UBIGINT FROM {from}"), [], |row| row.get(0))
        .map_err(|e| failed("count the rows", e))
}
