//! Writing into a tenant's DuckDB file: rows and the checkpoint that describes them in one transaction.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use duckdb::{Connection, OptionalExt, Transaction, params};
use model::{
    Audit, AuditPlan, Audited, Batch, BucketSummary, Checkpoint, Committed, Cursor, Destination, Epoch,
    Error, Prepared, Progress, Publish, Rejected, Result, RowMark, Staged, StreamName, StreamPlan, TableName,
    Withdrawn,
};
use tracing::{Span, info_span, trace_span};

use super::allowed::{MEMORY_BYTES_MAX, NOTED_ROW_BYTES};
use super::audit;
use super::comparisons::{self, ComparisonKind, ComparisonOutcome};
use super::database::{OpenFile, TenantDatabase, TenantFile};
use super::deletes;
use super::drift;
use super::error::{failed, refused};
use super::footprint::Footprint;
use super::group::OpenGroup;
use super::imports::{self, Import, ModelTables, ModelViews};
use super::merge;
use super::merged_objects::merge_objects;
use super::model_script::ModelScript;
use super::pending::Pending;
use super::repeated_keys;
use super::replace_from::replace_from;
use super::sql::{
    CATALOG, create_table_sql, progress_sql, quoted_schema, quoted_target, set_staged_sql, staging,
};
use super::table_columns::table_columns;
use super::types::storable;
use super::withdraw::withdraw_sql;
use crate::audit::{marks, summaries};
use crate::guard;

/// A tenant's DuckDB file as destination.
#[derive(Clone)]
pub struct DuckDbDestination {
    database: TenantDatabase,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Rows of which DuckDB knows already. Goes before the file that it is inserted into.
    group: Option<OpenGroup>,
    file: OpenFile,
    /// Rows that wait for the end of what can only be read again as a whole, or until they are worth a group.
    pending: Pending,
    durable_row_count: u64,
    /// The statement that has made the staging table for this attempt, until something becomes of the table.
    made_staging: Option<String>,
    /// What the act that is going on is traced by.
    within: Span,
}

impl DuckDbDestination {
    /// Opens the tenant's file, and makes it where it is absent.
    pub fn open(file: TenantFile) -> Result<Self> {
        Self::open_within(file, Footprint::default())
    }

    /// The same with this footprint, unless the file is open already.
    pub fn open_within(file: TenantFile, footprint: Footprint) -> Result<Self> {
        Self::on(TenantDatabase::open_within(file, footprint)?)
    }

    /// A destination on a file that others in this process may use as well.
    pub fn on(database: TenantDatabase) -> Result<Self> {
        let file = database.connect_destination()?;
        let (pending, within) = (Pending::default(), Span::none());
        let state = State { group: None, file, pending, durable_row_count: 0, made_staging: None, within };
        Ok(Self { database, state: Arc::new(Mutex::new(state)) })
    }

    /// Whether `target` was not compared with its source within the time before now.
    pub async fn is_comparison_due(
        &self,
        target: &TableName,
        kind: ComparisonKind,
        every: Duration,
    ) -> Result<bool> {
        let target = target.clone();
        self.blocking(move |state| comparisons::is_due(&state.file.connection, &target, kind, every)).await
    }

    /// Notes what `import` brings, and makes the views that show all imports of the tenant together, and the vendor's own
    /// table.
    pub async fn publish_model<F>(&self, import: Import, views: ModelViews<F>) -> Result<ModelTables>
    where
        F: FnOnce(&ModelTables) -> Result<String> + Send + 'static,
    {
        let database = self.database.clone();
        self.blocking(move |state| {
            let _no_other = database.model_writer();
            imports::publish(&mut state.file.connection, &import, views)
        })
        .await
    }

    /// Makes the views anew where an earlier version of this program has made them; refuses those of a later one.
    pub async fn bring_model_forward<F>(&self, views: ModelViews<F>) -> Result<()>
    where
        F: FnOnce(&ModelTables) -> Result<String> + Send + 'static,
    {
        let database = self.database.clone();
        self.blocking(move |state| {
            let _no_other = database.model_writer();
            imports::bring_forward(&mut state.file.connection, views)
        })
        .await
    }

    /// Runs statements that change the model in one transaction, and gives the text that the last one answers.
    pub async fn change_model(&self, script: ModelScript) -> Result<String> {
        self.database.allow_work()?;
        let database = self.database.clone();
        self.blocking(move |state| {
            let _no_other = database.model_writer();
            script.run(&mut state.file.connection)
        })
        .await
    }

    /// Whether an import has landed rows in `target`.
    pub async fn has_imported(&self, target: &TableName) -> Result<bool> {
        let target = target.clone();
        self.blocking(move |state| imports::is_there(&state.file.connection, &target)).await
    }

    /// Rows of `target` that could not be taken, by reason.
    pub async fn rejected(&self, target: &TableName) -> Result<Vec<Rejected>> {
        let target = target.clone();
        self.blocking(move |state| imports::rejected(&state.file.connection, &target)).await
    }

    /// Notes that `target` was compared with its source just now.
    pub async fn note_comparison(
        &self,
        target: &TableName,
        kind: ComparisonKind,
        outcome: ComparisonOutcome,
    ) -> Result<()> {
        let target = target.clone();
        self.blocking(move |state| comparisons::note(&state.file.connection, &target, kind, outcome)).await
    }

    /// Memory for staging.
    fn staging_bytes(&self, plan: &StreamPlan) -> u64 {
        self.database.footprint().staging_bytes(plan.columns.len())
    }

    /// Memory for publishing so many staged rows.
    async fn publishing_bytes(&self, plan: &StreamPlan, row_count: u64) -> Result<u64> {
        let rewrites_columns = !plan.changes.is_empty() || plan.deletes.drops_marks;
        match plan.publish {
            // Objects of whole rows are joined with those that there are.
            _ if !plan.merged.is_empty() => Ok(MEMORY_BYTES_MAX),
            Publish::Replace { .. } => Ok(self.database.footprint().looking_bytes()),
            Publish::Merge { .. } if !rewrites_columns => {
                let (plan, staging_bytes) = (plan.clone(), self.staging_bytes(plan));
                self.blocking(move |state| {
                    merge::memory_bytes(&state.file.connection, &plan, row_count, staging_bytes)
                })
                .await
            }
            _ => Ok(MEMORY_BYTES_MAX),
        }
    }

    /// Runs `act` on a thread that may block, one at a time.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (state, within) = (Arc::clone(&self.state), Span::current());
        let task = tokio::task::spawn_blocking(move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.within = within;
            let done = act(&mut state);
            // A span that is kept has not ended.
            state.within = Span::none();
            done
        });
        task.await.map_err(|error| Error::internal("a DuckDB task panicked").with_source(error))?
    }
}

/// How far a tenant's file has got with `stream` in `target`, read without writing anything.
pub fn progress(file: &TenantFile, stream: &StreamName, target: &TableName) -> Result<Progress> {
    let connection = file.open_read_only()?;
    read_progress(&connection, stream, target)
}

impl fmt::Debug for DuckDbDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuckDbDestination").field("database", &self.database).finish_non_exhaustive()
    }
}

#[async_trait]
impl Destination for DuckDbDestination {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        let (stream, target) = (stream.clone(), target.clone());
        self.blocking(move |state| read_progress(&state.file.connection, &stream, &target)).await
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        let plan = plan.clone();
        self.database.allow_memory(self.staging_bytes(&plan))?;
        self.blocking(move |state| state.prepare(&plan)).await
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        let plan = plan.clone();
        self.blocking(move |state| state.discard_staged(&plan)).await
    }

    async fn withdraw(&self, plan: &StreamPlan, withdrawn: &Withdrawn) -> Result<Staged> {
        let (plan, withdrawn) = (plan.clone(), withdrawn.clone());
        let row_count: u64 = withdrawn.ranges.iter().map(|range| range.row_count).sum();
        let noted_bytes = row_count.saturating_mul(NOTED_ROW_BYTES);
        self.database.allow_memory(self.staging_bytes(&plan).saturating_add(noted_bytes))?;
        self.blocking(move |state| state.withdraw(&plan, &withdrawn)).await
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        let plan = plan.clone();
        let wide_rows_bytes = wide_rows_bytes(&batch, self.database.footprint());
        self.database.allow_memory(self.staging_bytes(&plan) + wide_rows_bytes)?;
        let database = self.database.clone();
        self.blocking(move |state| {
            state.stage(&plan, batch, &database)?;
            Ok(state.staged())
        })
        .await
    }

    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        let plan = plan.clone();
        self.blocking(move |state| {
            state.flush(&plan)?;
            Ok(state.staged())
        })
        .await
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        let plan = plan.clone();
        self.database.allow_cores_if_large()?;
        self.database.allow_memory(self.publishing_bytes(&plan, checkpoint.row_count).await?)?;
        self.blocking(move |state| state.commit(&plan, &checkpoint)).await
    }
}

#[async_trait]
impl Audit for DuckDbDestination {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        let plan = plan.clone();
        self.database.allow_work()?;
        let answer = self.blocking(move |state| audit::summarize(&state.file.connection, &plan)).await?;
        Ok(Audited { found: summaries(answer.found)?, cost: answer.cost })
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        let (plan, buckets) = (plan.clone(), buckets.to_vec());
        self.database.allow_work()?;
        let answer =
            self.blocking(move |state| audit::mark_rows(&state.file.connection, &plan, &buckets)).await?;
        Ok(Audited { found: marks(answer.found)?, cost: answer.cost })
    }
}

impl State {
    fn staged(&self) -> Staged {
        Staged { durable_row_count: self.durable_row_count }
    }

    fn prepare(&mut self, plan: &StreamPlan) -> Result<Prepared> {
        self.forget_rows();
        if matches!(plan.publish, Publish::Append { .. } | Publish::Merge { delete_flag: Some(_), .. }) {
            return Err(not_a_mirror(plan));
        }
        let target = quoted_target(&plan.target);
        let transaction = begin(&mut self.file.connection)?;
        let before = raise_fence(&transaction, plan)?;
        if before.epoch.is_none() && !table_columns(&transaction, &plan.target)?.is_empty() {
            return Err(Error::config(
                "target_not_ours",
                format!("the table {target} exists and was not made by a sync"),
            )
            .with_remedy("choose another `target`, or drop the table"));
        }
        if !matches!(plan.publish, Publish::Replace { .. }) {
            drift::refuse_altered(&transaction, plan)?;
        }
        let schema = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted_schema(&plan.target.schema));
        transaction.execute_batch(&schema).map_err(|e| failed("create the target's schema", e))?;
        let is_new =
            before.staged.is_none() && table_columns(&transaction, &staging(&plan.target))?.is_empty();
        let create_staging = create_table_sql(plan, &staging(&plan.target));
        transaction.execute_batch(&create_staging).map_err(|e| failed("create the staging table", e))?;
        transaction.commit().map_err(|e| failed("prepare the target", e))?;
        self.made_staging = is_new.then_some(create_staging);
        self.durable_row_count = before.staged.map_or(0, |staged| staged.row_count);
        Ok(Prepared { staged: self.staged() })
    }

    fn discard_staged(&mut self, plan: &StreamPlan) -> Result<()> {
        self.forget_rows();
        let staged = staging(&plan.target);
        let create_staging = create_table_sql(plan, &staged);
        if self.made_staging.as_ref() == Some(&create_staging) {
            return Ok(());
        }
        self.durable_row_count = 0;
        let transaction = begin(&mut self.file.connection)?;
        let remake = format!("DROP TABLE IF EXISTS {};\n{create_staging}", quoted_target(&staged));
        transaction.execute_batch(&remake).map_err(|e| failed("empty the staging table", e))?;
        set_staged(&transaction, plan, None)?;
        transaction.commit().map_err(|e| failed("empty the staging table", e))
    }

    /// Takes staged rows back. Where there are others than there have to be, nothing staged is trusted any more.
    fn withdraw(&mut self, plan: &StreamPlan, withdrawn: &Withdrawn) -> Result<Staged> {
        self.forget_rows();
        self.made_staging = None;
        let transaction = begin(&mut self.file.connection)?;
        let mut row_count = staged_rows(&transaction, plan)?;
        for range in &withdrawn.ranges {
            let removed = transaction
                .execute(&withdraw_sql(plan, range)?, [])
                .map_err(|e| failed("take staged rows back", e))? as u64;
            if removed != range.row_count || removed > row_count {
                drop(transaction);
                self.discard_staged(plan)?;
                return Err(guard::other_rows_staged(&plan.stream));
            }
            row_count -= removed;
        }
        let checkpoint = Checkpoint { cursor: withdrawn.resume.clone(), row_count };
        set_staged(&transaction, plan, Some(&checkpoint))?;
        transaction.commit().map_err(|e| failed("take staged rows back", e))?;
        self.durable_row_count = row_count;
        Ok(self.staged())
    }

    /// Forgets the rows that are not durable.
    fn forget_rows(&mut self) {
        self.pending = Pending::default();
        self.group = None;
    }

    /// Takes rows, and gives them to DuckDB once they are many.
    fn stage(&mut self, plan: &StreamPlan, batch: Batch, database: &TenantDatabase) -> Result<()> {
        self.pending.push(batch);
        if self.group.is_none() {
            if !self.pending.is_worth_a_group() {
                return Ok(());
            }
            database.allow_cores()?;
        }
        let takes_more = self.give_pending(plan)?;
        if takes_more && !self.group.as_ref().is_some_and(OpenGroup::is_full) {
            Ok(())
        } else {
            self.close_group(plan)
        }
    }

    /// Gives DuckDB the rows that end at a position that can be resumed from: a group never holds a row beyond the
    /// position that it is going to record. Answers whether it takes more.
    fn give_pending(&mut self, plan: &StreamPlan) -> Result<bool> {
        let batches = self.pending.take_resumable();
        let Some(first) = batches.first() else { return Ok(true) };
        let schema = storable(&first.rows)?.schema();
        self.made_staging = None;
        let group = self.group.get_or_insert_with(|| {
            OpenGroup::start(&self.file.bulk, quoted_target(&staging(&plan.target)), schema, &self.within)
        });
        for batch in batches {
            let rows = storable(&batch.rows)?;
            if !group.send(Batch { rows, ..batch }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes durable what can be.
    fn flush(&mut self, plan: &StreamPlan) -> Result<()> {
        self.give_pending(plan)?;
        self.close_group(plan)
    }

    /// Makes durable what DuckDB has been given.
    fn close_group(&mut self, plan: &StreamPlan) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let row_count = self.durable_row_count + group.row_count;
        let checkpoint = group.reached.clone().map(|cursor| Checkpoint { cursor, row_count });
        match group.close(set_staged_sql(plan, checkpoint.as_ref())) {
            Ok(1) => {
                self.durable_row_count = row_count;
                Ok(())
            }
            Ok(_) => Err(guard::stale_epoch(&plan.stream)),
            Err(message) if is_taken_over(&message) => Err(guard::stale_epoch(&plan.stream)),
            Err(message) => Err(refused("make staged rows durable", &message)),
        }
    }

    fn commit(&mut self, plan: &StreamPlan, checkpoint: &Checkpoint) -> Result<Committed> {
        if self.group.is_some() || self.pending.is_worth_a_group() {
            self.flush(plan)?;
        }
        // What is left is little, or has no position to go on from: it becomes durable with the commit or not at all.
        let pending = std::mem::take(&mut self.pending).batches;
        self.made_staging = None;
        let _timed = trace_span!(target: "timings", "commit").entered();
        let transaction = begin(&mut self.file.connection)?;
        if !pending.is_empty() {
            append(&transaction, plan, &pending, &self.within)?;
        }
        repeated_keys::refuse(&transaction, plan, &self.file.database)?;
        let staged_count = count(&transaction, &staging(&plan.target))?;
        if staged_count != checkpoint.row_count {
            return Err(Error::internal(format!(
                "{} rows are staged where the read gave {}",
                staged_count, checkpoint.row_count
            )));
        }
        let committed = match plan.publish {
            Publish::Append { .. } => return Err(not_a_mirror(plan)),
            Publish::Replace { max_shrink_percent, .. } => {
                merge_objects(&transaction, plan)?;
                deletes::replace(&transaction, plan, max_shrink_percent)?
            }
            Publish::Merge { .. } => {
                drift::follow(&transaction, plan)?;
                merge_objects(&transaction, plan)?;
                merge::merge(&transaction, plan)?
            }
            Publish::ReplaceFrom { .. } => {
                drift::follow(&transaction, plan)?;
                deletes::follow_policy(&transaction, plan)?;
                replace_from(&transaction, plan)?
            }
            Publish::ReplaceBuckets { ref filter, .. } => audit::replace_buckets(&transaction, plan, filter)?,
            Publish::RemoveRows { ref gone, max_shrink_percent, .. } => {
                audit::remove_rows(&transaction, plan, gone, max_shrink_percent)?
            }
        };
        match plan.publish {
            // Healed rows are as of the checkpoint that there is, or later, and a read from it on finds them again.
            Publish::ReplaceBuckets { moves_checkpoint: false, .. } | Publish::RemoveRows { .. } => {
                set_staged(&transaction, plan, None)?;
            }
            _ => {
                drift::note(&transaction, plan)?;
                set_committed(&transaction, plan, checkpoint)?;
            }
        }
        transaction.commit().map_err(|e| failed("publish the rows", e))?;
        self.durable_row_count = 0;
        Ok(committed)
    }
}

/// What more it takes where rows are so wide that those which a thread has in hand at one time are many bytes.
fn wide_rows_bytes(batch: &Batch, footprint: Footprint) -> u64 {
    /// Rows of one of DuckDB's vectors: the values of some are in hand at a time.
    const ROWS_IN_HAND: u64 = 4 * 2_048;
    let row_bytes = batch.byte_size() as u64 / (batch.rows.num_rows() as u64).max(1);
    footprint.threads() * row_bytes * ROWS_IN_HAND / footprint.step_bytes() * footprint.step_bytes()
}

fn not_a_mirror(plan: &StreamPlan) -> Error {
    Error::config("write_unsupported", format!("{} can only mirror its stream", plan.target))
        .with_remedy("remove `write`: a vendor database is kept as the source is")
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    connection.transaction().map_err(|e| failed("begin a transaction", e))
}

/// Puts a few rows into the staging table, within what the caller is traced by.
fn append(transaction: &Transaction<'_>, plan: &StreamPlan, batches: &[Batch], within: &Span) -> Result<()> {
    let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
    let bytes: usize = batches.iter().map(Batch::byte_size).sum();
    let _traced = within.in_scope(|| info_span!(target: "snowferry::trace", "group", rows, bytes)).entered();
    let _timed = trace_span!(target: "timings", "insert").entered();
    let staged = staging(&plan.target);
    let mut appender = transaction
        .appender_to_catalog_and_db(&staged.table, CATALOG, &staged.schema)
        .map_err(|e| failed("open the staging table", e))?;
    for batch in batches {
        appender.append_record_batch(storable(&batch.rows)?).map_err(|e| failed("stage rows", e))?;
    }
    appender.flush().map_err(|e| failed("stage rows", e))
}

fn count(connection: &Connection, target: &TableName) -> Result<u64> {
    let sql = format!("SELECT count(*)::UBIGINT FROM {}", quoted_target(target));
    connection.query_row(&sql, [], |row| row.get(0)).map_err(|e| failed("count rows", e))
}

fn read_progress(connection: &Connection, stream: &StreamName, target: &TableName) -> Result<Progress> {
    let found = connection
        .query_row(&progress_sql(target), [], |row| {
            let owner: String = row.get(0)?;
            let progress = Progress {
                epoch: Some(Epoch(row.get(1)?)),
                committed: checkpoint(row.get(2)?, row.get(3)?),
                staged: checkpoint(row.get(4)?, row.get(5)?),
                columns: row.get::<_, Option<String>>(6)?.as_deref().and_then(drift::known),
            };
            Ok((owner, progress))
        })
        .optional()
        .map_err(|e| failed("read the checkpoint", e))?;
    let Some((owner, progress)) = found else { return Ok(Progress::default()) };
    guard::refuse_taken(&owner, stream, target)?;
    Ok(progress)
}

fn checkpoint(cursor: Option<String>, row_count: Option<u64>) -> Option<Checkpoint> {
    Some(Checkpoint { cursor: Cursor::from_stored(cursor?), row_count: row_count.unwrap_or_default() })
}

fn staged_rows(connection: &Connection, plan: &StreamPlan) -> Result<u64> {
    Ok(read_progress(connection, &plan.stream, &plan.target)?
        .staged
        .map_or(0, |checkpoint| checkpoint.row_count))
}

/// Takes the stream over for the plan's epoch; answers how far it had got before, with no epoch where it was not known.
fn raise_fence(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<Progress> {
    let progress = read_progress(transaction, &plan.stream, &plan.target)?;
    let target = &plan.target;
    match progress.epoch {
        None => transaction.execute(
            "INSERT INTO vendor._snowferry.streams (target_schema, target_table, stream, epoch) VALUES (?, ?, ?, ?)",
            params![target.schema, target.table, plan.stream.to_string(), plan.epoch.0],
        ),
        Some(epoch) if epoch < plan.epoch => transaction.execute(
            "UPDATE vendor._snowferry.streams SET epoch = ? WHERE target_schema = ? AND target_table = ?",
            params![plan.epoch.0, target.schema, target.table],
        ),
        Some(_) => return Err(guard::stale_epoch(&plan.stream)),
    }
    .map_err(|e| failed("take over the stream", e))?;
    Ok(progress)
}

fn set_staged(transaction: &Transaction<'_>, plan: &StreamPlan, staged: Option<&Checkpoint>) -> Result<()> {
    fenced(plan, transaction.execute(&set_staged_sql(plan, staged), []))
}

fn set_committed(transaction: &Transaction<'_>, plan: &StreamPlan, checkpoint: &Checkpoint) -> Result<()> {
    let updated = transaction.execute(
        "UPDATE vendor._snowferry.streams
         SET committed_cursor = ?, committed_rows = ?, committed_at = now()::TIMESTAMP,
             staged_cursor = NULL, staged_rows = NULL, columns = ?, epoch = epoch
         WHERE target_schema = ? AND target_table = ? AND epoch = ?",
        params![
            checkpoint.cursor.as_str(),
            checkpoint.row_count,
            drift::known_text(plan)?,
            plan.target.schema,
            plan.target.table,
            plan.epoch.0
        ],
    );
    fenced(plan, updated)
}

/// No row under our epoch means that somebody else has taken the stream over, before this transaction or beside it.
fn fenced(plan: &StreamPlan, updated: duckdb::Result<usize>) -> Result<()> {
    match updated {
        Ok(1) => Ok(()),
        Ok(_) => Err(guard::stale_epoch(&plan.stream)),
        Err(error) if is_taken_over(&error.to_string()) => Err(guard::stale_epoch(&plan.stream)),
        Err(error) => Err(failed("record the checkpoint", error)),
    }
}

/// Whether DuckDB refused an update because another transaction had changed the row: the only rows that are updated
/// under an epoch are those that hold it.
fn is_taken_over(message: &str) -> bool {
    message.contains("Conflict on update")
}
