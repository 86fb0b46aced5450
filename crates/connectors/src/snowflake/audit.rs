//! Sums and marks of a customer's rows: one statement each, of which only hashes come back.

use arrow_array::Array;
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use model::{AuditCost, AuditPlan, Audited, Error, ErrorKind, Moment, Result, SNAPSHOT_UNAVAILABLE};
use snowflake::{QueryResult, Session, Statement};

use super::error::from_client;

/// What a statement of an audit answered: every column is text.
pub(super) type Texts = Vec<Vec<Option<String>>>;

/// Runs a statement of an audit.
pub(super) async fn ask(session: &Session, plan: &AuditPlan, sql: String) -> Result<Audited<Texts>> {
    let answered = answer(session, sql).await;
    let (result, batches) = answered.map_err(|error| match plan.moment {
        Moment::Checkpoint if is_refused(error.kind()) => unavailable(error),
        _ => from_client(error),
    })?;
    let mut cost = AuditCost {
        statements: 1,
        row_count: result.total_rows(),
        bytes: batches.iter().map(|rows| rows.get_array_memory_size() as u64).sum(),
        ..AuditCost::default()
    };
    // What it took is worth knowing and not worth failing for.
    if let Ok(status) = session.query_status(result.query_id()).await {
        cost.bytes_scanned = status.bytes_scanned;
        cost.virtual_warehouse = status.virtual_warehouse;
    }
    Ok(Audited { found: batches.iter().map(texts).collect::<Result<Vec<Texts>>>()?.concat(), cost })
}

/// Runs a statement to its end.
pub(super) async fn answer(
    session: &Session,
    sql: String,
) -> snowflake::Result<(QueryResult, Vec<RecordBatch>)> {
    let result = session.query(Statement::new(sql).repeatable()).await?;
    let batches = result.collect().await?;
    Ok((result, batches))
}

/// The answer's rows.
pub(super) fn texts(rows: &RecordBatch) -> Result<Texts> {
    let columns = rows.columns().iter().map(|column| column.as_string_opt::<i32>());
    let columns: Vec<_> = columns
        .collect::<Option<_>>()
        .ok_or_else(|| Error::internal("an answer of hashes came in another type than text"))?;
    let text = |row: usize| {
        columns.iter().map(|column| column.is_valid(row).then(|| column.value(row).to_owned())).collect()
    };
    Ok((0..rows.num_rows()).map(text).collect())
}

/// Whatever the service says against a statement that looks back in time, the way on is one that does not. What a retry
/// or a person would mend first is reported.
fn is_refused(kind: snowflake::ErrorKind) -> bool {
    use snowflake::ErrorKind;
    matches!(kind, ErrorKind::Statement | ErrorKind::NotFound | ErrorKind::Data | ErrorKind::ResultGone)
}

fn unavailable(error: snowflake::Error) -> Error {
    let error = from_client(error);
    let message = format!("the snapshot of the last read is not to be had any more: {}", error.message());
    let unavailable = Error::new(ErrorKind::NotFound, SNAPSHOT_UNAVAILABLE, message);
    match error.query_id() {
        Some(query_id) => unavailable.with_query_id(query_id),
        None => unavailable,
    }
}
