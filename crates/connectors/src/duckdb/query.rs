//! Asking a tenant's file: any statement that reads, its rows as Arrow.

use arrow_array::RecordBatch;
use model::{Error, Result};

use super::database::TenantFile;

/// The first rows of an answer.
#[derive(Debug)]
pub struct QueryRows {
    pub batches: Vec<RecordBatch>,
    /// Whether there are more rows than were asked for.
    pub is_cut: bool,
}

/// Runs `sql` read-only and gives at most `row_count_max` rows.
pub fn query(file: &TenantFile, sql: &str, row_count_max: usize) -> Result<QueryRows> {
    let connection = file.open_read_only()?;
    let mut statement = connection.prepare(sql).map_err(refused)?;
    let mut rows = QueryRows { batches: Vec::new(), is_cut: false };
    let mut left = row_count_max;
    for batch in statement.query_arrow([]).map_err(refused)? {
        if batch.num_rows() > left {
            rows.is_cut = true;
            rows.batches.push(batch.slice(0, left));
            break;
        }
        left -= batch.num_rows();
        rows.batches.push(batch);
    }
    Ok(rows)
}

/// The same, each row as one JSON object.
pub fn query_json(file: &TenantFile, sql: &str, row_count_max: usize) -> Result<QueryRows> {
    let sql = sql.trim().trim_end_matches(';');
    query(file, &format!("SELECT to_json(answer)::VARCHAR AS json FROM (\n{sql}\n) AS answer"), row_count_max)
}

/// The statement is the user's own, so DuckDB's words are what helps.
fn refused(error: duckdb::Error) -> Error {
    let text = error.to_string();
    Error::config(
        "query_refused",
        text.split("\n\nStack Trace").next().unwrap_or_default().trim_end().to_owned(),
    )
}
