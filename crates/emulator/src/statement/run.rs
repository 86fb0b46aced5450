//! Running a statement on a blocking thread, one at a time in its session, until it ends or is stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::cache::{self, CacheKey};
use super::registry::NewStatement;
use super::{CancelReason, Done, Ending, Progress, Statement, split};
use crate::account::Account;
use crate::encode::{self, EncodedResult, Format, Layout};
use crate::fault::Gate;
use crate::outcome::{Column, DmlStats, Outcome, Rows, SnowType, SqlError};
use crate::session::parameters::Parameters;
use crate::session::{ClientFamily, Session};
use crate::sql::{QueryRecord, SqlRequest, SqlSession, UsedWarehouse};
use crate::stage::{GrantedTransfer, Transfer};

/// An interrupt that comes before the database has begun is lost, so it is repeated this often until the end.
const INTERRUPT_EVERY: Duration = Duration::from_millis(20);
/// Snowflake's default `STATEMENT_TIMEOUT_IN_SECONDS`.
const TIMEOUT_SECONDS_DEFAULT: u64 = 172_800;
const SELECT: u64 = 0x1000;
const INSERT: u64 = 0x3100;
const MULTIPLE: u64 = 0xA000;

/// A statement and all that running it takes.
pub(super) struct Job {
    pub account: Arc<Account>,
    pub session: Arc<Session>,
    pub statement: Arc<Statement>,
    pub request: SqlRequest,
    /// Describe the result only.
    pub is_description: bool,
    /// Where a fault script holds the statement before it runs.
    pub gate: Option<Gate>,
}

/// Runs the statement to its end, whatever that is.
pub(super) async fn run(mut job: Job) {
    let account = Arc::clone(&job.account);
    let session = Arc::clone(&job.session);
    let statement = Arc::clone(&job.statement);
    let gate = job.gate.take();
    let sql = tokio::select! {
        sql = Arc::clone(&session.sql).lock_owned() => sql,
        () = statement.cancel_asked() => return end_unstarted(&account, &session, &statement),
    };
    statement.start();
    account.database.record_query(record(&session, &statement));
    let timeout = timeout(&job);
    let running = async {
        if let Some(gate) = gate {
            tokio::select! {
                () = gate.pass() => {}
                () = statement.cancel_asked() => return end_unstarted(&account, &session, &statement),
            }
        }
        if tokio::task::spawn_blocking(move || job.run_blocking(sql)).await.is_err() {
            session.set_running(None);
            let ending = Ending::Failed(encode::internal("the statement's thread panicked"));
            finish(&account, &session, &statement, None, ending);
        }
    };
    tokio::select! {
        () = running => {}
        () = interrupt_when_asked(&session, &statement, timeout) => {}
    }
}

/// Interrupts the statement once it is cancelled or its time is up, again and again; never returns.
async fn interrupt_when_asked(session: &Session, statement: &Statement, timeout_s: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(timeout_s)) => {
            statement.cancel(CancelReason::TimedOut { after_s: timeout_s });
        }
        () = statement.cancel_asked() => {}
    }
    loop {
        session.interrupt(&statement.id);
        tokio::time::sleep(INTERRUPT_EVERY).await;
    }
}

fn timeout(job: &Job) -> u64 {
    let parameters = job.session.settings().parameters.for_statement(&job.request.parameters);
    match parameters.number("STATEMENT_TIMEOUT_IN_SECONDS") {
        None | Some(0) => TIMEOUT_SECONDS_DEFAULT,
        Some(seconds) => seconds.min(TIMEOUT_SECONDS_DEFAULT),
    }
}

fn end_unstarted(account: &Account, session: &Session, statement: &Statement) {
    let error = statement.cancellation().unwrap_or_else(|| CancelReason::Asked.error());
    finish(account, session, statement, None, Ending::Failed(error));
}

/// What the query history tells of a statement that runs.
fn record(session: &Session, statement: &Statement) -> QueryRecord {
    let context = session.settings().context;
    QueryRecord {
        query_id: statement.id.clone(),
        text: statement.text.clone(),
        user: session.user.clone(),
        role: context.role,
        warehouse: None,
        database: context.database,
        schema: context.schema,
        session_id: session.id,
        tag: statement.tag.clone(),
        started_at: statement.started_at,
        ended_at: None,
        status: "RUNNING",
        rows: 0,
        error: None,
    }
}

/// Records the statement's end, then lets everybody know.
fn finish(
    account: &Account,
    session: &Session,
    statement: &Statement,
    warehouse: Option<UsedWarehouse>,
    ending: Ending,
) {
    let (status, rows, error) = match &ending {
        Ending::Done(done) => ("SUCCESS", done.encoded.total, None),
        Ending::Failed(error) => ("FAILED_WITH_ERROR", 0, Some(error.clone())),
    };
    let ended_at = account.clock.now();
    statement.note_warehouse(warehouse.as_ref());
    let record = record(session, statement);
    account.database.record_query(QueryRecord {
        ended_at: Some(ended_at),
        status,
        rows,
        error,
        warehouse,
        ..record
    });
    account.statements.end(statement, ended_at, ending);
}

/// What a statement gave, before its session's state is added.
struct Output {
    encoded: Arc<EncodedResult>,
    transfer: Option<GrantedTransfer>,
    statement_type_id: u64,
    stats: Option<DmlStats>,
    children: Vec<(String, u64)>,
}

impl Job {
    fn run_blocking(self, mut sql: OwnedMutexGuard<SqlSession>) {
        let parameters = self.session.settings().parameters.for_statement(&self.request.parameters);
        let parts = split::split(&self.request.text);
        let output = if parts.len() > 1 && !self.is_description {
            self.run_many(&mut sql, &parts, &parameters)
        } else {
            self.run_one(&mut sql, &self.statement, &self.request, &parameters)
        };
        self.end(&sql, &self.statement, output);
    }

    /// Each statement of a multi-statement request has an id and a result of its own.
    fn run_many(
        &self,
        sql: &mut SqlSession,
        parts: &[&str],
        parameters: &Parameters,
    ) -> Result<Output, SqlError> {
        let wanted = parameters.number("MULTI_STATEMENT_COUNT").unwrap_or(1);
        if wanted != 0 && wanted != parts.len() as u64 {
            let count = parts.len();
            return Err(SqlError {
                code: "000008",
                sql_state: "0A000",
                message: format!(
                    "Actual statement count {count} did not match the desired statement count {wanted}."
                ),
                position: None,
            });
        }
        let mut children = Vec::new();
        for (number, text) in parts.iter().enumerate() {
            let id = self.account.next_query_id();
            let (child, _) = self.account.statements.begin(NewStatement {
                id: id.clone(),
                request_id: &format!("{}/{number}", self.statement.id),
                session: &self.session,
                text,
                is_async: self.statement.is_async,
                tag: self.statement.tag.clone(),
            });
            let request = SqlRequest {
                query_id: id.clone(),
                text: (*text).to_owned(),
                bindings: self.request.bindings.clone(),
                parameters: self.request.parameters.clone(),
            };
            let output = self.run_one(sql, &child, &request, parameters);
            let ended = output.as_ref().map(|output| output.statement_type_id).map_err(SqlError::clone);
            self.end(sql, &child, output);
            children.push((id, ended?));
        }
        let message = "Multiple statements executed successfully.";
        let encoded = status_result(message)?;
        Ok(Output {
            encoded: Arc::new(encoded),
            transfer: None,
            statement_type_id: MULTIPLE,
            stats: None,
            children,
        })
    }

    fn run_one(
        &self,
        sql: &mut SqlSession,
        statement: &Statement,
        request: &SqlRequest,
        parameters: &Parameters,
    ) -> Result<Output, SqlError> {
        let go_on = || match self.statement.cancellation() {
            Some(error) => Err(error),
            None => Ok(()),
        };
        go_on()?;
        self.session.set_running(Some(&self.statement.id));
        if !matches!(statement.progress(), Progress::Running) {
            statement.start();
        }
        let layout = self.layout(parameters);
        let output = if self.is_description {
            describe(sql, request, &layout)
        } else {
            self.execute(sql, request, parameters, layout, &go_on)
        };
        self.session.set_running(None);
        // An error of a statement that was stopped is the stop, whatever the database called it.
        output.map_err(|error| self.statement.cancellation().unwrap_or(error))
    }

    fn execute(
        &self,
        sql: &mut SqlSession,
        request: &SqlRequest,
        parameters: &Parameters,
        layout: Layout,
        go_on: &impl Fn() -> Result<(), SqlError>,
    ) -> Result<Output, SqlError> {
        if let Some(canned) = self.account.canned.get(&request.text) {
            let layout = forced(layout, canned.is_json_forced);
            let encoded = self.account.canned.encoded(&request.text, &canned, &layout, go_on)?;
            let (statement_type_id, stats) = (canned.statement_type_id, canned.stats);
            return Ok(Output { encoded, transfer: None, statement_type_id, stats, children: Vec::new() });
        }
        let cache = &self.account.cache;
        let change_count = self.account.database.change_count();
        let key = self.cache_key(sql, request, parameters, layout);
        if let Some(encoded) = key.as_ref().and_then(|key| cache.get(key, change_count)) {
            return Ok(Output {
                encoded,
                transfer: None,
                statement_type_id: SELECT,
                stats: None,
                children: Vec::new(),
            });
        }
        let Outcome { statement_type_id, is_json_forced, rows, stats, changed_parameters, transfer } =
            sql.execute(request)?;
        self.session.change(&changed_parameters);
        let transfer = transfer.map(|transfer| self.granted(*transfer, request)).transpose()?;
        let encoded = Arc::new(encode::encode(rows, &forced(layout, is_json_forced), go_on)?);
        if let Some(key) = key
            && change_count == self.account.database.change_count()
        {
            cache.insert(key, change_count, &encoded);
        }
        Ok(Output { encoded, transfer, statement_type_id, stats, children: Vec::new() })
    }

    /// A client waits for the reply to its PUT or GET and moves the files itself.
    fn granted(&self, transfer: Transfer, request: &SqlRequest) -> Result<GrantedTransfer, SqlError> {
        if self.statement.is_async || self.statement.id != request.query_id {
            let message = "PUT and GET run neither asynchronously nor among several statements.".to_owned();
            return Err(SqlError { code: "000002", sql_state: "0A000", message, position: None });
        }
        Ok(transfer.grant(&self.account, self.session.stage_dialect, &request.query_id, &request.text)?)
    }

    fn cache_key(
        &self,
        sql: &SqlSession,
        request: &SqlRequest,
        parameters: &Parameters,
        layout: Layout,
    ) -> Option<CacheKey> {
        let is_wanted = parameters.is_on("USE_CACHED_RESULT", true) && request.bindings.is_empty();
        if !is_wanted || !cache::is_reusable(&request.text) {
            return None;
        }
        // What a statement sets for itself is in force before it runs, and not yet in what the session says of itself.
        let own: Vec<_> = request.parameters.iter().filter(|(name, _)| *name != "QUERY_TAG").collect();
        let viewpoint = format!("{} {own:?}", sql.viewpoint()?);
        Some(CacheKey { viewpoint, text: request.text.clone(), layout })
    }

    fn layout(&self, parameters: &Parameters) -> Layout {
        let sizes = self.account.config.results;
        let family = self.session.family;
        let chunk_megabytes = parameters.number("CLIENT_RESULT_CHUNK_SIZE").unwrap_or(u64::MAX);
        let chunk_bytes = usize::try_from(chunk_megabytes.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        Layout {
            format: parameters.result_format(family),
            inline_rows_max: sizes.inline_rows_max,
            inline_bytes_max: sizes.inline_bytes_max,
            chunk_rows_max: sizes.chunk_rows_max.max(1),
            chunk_bytes_max: sizes.chunk_bytes_max.min(chunk_bytes).max(1),
            knows_decfloat: family != ClientFamily::Unknown,
        }
    }

    /// A description is asked for before there are values to bind.
    fn bind_count(&self) -> usize {
        match self.request.bindings.len() {
            0 if self.is_description => split::placeholder_count(&self.request.text),
            count => count,
        }
    }

    fn end(&self, sql: &SqlSession, statement: &Statement, output: Result<Output, SqlError>) {
        let settings = self.session.refresh(sql);
        let ending = match output {
            Ok(output) => Ending::Done(Arc::new(Done {
                bind_count: self.bind_count(),
                is_array_bind_supported: output.statement_type_id == INSERT
                    && inserts_values(&statement.text),
                parameters: settings.parameters.shown(self.session.family),
                encoded: output.encoded,
                transfer: output.transfer,
                statement_type_id: output.statement_type_id,
                stats: output.stats,
                children: output.children,
                settings,
            })),
            Err(error) => Ending::Failed(error),
        };
        finish(&self.account, &self.session, statement, sql.take_used_warehouse(), ending);
    }
}

/// Describes without running, as drivers do to prepare a statement.
fn describe(sql: &mut SqlSession, request: &SqlRequest, layout: &Layout) -> Result<Output, SqlError> {
    let columns = sql.describe(request)?;
    let rows = Rows { columns, batches: Box::new(std::iter::empty()) };
    let encoded = Arc::new(encode::encode(rows, layout, || Ok(()))?);
    Ok(Output { encoded, transfer: None, statement_type_id: SELECT, stats: None, children: Vec::new() })
}

fn forced(layout: Layout, is_json_forced: bool) -> Layout {
    if is_json_forced { Layout { format: Format::Json, ..layout } } else { layout }
}

fn inserts_values(text: &str) -> bool {
    text.to_ascii_lowercase().contains("values")
}

/// The one row with which Snowflake acknowledges.
fn status_result(message: &str) -> Result<EncodedResult, SqlError> {
    let columns = vec![Column::new("multiple statement execution", SnowType::Text { length: 16_777_216 })];
    let array = Arc::new(arrow_array::StringArray::from(vec![message]));
    let batch = arrow_array::RecordBatch::try_new(Rows::schema(&columns), vec![array])
        .map_err(|error| encode::internal(&error.to_string()))?;
    let layout = Layout {
        format: Format::Json,
        inline_rows_max: 1,
        inline_bytes_max: usize::MAX,
        chunk_rows_max: 1,
        chunk_bytes_max: 1,
        knows_decfloat: true,
    };
    encode::encode(Rows { columns, batches: Box::new(std::iter::once(Ok(batch))) }, &layout, || Ok(()))
}
