//! The journal in a tenant's DuckDB file: what is known of deliveries into other people's tables, and rows left out.

use async_trait::async_trait;
use duckdb::{Connection, OptionalExt, Transaction, params};
use model::{
    Checkpoint, Cursor, Epoch, Error, Journal, JournalEntry, JournalWrite, Progress, QuarantinedRow, Result,
    StreamName, StreamPlan, TableName,
};

use super::database::{TenantConnection, TenantDatabase};
use super::error::failed;
use super::sql::CATALOG;
use crate::guard;

/// One row for each target, and the rows that were left out. `target_database` is NULL where the target has none.
pub(super) const CREATE_JOURNAL: &str = "
CREATE TABLE IF NOT EXISTS vendor._snowferry.deliveries (
    target_database VARCHAR,
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    epoch UBIGINT NOT NULL,
    committed_cursor VARCHAR,
    committed_rows UBIGINT,
    committed_at TIMESTAMP,
    notes VARCHAR
);
CREATE TABLE IF NOT EXISTS vendor._snowferry.rejects (
    rejected_at TIMESTAMP NOT NULL,
    stream VARCHAR NOT NULL,
    target_database VARCHAR,
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    attempt VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    key_json VARCHAR,
    row_json VARCHAR NOT NULL
);
";

/// The journal of a tenant, in the tenant's own file.
#[derive(Clone, Debug)]
pub struct DuckDbJournal {
    database: TenantDatabase,
}

impl DuckDbJournal {
    /// The journal in this file.
    pub fn new(database: TenantDatabase) -> Self {
        Self { database }
    }

    /// Runs `act` on a thread that may block, in one transaction that no other writer of the journal is in.
    async fn in_transaction<T: Send + 'static>(
        &self,
        connect: fn(&TenantDatabase) -> Result<TenantConnection>,
        act: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let database = self.database.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _alone = database.journal_writer();
            let mut connection = connect(&database)?;
            let transaction = connection.transaction().map_err(|e| failed("begin a transaction", e))?;
            let done = act(&transaction)?;
            transaction.commit().map_err(|e| failed("write to the journal", e))?;
            Ok(done)
        });
        task.await.map_err(|error| Error::internal("a DuckDB task panicked").with_source(error))?
    }
}

#[async_trait]
impl Journal for DuckDbJournal {
    async fn entry(&self, stream: &StreamName, target: &TableName) -> Result<JournalEntry> {
        let (stream, target) = (stream.clone(), target.clone());
        let read = move |transaction: &Transaction<'_>| read_entry(transaction, &stream, &target);
        self.in_transaction(TenantDatabase::connect_lightly, read).await
    }

    async fn take_over(&self, plan: &StreamPlan) -> Result<()> {
        let plan = plan.clone();
        let raise = move |transaction: &Transaction<'_>| raise_fence(transaction, &plan);
        self.in_transaction(TenantDatabase::connect_lightly, raise).await
    }

    async fn write(
        &self,
        stream: &StreamName,
        target: &TableName,
        epoch: Epoch,
        write: JournalWrite,
    ) -> Result<()> {
        let (stream, target) = (stream.clone(), target.clone());
        // Rows that are kept may be many.
        let is_light = write.quarantine.is_empty();
        let connect = if is_light { TenantDatabase::connect_lightly } else { TenantDatabase::connect };
        let note = move |transaction: &Transaction<'_>| note(transaction, &stream, &target, epoch, &write);
        self.in_transaction(connect, note).await
    }
}

fn read_entry(connection: &Connection, stream: &StreamName, target: &TableName) -> Result<JournalEntry> {
    let found = connection
        .query_row(
            "SELECT stream, epoch, committed_cursor, committed_rows, notes FROM vendor._snowferry.deliveries
             WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ?",
            params![target.database, target.schema, target.table],
            |row| {
                let cursor: Option<String> = row.get(2)?;
                let row_count: Option<u64> = row.get(3)?;
                let committed = cursor.map(|cursor| Checkpoint {
                    cursor: Cursor::from_stored(cursor),
                    row_count: row_count.unwrap_or_default(),
                });
                let progress = Progress { committed, epoch: Some(Epoch(row.get(1)?)), ..Progress::default() };
                Ok((row.get(0)?, JournalEntry { progress, notes: row.get(4)? }))
            },
        )
        .optional()
        .map_err(|e| failed("read the journal", e))?;
    let Some((owner, entry)): Option<(String, JournalEntry)> = found else {
        return Ok(JournalEntry::default());
    };
    guard::refuse_taken(&owner, stream, target)?;
    Ok(entry)
}

fn raise_fence(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
    let target = &plan.target;
    let stream = plan.stream.to_string();
    let raised = match read_entry(transaction, &plan.stream, target)?.progress.epoch {
        None => transaction.execute(
            "INSERT INTO vendor._snowferry.deliveries (target_database, target_schema, target_table, stream, epoch)
             VALUES (?, ?, ?, ?, ?)",
            params![target.database, target.schema, target.table, stream, plan.epoch.0],
        ),
        Some(epoch) if epoch < plan.epoch => transaction.execute(
            "UPDATE vendor._snowferry.deliveries SET epoch = ?
             WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ?",
            params![plan.epoch.0, target.database, target.schema, target.table],
        ),
        Some(_) => return Err(guard::stale_epoch(&plan.stream)),
    };
    raised.map(|_| ()).map_err(|e| failed("take over the stream", e))
}

fn note(
    transaction: &Transaction<'_>,
    stream: &StreamName,
    target: &TableName,
    epoch: Epoch,
    write: &JournalWrite,
) -> Result<()> {
    let changed = transaction
        .execute(
            "UPDATE vendor._snowferry.deliveries SET notes = ?
             WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ?
               AND stream = ? AND epoch = ?",
            params![write.notes, target.database, target.schema, target.table, stream.to_string(), epoch.0],
        )
        .map_err(|e| failed("write to the journal", e))?;
    if changed != 1 {
        return Err(guard::stale_epoch(stream));
    }
    if let Some(committed) = &write.committed {
        set_committed(transaction, target, committed)?;
    }
    if let Some(attempt) = &write.forgotten_attempt {
        forget(transaction, target, attempt)?;
    }
    keep_rejects(transaction, stream, target, &write.quarantine)
}

fn set_committed(transaction: &Transaction<'_>, target: &TableName, committed: &Checkpoint) -> Result<()> {
    transaction
        .execute(
            "UPDATE vendor._snowferry.deliveries
             SET committed_cursor = ?, committed_rows = ?, committed_at = make_timestamp(epoch_us(now()))
             WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ?",
            params![
                committed.cursor.as_str(),
                committed.row_count,
                target.database,
                target.schema,
                target.table
            ],
        )
        .map(|_| ())
        .map_err(|e| failed("record the checkpoint", e))
}

fn forget(transaction: &Transaction<'_>, target: &TableName, attempt: &str) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM vendor._snowferry.rejects
             WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ? AND attempt = ?",
            params![target.database, target.schema, target.table, attempt],
        )
        .map(|_| ())
        .map_err(|e| failed("forget rejected rows", e))
}

/// Many rows may be rejected at once, so they are appended instead of inserted one by one.
fn keep_rejects(
    transaction: &Transaction<'_>,
    stream: &StreamName,
    target: &TableName,
    rows: &[QuarantinedRow],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let keep = || -> duckdb::Result<()> {
        let now: i64 = transaction.query_row("SELECT epoch_us(now())", [], |row| row.get(0))?;
        let rejected_at = duckdb::types::Value::Timestamp(duckdb::types::TimeUnit::Microsecond, now);
        let stream = stream.to_string();
        let mut appender = transaction.appender_to_catalog_and_db("rejects", CATALOG, "_snowferry")?;
        for row in rows {
            appender.append_row(params![
                rejected_at,
                stream,
                target.database,
                target.schema,
                target.table,
                row.attempt,
                row.column,
                row.rule,
                row.key,
                row.row
            ])?;
        }
        appender.flush()
    };
    keep().map_err(|e| failed("keep rejected rows", e))
}
