//! The hidden columns of tables and the tables of ended versions: DuckDB's statements that keep them right.

use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::physical::duckdb_type;

/// The function that numbers new rows.
pub(crate) const ROW_FUNCTION: &str = "sf_row";

/// The DuckDB table of a table's ended versions.
pub(crate) fn history_of(table: u64) -> String {
    format!("h{table}")
}

/// A table and the table of its ended versions.
pub(crate) fn create_sql(table: u64, columns: &[ColumnEntry]) -> String {
    format!(
        "CREATE TABLE t{table}({}v_from BIGINT, v_row BIGINT); \
         CREATE TABLE {}({}v_from BIGINT, v_row BIGINT, v_to BIGINT);",
        columns_sql(columns, true),
        history_of(table),
        columns_sql(columns, false)
    )
}

/// The columns as DuckDB's, each with a comma behind it.
fn columns_sql(columns: &[ColumnEntry], with_constraints: bool) -> String {
    let column = |column: &ColumnEntry| {
        let not_null = if with_constraints && !column.nullable { " NOT NULL" } else { "" };
        format!("{} {}{not_null}, ", column.physical, duckdb_type(&column.ty))
    };
    columns.iter().map(column).collect()
}

/// What a table lacks that was made before there was a past: its rows were there always.
pub(crate) fn complete_sql(entry: &TableEntry) -> String {
    let (table, history) = (entry.physical(), history_of(entry.id));
    let columns = columns_sql(&entry.columns, false);
    format!(
        "CREATE TABLE {history}({columns}v_from BIGINT, v_row BIGINT, v_to BIGINT); \
         ALTER TABLE {table} ADD COLUMN v_from BIGINT DEFAULT 0; ALTER TABLE {table} ADD COLUMN v_row BIGINT; \
         UPDATE {table} SET v_row = {ROW_FUNCTION}()"
    )
}

/// Drops a table with all of its versions.
pub(crate) fn drop_sql(table: u64) -> String {
    format!("DROP TABLE IF EXISTS t{table}; DROP TABLE IF EXISTS {}", history_of(table))
}

/// How one transaction writes versions of one table's rows. Those that it has made itself were never seen by anybody
/// else, so they end without a trace.
#[derive(Clone, Debug)]
pub(crate) struct Versions {
    table: u64,
    columns: String,
    /// The transaction's number.
    txn: i64,
    /// False where the table keeps nothing.
    is_kept: bool,
}

impl Versions {
    pub(crate) fn new(entry: &TableEntry, txn: i64, is_kept: bool) -> Self {
        let columns: Vec<&str> = entry.columns.iter().map(|column| column.physical.as_str()).collect();
        Self { table: entry.id, columns: columns.join(", "), txn, is_kept }
    }

    /// Inserts the rows of `select`, which gives one value for each column.
    pub(crate) fn insert(&self, select: &str) -> String {
        format!(
            "INSERT INTO t{} ({}, v_from, v_row) SELECT *, {}, {ROW_FUNCTION}() FROM ({select}) AS given",
            self.table, self.columns, self.txn
        )
    }

    /// The columns and values that MERGE inserts besides the table's own.
    pub(crate) fn inserted(&self) -> (&'static str, String) {
        ("v_from, v_row", format!("{}, {ROW_FUNCTION}()", self.txn))
    }

    /// What an UPDATE sets besides.
    pub(crate) fn set(&self) -> String {
        format!("v_from = {}", self.txn)
    }

    /// Keeps every version that is there, before all rows are deleted.
    pub(crate) fn end_all(&self) -> String {
        self.end("TRUE")
    }

    /// Keeps the versions of the rows whose numbers are in `hits`, before they are changed.
    pub(crate) fn end_hits(&self) -> String {
        self.end("v_row IN (SELECT v_row FROM hits)")
    }

    /// Keeps the versions that a condition hits, before they are changed. The condition brings its WHERE, and knows the
    /// table by `sql_name`.
    pub(crate) fn end_where(&self, sql_name: &str, condition: &str) -> String {
        if !self.is_kept {
            return String::new();
        }
        let Self { table, columns, txn, .. } = self;
        let found = format!("SELECT {columns}, v_from, v_row FROM t{table} AS {sql_name}{condition}");
        format!("INSERT INTO {} SELECT *, {txn} FROM ({found}) WHERE v_from <> {txn};", self.ended())
    }

    fn end(&self, condition: &str) -> String {
        self.end_where("t", &format!(" WHERE {condition}"))
    }

    /// Puts the rows that a MERGE may change aside.
    pub(crate) fn before(&self) -> String {
        let Self { table, columns, txn, .. } = self;
        format!(
            "CREATE OR REPLACE TEMPORARY TABLE before AS SELECT {columns}, v_from, v_row FROM t{table} \
             WHERE v_row IN (SELECT v_row FROM hits) AND v_from <> {txn}"
        )
    }

    /// Keeps those rows put aside that are not there as they were.
    pub(crate) fn end_changed(&self) -> String {
        let Self { table, txn, .. } = self;
        format!(
            "INSERT INTO {} SELECT *, {txn} FROM before WHERE NOT EXISTS \
             (SELECT 1 FROM t{table} AS t WHERE t.v_row = before.v_row AND t.v_from = before.v_from)",
            self.ended()
        )
    }

    /// The table of ended versions with its columns: added ones come last in it, behind the hidden ones.
    fn ended(&self) -> String {
        format!("{}({}, v_from, v_row, v_to)", history_of(self.table), self.columns)
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }
}

/// Fills a clone from `relation`: its rows keep their numbers.
pub(crate) fn copied_sql(entry: &TableEntry, source: &TableEntry, relation: &str, txn: i64) -> String {
    let list = |entry: &TableEntry| -> String {
        entry.columns.iter().map(|column| format!("{}, ", column.physical)).collect()
    };
    format!(
        "INSERT INTO t{} ({}v_from, v_row) SELECT {}{txn}, v_row FROM {relation} AS source",
        entry.id,
        list(entry),
        list(source)
    )
}
