//! Bringing staged rows in by taking out what differs and putting it in anew.
//!
//! A row that is changed where it is costs its whole surroundings: DuckDB keeps the old values of each column in memory until
//! the end, and then writes the columns of the row's group again, which for changes all over a table means the whole table.
//! Rows that are put in anew cost what new ones do, and DuckDB takes the room of the others back at its checkpoints.

use duckdb::Transaction;
use model::{DELETE_FLAG, DELETED_AT, DeletePolicy, Result, StreamPlan};

use super::{Merged, execute};
use crate::duckdb::error::failed;
use crate::duckdb::sql::{NOW, quoted, quoted_target, same_key_sql, staging};
use crate::duckdb::types::stored_columns;

/// Rows that are to be put in, with the places of those that they take the place of.
const DIFFERING: &str = "temp.main._snowferry_differing";

/// Whether rows of a table with these columns, as name and type, have places that can be asked for.
pub(super) fn is_possible(columns: &[(String, String)]) -> bool {
    !columns.iter().any(|(name, _)| name.eq_ignore_ascii_case("rowid"))
}

/// Which of the two is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    RemovalFirst,
    InsertionFirst,
}

/// `columns` are those that the target has by now, as name and type.
pub(super) fn merge(
    transaction: &Transaction<'_>,
    plan: &StreamPlan,
    columns: &[(String, String)],
    order: Order,
) -> Result<Merged> {
    let statements = Statements::new(plan, columns);
    let find = format!("CREATE OR REPLACE TEMP TABLE _snowferry_differing AS {}", statements.differing);
    transaction.execute_batch(&find).map_err(|e| failed("compare the rows", e))?;
    let (merged, removed) = transaction
        .query_row(&statements.counts, [], |row| {
            let merged = Merged {
                inserted: row.get(0)?,
                updated: row.get(1)?,
                deleted: row.get(2)?,
                marked: row.get(3)?,
            };
            Ok((merged, Removed { row_count: row.get(4)?, end: row.get(5)? }))
        })
        .map_err(|e| failed("count the rows", e))?;
    if order == Order::RemovalFirst {
        removed.remove(transaction, plan)?;
    }
    if merged != Merged::default() || plan.carries_delete_flag() {
        execute(transaction, &statements.insertion)?;
    }
    if order == Order::InsertionFirst {
        removed.remove(transaction, plan)?;
    }
    transaction.execute_batch(&format!("DROP TABLE {DIFFERING}")).map_err(|e| failed("clear up", e))?;
    Ok(merged)
}

/// The rows of the target that others take the place of.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) row_count: u64,
    /// Their places are below this.
    pub(super) end: u64,
}

/// How many rows are removed by one statement.
pub(super) const ROWS_AT_ONCE: u64 = 128 * 1024;

impl Removed {
    /// Removes them part by part: beside what DuckDB notes of all of them, it keeps the places that it looks for in memory.
    pub(super) fn remove(&self, transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
        let target = quoted_target(&plan.target);
        let parts = self.row_count.div_ceil(ROWS_AT_ONCE);
        let bound = |part: u64| u128::from(self.end) * u128::from(part) / u128::from(parts);
        for part in 0..parts {
            let within =
                |place: &str| format!("{place} >= {} AND {place} < {}", bound(part), bound(part + 1));
            let removal = format!(
                "DELETE FROM {target} WHERE {} AND rowid IN (SELECT _snowferry_place FROM {DIFFERING} WHERE {})",
                within("rowid"),
                within("_snowferry_place")
            );
            execute(transaction, &removal)?;
        }
        Ok(())
    }
}

/// What is sent, in the order in which it is.
#[derive(Debug)]
struct Statements {
    differing: String,
    counts: String,
    insertion: String,
}

impl Statements {
    fn new(plan: &StreamPlan, columns: &[(String, String)]) -> Self {
        let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
        let planned: Vec<(String, String)> = plan.columns.iter().flat_map(stored_columns).collect();
        let planned_names: Vec<String> = planned.iter().map(|(name, _)| quoted(name)).collect();
        let mark = plan.marks_deleted().then(|| quoted(DELETED_AT));
        // What the source does not have any more, or never had, stays as it is.
        let kept: Vec<String> = columns
            .iter()
            .map(|(name, _)| quoted(name))
            .filter(|name| !planned_names.contains(name) && mark.as_ref() != Some(name))
            .collect();
        let removes = plan.carries_delete_flag() && plan.deletes.policy == DeletePolicy::Delete;

        let mut selected: Vec<String> = kept.iter().map(|name| format!("target.{name}")).collect();
        selected.extend(mark.iter().map(|mark| {
            format!("CASE WHEN staged._snowferry_is_gone THEN coalesce(target.{mark}, {NOW}) END AS {mark}")
        }));
        let newly_marked = match &mark {
            Some(mark) => format!("staged._snowferry_is_gone AND target.{mark} IS NULL"),
            None => "false".to_owned(),
        };
        selected.push(format!("{newly_marked} AS _snowferry_is_marked"));
        let differing = format!(
            "SELECT target.rowid AS _snowferry_place, staged._snowferry_staged_place, staged._snowferry_is_gone, {}\n\
             FROM ({}) AS staged\nLEFT JOIN {target} AS target ON {}\nWHERE {}",
            selected.join(", "),
            fingerprints_sql(plan, columns),
            same_key_sql(plan, "target", "staged"),
            condition_sql(plan, mark.as_deref(), removes)
        );

        let counts = format!(
            "SELECT count(*) FILTER (NOT _snowferry_is_gone AND _snowferry_place IS NULL)::UBIGINT,\n\
             count(*) FILTER (NOT _snowferry_is_gone AND _snowferry_place IS NOT NULL)::UBIGINT,\n\
             count(*) FILTER ({removes} AND _snowferry_is_gone)::UBIGINT,\n\
             count(*) FILTER (_snowferry_is_marked)::UBIGINT,\n\
             count(_snowferry_place)::UBIGINT, coalesce(max(_snowferry_place) + 1, 0)::UBIGINT\nFROM {DIFFERING}"
        );
        let others: Vec<&String> = kept.iter().chain(&mark).collect();
        let names =
            planned_names.iter().chain(others.iter().copied()).cloned().collect::<Vec<_>>().join(", ");
        let values = planned_names
            .iter()
            .map(|name| format!("staged.{name}"))
            .chain(others.iter().map(|name| format!("differing.{name}")))
            .collect::<Vec<_>>()
            .join(", ");
        let stays = if removes { "\nWHERE NOT differing._snowferry_is_gone" } else { "" };
        let insertion = format!(
            "INSERT INTO {target} ({names})\nSELECT {values}\nFROM {staged} AS staged\n\
             JOIN {DIFFERING} AS differing ON differing._snowferry_staged_place = staged.rowid{stays}"
        );
        Self { differing, counts, insertion }
    }
}

/// The staged rows by their keys and a hash of what is compared. With the hashes in place of the values, comparing takes no
/// more memory for wide rows than for narrow ones. Of ten thousand million rows that change in a day, one would be taken for
/// what it was in some million years.
fn fingerprints_sql(plan: &StreamPlan, columns: &[(String, String)]) -> String {
    let staged = quoted_target(&staging(&plan.target));
    let key: Vec<String> = plan.key().iter().map(|name| quoted(name)).collect();
    let is_gone = match plan.carries_delete_flag() {
        true => format!("{} IS TRUE", quoted(DELETE_FLAG)),
        false => "false".to_owned(),
    };
    // One value has two hashes in two types.
    let as_in_target = |(name, stored_type): (String, String)| {
        let quoted = quoted(&name);
        match columns.iter().find(|(existing, _)| *existing == name) {
            Some((_, target_type)) if *target_type != stored_type => {
                format!("CAST({quoted} AS {target_type})")
            }
            _ => quoted,
        }
    };
    let compared: Vec<String> = compared(plan).map(as_in_target).collect();
    format!(
        "SELECT {}, rowid AS _snowferry_staged_place, {is_gone} AS _snowferry_is_gone, {} AS _snowferry_hash FROM {staged}",
        key.join(", "),
        hash_sql(&compared)
    )
}

/// Which pairs of a staged row and the target's row of its key, where there is one, are not as they should be.
fn condition_sql(plan: &StreamPlan, mark: Option<&str>, removes: bool) -> String {
    let here: Vec<String> = compared(plan).map(|(name, _)| format!("target.{}", quoted(&name))).collect();
    let mut differs = format!("target.rowid IS NULL OR {} <> staged._snowferry_hash", hash_sql(&here));
    if let Some(mark) = mark {
        differs.push_str(&format!(" OR (target.{mark} IS NOT NULL) <> staged._snowferry_is_gone"));
    }
    match removes {
        true => {
            format!("CASE WHEN staged._snowferry_is_gone THEN target.rowid IS NOT NULL ELSE {differs} END")
        }
        false => differs,
    }
}

/// The columns, as name and type, in which rows of one key can differ.
fn compared(plan: &StreamPlan) -> impl Iterator<Item = (String, String)> + '_ {
    plan.columns
        .iter()
        .flat_map(stored_columns)
        .filter(|(name, _)| !plan.key().contains(name) && !plan.stamps.contains(name))
}

fn hash_sql(values: &[String]) -> String {
    if values.is_empty() { "0".to_owned() } else { format!("hash({})", values.join(", ")) }
}
