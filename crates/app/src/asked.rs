//! What a customer's account answers to one statement, for commands that look at a few rows themselves.

use arrow_array::RecordBatch;
use connectors::snowflake::SnowflakeSource;
use futures_util::StreamExt;
use model::{Progress, ReadEvent, Result, Source, StreamName, StreamPlan, StreamSpec, TableName};

/// The rows of an answer, and the plan that they were read by.
pub(crate) struct Asked {
    pub(crate) plan: StreamPlan,
    pub(crate) batches: Vec<RecordBatch>,
}

/// Asks a statement that answers with few rows. `name` is what errors call it.
pub(crate) async fn ask(source: &SnowflakeSource, name: &str, sql: String) -> Result<Asked> {
    let stream = StreamName::Query { name: name.to_owned(), sql };
    // Nothing is landed; a plan has a target all the same.
    let spec = StreamSpec::new(stream, TableName::in_vendor_database("imports", name));
    let schema = source.describe(&spec.stream).await?;
    let plan = StreamPlan::build(&spec, &schema, &Progress::default())?;
    let mut events = source.read(&plan).await?.events;
    let mut batches = Vec::new();
    while let Some(event) = events.next().await {
        if let ReadEvent::Batch(batch) = event? {
            batches.push(batch.rows);
        }
    }
    Ok(Asked { plan, batches })
}

/// A table of the account's, as a statement names it.
pub(crate) fn quoted_table(table: &TableName) -> String {
    [table.database.as_deref().unwrap_or_default(), &table.schema, &table.table].map(quoted).join(".")
}

/// An identifier that means exactly `name`, in Snowflake as in DuckDB.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
