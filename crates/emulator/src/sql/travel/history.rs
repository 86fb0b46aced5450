//! A table as it was, and what changed between two instants, as DuckDB's queries.

use super::commits::{between, later};
use super::versions::history_of;
use crate::sql::catalog::TableEntry;

/// The columns of a table in DuckDB, each with a comma behind it.
fn columns(entry: &TableEntry) -> String {
    entry.columns.iter().map(|column| format!("{}, ", column.physical)).collect()
}

/// The rows as of an instant, with their numbers. `own` is the session's open transaction, which has not happened yet.
pub(crate) fn at_sql(entry: &TableEntry, at: i64, own: Option<i64>) -> String {
    let (table, history, columns) = (entry.physical(), history_of(entry.id), columns(entry));
    let later = later(entry.id, at, own);
    format!(
        "(SELECT {columns}v_row FROM {table} WHERE v_from NOT IN ({later}) UNION ALL \
         SELECT {columns}v_row FROM {history} WHERE v_to IN ({later}) AND v_from NOT IN ({later}))"
    )
}

/// The difference between a table's rows at two instants, as `action`, `is_update` and `v_row` behind its columns: the
/// rows that are there no more, and those that were not there before. A row that is both was updated.
pub(crate) fn changes_sql(entry: &TableEntry, after: i64, until: i64, own: Option<i64>) -> String {
    let (table, history, columns) = (entry.physical(), history_of(entry.id), columns(entry));
    let within = between(entry.id, after, until);
    let (after, until) = (later(entry.id, after, own), later(entry.id, until, own));
    format!(
        "(SELECT {columns}action, (count(*) OVER (PARTITION BY v_row)) = 2 AS is_update, v_row FROM (\
         SELECT {columns}'INSERT' AS action, v_row FROM {table} WHERE v_from IN ({within}) UNION ALL \
         SELECT {columns}'INSERT' AS action, v_row FROM {history} WHERE v_from IN ({within}) AND v_to IN ({until}) \
         UNION ALL \
         SELECT {columns}'DELETE' AS action, v_row FROM {history} WHERE v_to IN ({within}) AND v_from NOT IN ({after})\
         ) AS delta)"
    )
}

/// The rows inserted between two instants, each as it was inserted, whatever became of it.
pub(crate) fn appended_sql(entry: &TableEntry, after: i64, until: i64) -> String {
    let (table, history, columns) = (entry.physical(), history_of(entry.id), columns(entry));
    let within = between(entry.id, after, until);
    format!(
        "(SELECT {columns}'INSERT' AS action, FALSE AS is_update, v_row FROM (\
         SELECT {columns}v_row, v_from FROM {table} WHERE v_from IN ({within}) UNION ALL \
         SELECT {columns}v_row, v_from FROM {history} WHERE v_from IN ({within})) AS written \
         WHERE NOT EXISTS (SELECT 1 FROM {history} AS earlier \
         WHERE earlier.v_row = written.v_row AND earlier.v_to = written.v_from))"
    )
}
