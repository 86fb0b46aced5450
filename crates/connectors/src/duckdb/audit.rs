//! Sums and marks of the rows of a target, and the rows of some buckets in place of those that are there.

use duckdb::{Connection, Transaction};
use model::{
    AuditCost, AuditPlan, Audited, BucketFilter, Committed, DELETED_AT, DeletePolicy, Error, ErrorKind,
    Result, StreamPlan,
};

use super::canonical::DuckDbDialect;
use super::deletes;
use super::error::failed;
use super::merge::{Merged, merge_staged};
use super::sql::{NOW, quoted, quoted_target, same_key_sql, staging};
use super::table_columns::table_columns;
use super::types::stored_columns;
use crate::audit::{bucket_condition, key_text, marks_sql, summary_sql};
use crate::guard;

/// What a statement of an audit answered: every column is text.
pub(super) type Texts = Vec<Vec<Option<String>>>;

/// Sums up the buckets of the target.
pub(super) fn summarize(connection: &Connection, plan: &AuditPlan) -> Result<Audited<Texts>> {
    refuse_other_columns(connection, plan)?;
    ask(connection, &summary_sql(&DuckDbDialect, plan, &compared_sql(connection, plan)?)?)
}

/// Marks the rows of some buckets of the target.
pub(super) fn mark_rows(
    connection: &Connection,
    plan: &AuditPlan,
    buckets: &[u32],
) -> Result<Audited<Texts>> {
    ask(connection, &marks_sql(&DuckDbDialect, plan, buckets, &compared_sql(connection, plan)?)?)
}

/// The rows of the target that the source should have too.
fn compared_sql(connection: &Connection, plan: &AuditPlan) -> Result<String> {
    let target = quoted_target(&plan.stream.target);
    let is_marked = deletes::is_marked(connection, &plan.stream)?;
    Ok(if is_marked { format!("{target} WHERE {} IS NULL", quoted(DELETED_AT)) } else { target })
}

/// Compares what both sides have. A column that only one of them has by now waits for a run to follow it.
fn refuse_other_columns(connection: &Connection, plan: &AuditPlan) -> Result<()> {
    let existing = table_columns(connection, &plan.stream.target)?;
    let mut planned = plan.stream.columns.iter().flat_map(stored_columns);
    let Some((name, stored_type)) = planned.find(|column| !existing.contains(column)) else { return Ok(()) };
    let message = format!("{} has no column {name} of type {stored_type}", plan.stream.target);
    Err(Error::new(ErrorKind::SchemaChanged, "columns_changed", message)
        .with_remedy("run the sync, which follows a changed source or says what to do, and verify then"))
}

fn ask(connection: &Connection, sql: &str) -> Result<Audited<Texts>> {
    let answer = || -> duckdb::Result<Texts> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut texts = Vec::new();
        while let Some(row) = rows.next()? {
            let column_count = row.as_ref().column_count();
            texts.push((0..column_count).map(|column| row.get(column)).collect::<duckdb::Result<_>>()?);
        }
        Ok(texts)
    };
    let found = answer().map_err(|error| failed("compare the target", error))?;
    let bytes = found.iter().flatten().flatten().map(|text| text.len() as u64).sum();
    let cost = AuditCost { statements: 1, row_count: found.len() as u64, bytes, ..AuditCost::default() };
    Ok(Audited { found, cost })
}

/// The staged rows take the place of all rows of these buckets. Both are found by DuckDB itself: a staged row that it
/// would put into another bucket means that the two systems do not write the same text for the same value, and then
/// nothing may be replaced.
pub(super) fn replace_buckets(
    transaction: &Transaction<'_>,
    plan: &StreamPlan,
    filter: &BucketFilter,
) -> Result<Committed> {
    let condition = bucket_condition(&DuckDbDialect, plan, filter)?;
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let strays: u64 = transaction
        .query_row(&format!("SELECT count(*)::UBIGINT FROM {staged} WHERE NOT ({condition})"), [], |row| {
            row.get(0)
        })
        .map_err(|e| failed("check the buckets", e))?;
    if strays > 0 {
        return Err(Error::internal(format!("{strays} rows that were read belong to other buckets here")));
    }
    let policy_deleted = deletes::follow_policy(transaction, plan)?;
    let marked = mark_gone(transaction, plan, &condition)?;
    let (removal, insertion) = replacement_sql(plan, &condition)?;
    let removed =
        transaction.execute(&removal, []).map_err(|e| failed("remove the rows of the buckets", e))? as u64;
    let Merged { inserted, updated, deleted, .. } = match insertion {
        Some(insertion) => {
            let inserted =
                transaction.execute(&insertion, []).map_err(|e| failed("put the rows in place", e))?;
            Merged { inserted: inserted as u64, ..Merged::default() }
        }
        None => merge_staged(transaction, plan)?,
    };
    let total = count(transaction, &target)?;
    transaction
        .execute_batch(&format!("DROP TABLE {staged}"))
        .map_err(|e| failed("drop the staging table", e))?;
    let deleted = deleted + removed + policy_deleted;
    Ok(Committed { inserted, updated, deleted, marked, total: Some(total), ..Committed::default() })
}

/// Marks the rows of the buckets whose keys were not read, where that is the policy.
fn mark_gone(transaction: &Transaction<'_>, plan: &StreamPlan, condition: &str) -> Result<u64> {
    if !plan.marks_deleted() {
        return Ok(0);
    }
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let mark = quoted(DELETED_AT);
    let sql = format!(
        "UPDATE {target} AS target SET {mark} = {NOW} WHERE {mark} IS NULL AND ({condition}) AND NOT EXISTS \
         (SELECT 1 FROM {staged} AS staged WHERE {})",
        same_key_sql(plan, "target", "staged")
    );
    let marked = transaction.execute(&sql, []).map_err(|e| failed("mark the deleted rows", e))?;
    Ok(marked as u64)
}

/// The statement that removes rows of the buckets, and the one that puts the staged ones in their place. Where there is a
/// key, there is no second one: the staged rows are merged, so that a row that both have keeps what stands in columns that
/// the source does not have any more.
fn replacement_sql(plan: &StreamPlan, condition: &str) -> Result<(String, Option<String>)> {
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    if plan.deletes.policy != DeletePolicy::Delete {
        // Whatever is gone stays; a key that came twice here comes once.
        let repeated = same_key_sql(plan, "twin", "target");
        let removal = format!(
            "DELETE FROM {target} AS target WHERE {condition} AND (SELECT count(*) FROM {target} AS twin WHERE {repeated}) > 1"
        );
        return Ok((removal, None));
    }
    if plan.bucket_key().is_empty() {
        let insertion = format!("INSERT INTO {target} BY NAME SELECT * FROM {staged}");
        return Ok((format!("DELETE FROM {target} WHERE {condition}"), Some(insertion)));
    }
    let key = key_text(&DuckDbDialect, plan)?;
    let removal = format!(
        "DELETE FROM {target} WHERE {condition} AND (md5({key}) NOT IN (SELECT md5({key}) FROM {staged}) OR md5({key}) IN \
         (SELECT md5({key}) FROM {target} WHERE {condition} GROUP BY ALL HAVING count(*) > 1))"
    );
    Ok((removal, None))
}

fn count(transaction: &Transaction<'_>, target: &str) -> Result<u64> {
    transaction
        .query_row(&format!("SELECT count(*)::UBIGINT FROM {target}"), [], |row| row.get(0))
        .map_err(|e| failed("count the rows", e))
}

/// Removes the rows whose keys have these MD5s, or marks them.
pub(super) fn remove_rows(
    transaction: &Transaction<'_>,
    plan: &StreamPlan,
    gone: &[u128],
    max_shrink_percent: u8,
) -> Result<Committed> {
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    deletes::follow_policy(transaction, plan)?;
    let mark = quoted(DELETED_AT);
    let live = match plan.marks_deleted() {
        true => format!("{target} WHERE {mark} IS NULL"),
        false => target.clone(),
    };
    let before = count(transaction, &live)?;
    note_gone(transaction, gone).map_err(|e| failed("note the keys that are gone", e))?;
    let is_gone = format!("md5({}) IN (FROM {GONE})", key_text(&DuckDbDialect, plan)?);
    let removal = match plan.deletes.policy {
        DeletePolicy::Delete => format!("DELETE FROM {target} WHERE {is_gone}"),
        DeletePolicy::Mark => {
            format!("UPDATE {target} SET {mark} = {NOW} WHERE {mark} IS NULL AND {is_gone}")
        }
        DeletePolicy::Keep => return Err(Error::internal("rows that are to be kept were to be removed")),
    };
    let removed = transaction.execute(&removal, []).map_err(|e| failed("remove the rows", e))? as u64;
    guard::refuse_shrinking(&plan.target, before, count(transaction, &live)?, max_shrink_percent)?;
    let total = count(transaction, &target)?;
    transaction
        .execute_batch(&format!("DROP TABLE {GONE}; DROP TABLE {staged}"))
        .map_err(|e| failed("clear up", e))?;
    let (deleted, marked) = if plan.marks_deleted() { (0, removed) } else { (removed, 0) };
    Ok(Committed { deleted, marked, total: Some(total), ..Committed::default() })
}

const GONE: &str = "temp.main._snowferry_gone";

fn note_gone(transaction: &Transaction<'_>, gone: &[u128]) -> duckdb::Result<()> {
    transaction.execute_batch("CREATE OR REPLACE TEMP TABLE _snowferry_gone (key VARCHAR)")?;
    let mut appender = transaction.appender_to_catalog_and_db("_snowferry_gone", "temp", "main")?;
    for key in gone {
        appender.append_row([format!("{key:032x}")])?;
    }
    appender.flush()
}
