//! A table of twenty times as many rows as have changed: what is pulled once before the clock starts, what changes then,
//! and DuckDB's own `MERGE` of the same changes from a local file.

use std::io;
use std::path::{Path, PathBuf};

use duckdb::Connection;

use super::shape::Shape;

/// Rows of the table for each one that changes.
pub const TIMES: u64 = 20;
/// Which of so many rows changes.
const CHANGED: u64 = 7;
/// The file that a pull lands in, in its folder.
const FILE: &str = "data/bench.duckdb";
/// The file of the changes that the floor merges.
const CHANGES: &str = "changes.duckdb";

/// The statement that makes the table, for so many changes.
pub fn create(changes: u64) -> String {
    // Rows that were changed at the very last moment are read again by the next run, so that is but one.
    let updated_at = "DATEADD('millisecond', N, '2026-01-01'::TIMESTAMP_NTZ) AS UPDATED_AT";
    let columns = format!("{}, {updated_at}", Shape::Events.columns());
    // Old versions of the rows would be kept for nothing.
    let create = Shape::Events.create_of(changes * TIMES, &columns);
    create.replacen(" AS SELECT", " DATA_RETENTION_TIME_IN_DAYS = 0 AS SELECT", 1)
}

/// The statement that changes one row of twenty.
pub fn change() -> String {
    format!(
        "UPDATE BENCH.PUBLIC.EVENTS SET SCORE = SCORE + 1, EVENT = 'changed', UPDATED_AT = '2026-02-01' \
         WHERE MOD(ID, {TIMES}) = {CHANGED}"
    )
}

/// How many rows have changed, and the sum of their ids.
pub fn expected(changes: u64) -> (u64, i128) {
    let before = i128::from(changes) * i128::from(changes.saturating_sub(1)) / 2;
    (changes, before * i128::from(TIMES) + i128::from(changes) * i128::from(CHANGED))
}

/// The changed rows where they have landed. Where others than they are lost or come twice, it holds none.
pub fn landed(changes: u64) -> String {
    let rows = changes * TIMES;
    format!(
        "public.events WHERE event = 'changed' AND updated_at = TIMESTAMP '2026-02-01' \
         AND (SELECT count(*) = {rows} AND count(DISTINCT id) = {rows} FROM public.events)"
    )
}

/// The file of a folder.
pub fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Copies the file of one folder into another, down to the disk: whoever synchronises it next would otherwise pay for
/// that.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copy = file(to);
    std::fs::create_dir_all(copy.parent().unwrap_or(to))?;
    std::fs::copy(file(from), &copy)?;
    std::fs::File::open(copy)?.sync_all()
}

/// Puts the changed rows into a file of their own beside that of the table, as the floor finds them.
pub fn write_changes(folder: &Path) -> duckdb::Result<()> {
    let connection = Connection::open(folder.join(CHANGES))?;
    connection.execute_batch(&format!(
        "ATTACH '{}' AS landed (READ_ONLY);
         CREATE TABLE changes AS
         SELECT * REPLACE (score + 1 AS score, 'changed' AS event, TIMESTAMP '2026-02-01' AS updated_at)
         FROM landed.public.events WHERE id % {TIMES} = {CHANGED};
         CHECKPOINT",
        file(folder).display()
    ))
}

/// Merges the changes in `prepared` into the table in `folder`, with a checkpoint.
pub fn floor(prepared: &Path, folder: &Path) -> duckdb::Result<()> {
    let connection = Connection::open(file(folder))?;
    connection.execute_batch(&format!(
        "ATTACH '{}' AS beside (READ_ONLY);
         MERGE INTO public.events AS landed USING beside.main.changes AS changes ON landed.id = changes.id
         WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT;
         CHECKPOINT",
        prepared.join(CHANGES).display()
    ))?;
    connection.close().map_err(|(_, error)| error)
}
