//! One session: where it is, its transaction, and the statements it runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::bind::{Binder, BoundQuery, OutputColumn};
use super::catalog::{ADMIN_ROLE, TableEntry};
use super::compute::UsedWarehouse;
use super::database::Database;
use super::error::{cancelled, error, no_warehouse};
use super::listing::Listing;
use super::parameters::{Parameter, Parameters};
use super::request::{SessionContext, SessionStart, SqlRequest};
use super::run::{self, Interrupt, Interruptible};
use super::state::{OwnTransaction, SessionState};
use super::statement;
use super::travel::{self, Versions};
use crate::outcome::{Column, DmlStats, Outcome, SqlError};
use crate::stage::StageId;
use crate::statement::FinishedResults;
use crate::users::Users;

/// Query ids that LAST_QUERY_ID and RESULT_SCAN reach back to.
const QUERY_IDS_MAX: usize = 1_000;
/// How often a waiting statement looks whether it was cancelled.
const WAIT_STEP: Duration = Duration::from_millis(10);
pub(crate) const SELECT: u64 = 0x1000;

/// One session's SQL state. Runs one statement at a time, on blocking threads.
pub struct SqlSession {
    pub(crate) database: Database,
    pub(crate) connection: Interruptible,
    pub(crate) state: SessionState,
    pub(crate) transaction: Transaction,
    pub(crate) users: Users,
    pub(crate) results: FinishedResults,
    interrupt: Interrupt,
    /// What the last statement ran on.
    used_warehouse: RefCell<Option<UsedWarehouse>>,
}

/// Kinds of statements that change nothing: SELECT, EXPLAIN, SHOW, DESCRIBE.
const READING_TYPES: [u64; 4] = [SELECT, 0x2000, 0x4400, 0x4500];

fn begins_with(text: &str, words: &[&str]) -> bool {
    let text = text.trim_start();
    words.iter().any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// True for a text that only reads; decided before it runs, so a doubtful one counts as a change.
fn only_reads(text: &str) -> bool {
    begins_with(text, &["select", "with", "show", "describe", "desc ", "explain"])
}

/// True for a text that changes at most what its own session is like, which is part of [`SqlSession::viewpoint`].
fn concerns_session_only(text: &str) -> bool {
    begins_with(text, &["use ", "alter session", "set ", "unset ", "begin", "start transaction"])
}

/// The session's open transaction. DuckDB's own begins with the first statement that writes, since it reads at one
/// snapshot, and Snowflake reads what is committed by the time each statement begins.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub is_open: bool,
    has_begun: bool,
    /// Its number and the instant of its snapshot, once it has written.
    own: Option<OwnTransaction>,
    touched: BTreeSet<u64>,
    /// The query ids of the statements that get the instant of its commit.
    statements: Vec<String>,
}

impl fmt::Debug for SqlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlSession").field("session_id", &self.state.session_id).finish_non_exhaustive()
    }
}

impl Drop for SqlSession {
    fn drop(&mut self) {
        // What fails here has no one to be told; the tables go at the next start.
        let _ = self.rollback();
        for entry in self.state.temporary.values() {
            let _ = run::execute_all(&self.connection, &travel::drop_sql(entry.id));
            self.database.stages().forget(&StageId::Table(entry.id));
        }
        for entry in self.state.temporary_stages.values() {
            self.database.stages().forget(&StageId::Named(entry.id));
        }
    }
}

impl SqlSession {
    pub(crate) fn start(database: Database, start: &SessionStart) -> Result<Self, SqlError> {
        let interrupt = Interrupt::new(database.open_mark());
        let connection = interrupt.watch(database.connect()?);
        let mut parameters = Parameters::default();
        for (name, value) in &start.parameters {
            parameters.set(name, value)?;
        }
        let (catalog, now) = database.look();
        let entry = catalog.users.get(&start.user);
        let default = |key: &str| entry.map(|user| user.property(key)).filter(|value| !value.is_empty());
        let unknown = if entry.is_some() { "PUBLIC" } else { ADMIN_ROLE };
        let role = start.role.as_deref().or_else(|| default("DEFAULT_ROLE")).unwrap_or(unknown).to_owned();
        let state = SessionState {
            session_id: start.session_id,
            user: start.user.clone(),
            role: role.clone(),
            uses_secondary_roles: false,
            warehouse: None,
            database: None,
            schema: None,
            parameters,
            temporary: BTreeMap::new(),
            temporary_stages: BTreeMap::new(),
            temporary_formats: BTreeMap::new(),
            variables: BTreeMap::new(),
            now,
            own_transaction: None,
            query_ids: Vec::new(),
            in_transaction: false,
            kept_results: BTreeMap::new(),
            history: database.history().clone(),
            account: database.clone(),
            catalog: std::sync::Arc::clone(&catalog),
        };
        let mut session = Self {
            database,
            connection,
            state,
            transaction: Transaction::default(),
            users: start.users.clone(),
            results: start.results.clone(),
            interrupt,
            used_warehouse: RefCell::new(None),
        };
        if !catalog.roles.contains_key(&role) || !session.state.may_assume(&role) {
            return Err(error(
                "390189",
                "08001",
                format!("Role '{role}' specified in the connect string does not exist or not authorized."),
            ));
        }
        let namespace = default("DEFAULT_NAMESPACE").map(str::to_owned);
        let (own_database, own_schema) = match namespace.as_deref().and_then(|text| text.split_once('.')) {
            Some((database, schema)) => (Some(database.to_owned()), Some(schema.to_owned())),
            None => (namespace, None),
        };
        let warehouse = start.warehouse.clone().or_else(|| default("DEFAULT_WAREHOUSE").map(str::to_owned));
        session.go_to_defaults(start, warehouse, own_database, own_schema)?;
        Ok(session)
    }

    fn go_to_defaults(
        &mut self,
        start: &SessionStart,
        warehouse: Option<String>,
        database: Option<String>,
        schema: Option<String>,
    ) -> Result<(), SqlError> {
        let refused = |kind: &str, name: &str| {
            error(
                "390201",
                "08004",
                format!("The requested {kind} '{name}' does not exist or not authorized."),
            )
        };
        if let Some(name) = warehouse {
            let is_visible = self.state.sees_warehouse(&name);
            if !is_visible && start.validate_defaults && start.warehouse.is_some() {
                return Err(refused("warehouse", &name));
            }
            self.state.warehouse = is_visible.then_some(name);
        }
        let wanted = start.database.clone().or(database);
        if let Some(name) = wanted {
            let is_visible = self.state.sees_database(&name);
            if !is_visible && start.validate_defaults && start.database.is_some() {
                return Err(refused("database", &name));
            }
            if is_visible {
                let schema_name = start.schema.clone().or(schema).unwrap_or_else(|| "PUBLIC".to_owned());
                let has_schema = self.state.sees_schema(&name, &schema_name);
                if !has_schema && start.validate_defaults && start.schema.is_some() {
                    return Err(refused("schema", &schema_name));
                }
                self.state.schema = has_schema.then_some(schema_name);
                self.state.database = Some(name);
            }
        }
        Ok(())
    }

    /// Runs one statement.
    pub fn execute(&mut self, request: &SqlRequest) -> Result<Outcome, SqlError> {
        self.begin_statement(request);
        let kept = self.with_statement_parameters(request)?;
        let concerns_session_only = concerns_session_only(&request.text) || self.ends_nothing(&request.text);
        if !concerns_session_only && !only_reads(&request.text) {
            self.database.count_change();
        }
        let outcome = statement::execute(self, request);
        let has_only_read =
            outcome.as_ref().is_ok_and(|outcome| READING_TYPES.contains(&outcome.statement_type_id));
        if !concerns_session_only && !has_only_read {
            self.database.count_change();
        }
        if let Some(kept) = kept {
            self.state.parameters = kept;
        }
        self.drop_kept_results();
        outcome
    }

    /// True for the end of a transaction that has written nothing.
    fn ends_nothing(&self, text: &str) -> bool {
        !self.transaction.has_begun && begins_with(text, &["commit", "rollback"])
    }

    /// What decides, besides a SELECT's text and the data, which rows it gives: the same in two sessions that would be
    /// given the same. Absent in a session that sees something which others do not.
    pub(crate) fn viewpoint(&self) -> Option<String> {
        let state = &self.state;
        let has_its_own = self.transaction.has_begun
            || !state.temporary.is_empty()
            || !state.temporary_stages.is_empty()
            || !state.temporary_formats.is_empty()
            || !state.variables.is_empty();
        let mut parameters = state.parameters.all();
        parameters.retain(|parameter| parameter.name != "QUERY_TAG");
        (!has_its_own).then(|| {
            let (user, role, secondary) = (&state.user, &state.role, state.uses_secondary_roles);
            format!("{:?}", (user, role, secondary, &state.database, &state.schema, parameters))
        })
    }

    /// The columns that a statement would give, without running it.
    pub fn describe(&mut self, request: &SqlRequest) -> Result<Vec<Column>, SqlError> {
        self.begin_statement(request);
        statement::describe(self, request)
    }

    pub fn session_id(&self) -> i64 {
        self.state.session_id
    }

    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    pub fn parameters(&self) -> Vec<Parameter> {
        self.state.parameters.all()
    }

    pub fn context(&self) -> SessionContext {
        SessionContext {
            database: self.state.database.clone(),
            schema: self.state.schema.clone(),
            warehouse: self.state.warehouse.clone(),
            role: Some(self.state.role.clone()),
        }
    }

    fn begin_statement(&mut self, request: &SqlRequest) {
        self.interrupt.reset(&self.connection);
        (self.state.catalog, self.state.now) = self.database.look();
        self.state.in_transaction = self.transaction.is_open;
        self.state.own_transaction = self.transaction.own;
        if self.state.query_ids.len() >= QUERY_IDS_MAX {
            self.state.query_ids.remove(0);
        }
        self.state.query_ids.push(request.query_id.clone());
    }

    /// Puts the parameters of one statement on top; gives back what they were before.
    fn with_statement_parameters(&mut self, request: &SqlRequest) -> Result<Option<Parameters>, SqlError> {
        if request.parameters.is_empty() {
            return Ok(None);
        }
        let kept = self.state.parameters.clone();
        for (name, value) in &request.parameters {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.state.parameters.set(name, &text)?;
        }
        Ok(Some(kept))
    }

    /// Takes the catalog anew after it was changed.
    pub(crate) fn refresh(&mut self) {
        self.state.catalog = self.database.catalog();
    }

    /// Runs a bound query: in a stream of its own, or inside the transaction that has written.
    pub(crate) fn query(
        &mut self,
        binder_wait_ms: u64,
        bound: BoundQuery,
        must_collect: bool,
    ) -> Result<Outcome, SqlError> {
        self.wait(binder_wait_ms)?;
        let columns: Vec<Column> = bound.columns.iter().map(OutputColumn::column).collect();
        // Results kept for RESULT_SCAN are the connection's own too.
        let rows = if must_collect || self.transaction.has_begun || !self.state.kept_results.is_empty() {
            self.note_statement(self.state.now);
            run::collect(&self.connection, &bound.sql, columns)?
        } else {
            let (connection, at) = self.snapshot()?;
            self.note_statement(at);
            run::stream(connection, bound.sql, columns)?
        };
        Ok(Outcome {
            statement_type_id: SELECT,
            is_json_forced: false,
            rows,
            stats: None,
            changed_parameters: Vec::new(),
            transfer: None,
        })
    }

    /// A connection that sees what was committed at an instant, and that instant.
    fn snapshot(&self) -> Result<(Interruptible, i64), SqlError> {
        let connection =
            self.connection.try_clone().map_err(|failure| super::error::from_duckdb(&failure))?;
        let connection = self.interrupt.watch(connection);
        let held = self.database.instants().hold();
        travel::begin_snapshot(&connection)?;
        Ok((connection, held.at()))
    }

    /// Remembers the instant of the running statement, for AT(STATEMENT => …).
    pub(crate) fn note_statement(&self, at: i64) {
        if let Some(query_id) = self.state.query_ids.last() {
            self.database.statements().note(query_id, at);
        }
    }

    /// Refuses what needs a virtual warehouse where there is none.
    pub(crate) fn check_compute(&self, binder: &Binder<'_>) -> Result<(), SqlError> {
        if !binder.needs_compute.get() {
            return Ok(());
        }
        let name = self.state.warehouse.as_ref().ok_or_else(no_warehouse)?;
        let entry = self.state.catalog.warehouses.get(name).ok_or_else(no_warehouse)?;
        if !self.database.use_warehouse(name, entry, self.state.now) {
            return Err(no_warehouse());
        }
        self.used_warehouse.replace(Some(UsedWarehouse { name: name.clone(), size: entry.size.clone() }));
        Ok(())
    }

    /// The virtual warehouse that the last statement used, which is forgotten now.
    pub fn take_used_warehouse(&self) -> Option<UsedWarehouse> {
        self.used_warehouse.take()
    }

    fn wait(&self, wait_ms: u64) -> Result<(), SqlError> {
        let end = std::time::Instant::now() + Duration::from_millis(wait_ms);
        while std::time::Instant::now() < end {
            if self.interrupt.is_asked() {
                return Err(cancelled());
            }
            std::thread::sleep(WAIT_STEP.min(Duration::from_millis(wait_ms)));
        }
        Ok(())
    }

    /// Makes sure that what follows is inside a transaction and holds the table. Without an open one it is the
    /// statement's own.
    pub(crate) fn begin_write(
        &mut self,
        path: &[String; 3],
        entry: &TableEntry,
        is_exclusive: bool,
    ) -> Result<Versions, SqlError> {
        if !self.state.parameters.flag("AUTOCOMMIT") {
            self.transaction.is_open = true;
        }
        if is_exclusive {
            let seconds = self.state.parameters.text("LOCK_TIMEOUT").parse().unwrap_or(0);
            let timeout = Duration::from_secs(seconds);
            self.database.locks().acquire(entry.id, self.state.session_id, timeout, &self.interrupt)?;
        }
        let own = match self.transaction.own {
            Some(own) => own,
            None => self.begin_own()?,
        };
        let is_kept = self.state.catalog.retention_days(path, entry) > 0;
        Ok(Versions::new(entry, own.number, is_kept))
    }

    fn begin_own(&mut self) -> Result<OwnTransaction, SqlError> {
        let held = self.database.instants().hold();
        travel::begin_snapshot(&self.connection)?;
        let own = OwnTransaction { number: self.database.take_number(), begun_at: held.at() };
        self.transaction.has_begun = true;
        self.transaction.own = Some(own);
        Ok(own)
    }

    /// Notes what a statement changed: now, or when its transaction commits.
    pub(crate) fn end_write(&mut self, table: u64, changed: Result<u64, SqlError>) -> Result<u64, SqlError> {
        let changed = match changed {
            Ok(changed) => changed,
            Err(failure) => {
                if !self.transaction.is_open {
                    // What DuckDB has rolled back itself cannot be rolled back again.
                    let _ = self.rollback();
                    return Err(failure);
                }
                return Err(self.after_failure(failure));
            }
        };
        self.transaction.touched.insert(table);
        self.transaction.statements.extend(self.state.query_ids.last().cloned());
        if !self.transaction.is_open {
            self.commit()?;
        }
        Ok(changed)
    }

    /// DuckDB gives up a whole transaction where one of its statements fails for some reasons; then it is rolled back
    /// here too, and the message says so.
    fn after_failure(&mut self, mut failure: SqlError) -> SqlError {
        if self.transaction.has_begun && run::number(&self.connection, "SELECT 1").is_err() {
            let _ = self.rollback();
            failure.message.push_str("\nThe transaction was rolled back by the emulator.");
        }
        failure
    }

    pub(crate) fn begin(&mut self) {
        self.transaction.is_open = true;
        self.note_statement(self.state.now);
    }

    /// Commits what the open transaction has written.
    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        let transaction = std::mem::take(&mut self.transaction);
        let committed = match transaction.own {
            Some(own) => self.commit_writes(own, &transaction.touched),
            None => Ok(self.state.now),
        };
        self.database.locks().release(self.state.session_id);
        let at = committed?;
        for statement in &transaction.statements {
            self.database.statements().note(statement, at);
        }
        self.note_statement(at);
        Ok(())
    }

    /// Makes the writes durable, all at one instant that nobody was given before; gives it.
    fn commit_writes(&mut self, own: OwnTransaction, touched: &BTreeSet<u64>) -> Result<i64, SqlError> {
        let tables: Vec<u64> = touched.iter().copied().collect();
        let held = self.database.instants().hold();
        let at = held.at();
        let committed = if tables.is_empty() {
            Ok(())
        } else {
            travel::log_commit(&self.connection, own.number, &tables, at)
        };
        if let Err(failure) = committed.and_then(|()| run::execute_all(&self.connection, "COMMIT")) {
            // DuckDB may have ended the transaction already.
            let _ = run::execute_all(&self.connection, "ROLLBACK");
            return Err(failure);
        }
        drop(held);
        self.database.touch(&tables, at);
        for entry in self.state.temporary.values_mut().filter(|entry| touched.contains(&entry.id)) {
            entry.last_altered = at;
        }
        self.database.purge(&self.connection, at);
        Ok(at)
    }

    pub(crate) fn rollback(&mut self) -> Result<(), SqlError> {
        let has_begun = self.transaction.has_begun;
        self.transaction = Transaction::default();
        self.database.locks().release(self.state.session_id);
        if has_begun { run::execute_all(&self.connection, "ROLLBACK") } else { Ok(()) }
    }

    fn drop_kept_results(&mut self) {
        for (table, _) in std::mem::take(&mut self.state.kept_results).into_values() {
            // A temporary table that stays costs memory only.
            let _ = run::execute_all(&self.connection, &format!("DROP TABLE IF EXISTS {table}"));
        }
    }
}

/// What a statement answers that gives a listing.
pub(crate) fn listed(statement_type_id: u64, listing: Listing) -> Result<Outcome, SqlError> {
    Ok(Outcome {
        statement_type_id,
        is_json_forced: true,
        rows: listing.into_rows()?,
        stats: None,
        changed_parameters: Vec::new(),
        transfer: None,
    })
}

/// What a statement answers that changed rows: one row of counts.
pub(crate) fn counted(
    statement_type_id: u64,
    counts: &[(&str, u64)],
    stats: DmlStats,
) -> Result<Outcome, SqlError> {
    let columns: Vec<String> = counts.iter().map(|(name, _)| format!("number:{name}")).collect();
    let mut listing = Listing::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    listing.push(counts.iter().map(|(_, count)| (*count).into()).collect());
    Ok(Outcome { stats: Some(stats), ..listed(statement_type_id, listing)? })
}

#[cfg(test)]
mod tests {
    use super::{concerns_session_only, only_reads};

    #[test]
    fn a_change_is_told_from_a_read_by_its_first_word() {
        assert!(concerns_session_only("USE SCHEMA CRM.SALES"));
        assert!(!concerns_session_only("ALTER TABLE T ADD COLUMN C INT"));
        assert!(only_reads("  select 1"));
        assert!(only_reads("SHOW TABLES"));
        assert!(!only_reads("MERGE INTO t USING s"));
        assert!(!only_reads("alter session set timezone = 'UTC'"));
    }
}
