//! When a target was compared with its source, kept beside it.

use std::time::Duration;

use duckdb::{Connection, params};
use model::{Result, TableName};

use super::error::failed;

pub(super) const CREATE_COMPARISONS: &str = "
CREATE TABLE IF NOT EXISTS vendor._snowferry.comparisons (
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    compared VARCHAR NOT NULL,
    compared_at TIMESTAMP NOT NULL,
    missing_rows UBIGINT NOT NULL,
    extra_rows UBIGINT NOT NULL,
    different_rows UBIGINT NOT NULL,
    is_equal_now BOOLEAN NOT NULL
);
";

/// What is compared, whole rows or keys alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonKind {
    /// Every value.
    Rows,
    /// Which keys there are.
    Keys,
}

impl ComparisonKind {
    fn word(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Keys => "keys",
        }
    }
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparisonOutcome {
    pub missing_rows: u64,
    pub extra_rows: u64,
    pub different_rows: u64,
    /// Whether both sides are equal in the end, perhaps because they were healed.
    pub is_equal_now: bool,
}

/// Whether the target was not compared within the time before now.
pub(super) fn is_due(
    connection: &Connection,
    target: &TableName,
    kind: ComparisonKind,
    every: Duration,
) -> Result<bool> {
    connection
        .query_row(
            "SELECT count(*) = 0 FROM vendor._snowferry.comparisons
             WHERE target_schema = ? AND target_table = ? AND compared = ?
               AND compared_at > now()::TIMESTAMP - to_seconds(?)",
            params![target.schema, target.table, kind.word(), every.as_secs_f64()],
            |row| row.get(0),
        )
        .map_err(|e| failed("look for the last comparison", e))
}

/// Notes a comparison that was made just now.
pub(super) fn note(
    connection: &Connection,
    target: &TableName,
    kind: ComparisonKind,
    outcome: ComparisonOutcome,
) -> Result<()> {
    connection
        .execute(
            "INSERT INTO vendor._snowferry.comparisons VALUES (?, ?, ?, now()::TIMESTAMP, ?, ?, ?, ?)",
            params![
                target.schema,
                target.table,
                kind.word(),
                outcome.missing_rows,
                outcome.extra_rows,
                outcome.different_rows,
                outcome.is_equal_now
            ],
        )
        .map(|_| ())
        .map_err(|e| failed("note the comparison", e))
}
