//! Runs and their attempts, as they are looked at. What happens to them is the queue's business.

use jiff::Timestamp;
use model::{Epoch, Result, RunState, Usage};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::database::sql;
use crate::error::not_found;
use crate::id::Id;
use crate::queue::{Cause, Worker};
use crate::row::{Columns, damaged};
use crate::store::Store;
use crate::sync::Sync;
use crate::tenant::Tenant;

/// Runs that are given at once.
const PAGE_ROWS_MAX: i64 = 1_000;

/// One execution of a sync that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: Id<Run>,
    pub tenant: Id<Tenant>,
    pub sync: Id<Sync>,
    pub state: RunState,
    pub cause: Cause,
    /// The fire that asked for it.
    pub fire_at: Option<Timestamp>,
    /// What was asked for beside the sync's definition, such as a backfill.
    pub options: Value,
    /// When it may start, or be tried again.
    pub due_at: Timestamp,
    /// Attempts so far.
    pub attempt: u64,
    pub cancel_at: Option<Timestamp>,
    pub queued_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<RunError>,
    pub report: Option<Value>,
    /// Its statements at the customer's account, those of all attempts that could say.
    pub usage: Usage,
}

/// An error as it is kept: words, without what caused them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunError {
    pub kind: String,
    pub code: String,
    pub message: String,
    pub remedy: Option<String>,
}

/// One try of a run by one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub number: u64,
    pub epoch: Epoch,
    pub worker: Id<Worker>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// `succeeded`, `failed`, `cancelled`, `given_back` or `lost`; nothing while it is going.
    pub outcome: Option<String>,
    pub error_code: Option<String>,
}

/// Rows of a run that could not be delivered, by column and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectCount {
    pub column: String,
    pub code: String,
    pub row_count: u64,
}

/// Which runs are looked for.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub sync: Option<Id<Sync>>,
    pub state: Option<RunState>,
    /// Those that were asked for before this one.
    pub before: Option<Id<Run>>,
}

impl Run {
    pub(crate) fn read(row: &AnyRow) -> Result<Self> {
        let state = RunState::parse(&row.text("state")?).ok_or_else(|| damaged("state"))?;
        let report = row.optional_text("report")?;
        let report = report.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Self {
            id: row.id("id")?,
            tenant: row.id("tenant_id")?,
            sync: row.id("sync_id")?,
            state,
            cause: Cause::parse(&row.text("cause")?).ok_or_else(|| damaged("cause"))?,
            fire_at: row.optional_moment("fire_at")?,
            options: row.document("options")?,
            due_at: row.moment("due_at")?,
            attempt: row.count("attempt")?,
            cancel_at: row.optional_moment("cancel_at")?,
            queued_at: row.moment("queued_at")?,
            started_at: row.optional_moment("started_at")?,
            ended_at: row.optional_moment("ended_at")?,
            error: RunError::read(row)?,
            report: report.map_err(|_| damaged("report"))?,
            usage: row.usage()?,
        })
    }
}

impl RunError {
    pub(crate) fn read(row: &AnyRow) -> Result<Option<Self>> {
        let Some(kind) = row.optional_text("error_kind")? else { return Ok(None) };
        Ok(Some(Self {
            kind,
            code: row.text("error_code")?,
            message: row.text("error_message")?,
            remedy: row.optional_text("error_remedy")?,
        }))
    }
}

impl Store {
    /// The tenant's run with this id.
    pub async fn run(&self, tenant: &Id<Tenant>, id: &Id<Run>) -> Result<Run> {
        let query = sql("SELECT * FROM runs WHERE tenant_id = $1 AND id = $2");
        let row = self.database.one(query.bind(tenant.to_string()).bind(id.to_string())).await?;
        Run::read(&row.ok_or_else(|| not_found("run_not_found", "run"))?)
    }

    /// The runs of a sync, newest first.
    pub async fn runs(&self, tenant: &Id<Tenant>, sync: &Id<Sync>) -> Result<Vec<Run>> {
        let query = "SELECT * FROM runs WHERE tenant_id = $1 AND sync_id = $2
            ORDER BY queued_at DESC, id DESC LIMIT $3";
        let query = sql(query).bind(tenant.to_string()).bind(sync.to_string()).bind(PAGE_ROWS_MAX);
        self.database.all(query).await?.iter().map(Run::read).collect()
    }

    /// Up to `count` of the tenant's runs, newest first.
    pub async fn find_runs(&self, tenant: &Id<Tenant>, filter: &RunFilter, count: u32) -> Result<Vec<Run>> {
        let query = "SELECT * FROM runs WHERE tenant_id = $1
                AND (CAST($2 AS TEXT) IS NULL OR sync_id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR state = $3)
                AND (CAST($4 AS TEXT) IS NULL OR id < $4)
            ORDER BY id DESC LIMIT $5";
        let query = sql(query)
            .bind(tenant.to_string())
            .bind(filter.sync.as_ref().map(ToString::to_string))
            .bind(filter.state.map(|state| state.as_str().to_owned()))
            .bind(filter.before.as_ref().map(ToString::to_string))
            .bind(i64::from(count).min(PAGE_ROWS_MAX));
        self.database.all(query).await?.iter().map(Run::read).collect()
    }

    /// The attempts of a run, first to last.
    pub async fn attempts(&self, tenant: &Id<Tenant>, run: &Id<Run>) -> Result<Vec<Attempt>> {
        let query = "SELECT a.* FROM attempts a JOIN runs r ON r.id = a.run_id
            WHERE r.tenant_id = $1 AND r.id = $2 ORDER BY a.number";
        let rows = self.database.all(sql(query).bind(tenant.to_string()).bind(run.to_string())).await?;
        let read = |row: &AnyRow| {
            Ok(Attempt {
                number: row.count("number")?,
                epoch: Epoch(row.count("epoch")?),
                worker: row.id("worker_id")?,
                started_at: row.moment("started_at")?,
                ended_at: row.optional_moment("ended_at")?,
                outcome: row.optional_text("outcome")?,
                error_code: row.optional_text("error_code")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The rows of a run that could not be delivered, by column and reason.
    pub async fn rejects(&self, tenant: &Id<Tenant>, run: &Id<Run>) -> Result<Vec<RejectCount>> {
        let query = "SELECT j.* FROM rejects j JOIN runs r ON r.id = j.run_id
            WHERE r.tenant_id = $1 AND r.id = $2 ORDER BY j.column_name, j.code";
        let rows = self.database.all(sql(query).bind(tenant.to_string()).bind(run.to_string())).await?;
        let read = |row: &AnyRow| {
            Ok(RejectCount {
                column: row.text("column_name")?,
                code: row.text("code")?,
                row_count: row.count("row_count")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
