//! An emulated account whose role may read and nothing else, and a tenant's file that follows a table of it.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use connectors::duckdb::{DuckDbDestination, TenantFile};
use connectors::faulty::{Fault, Faulty};
use connectors::snowflake::SnowflakeSource;
use emulator::sample::{SampleStatement, run as run_statements};
use emulator::{Emulator, EmulatorConfig, ResultSizes, Route, RunningEmulator, User};
use engine::{
    Reconciled, RunOptions, RunProgress, RunReport, Sync, VerifyOptions, VerifyReport, VerifySync,
    reconcile_deletes, run_comparable, verify,
};
use model::{
    DeletePolicy, DeletesSpec, NullCursor, ReadSpec, Result, RetryPolicy, StreamName, StreamSpec, TableName,
};
use snowflake::{ConnectionConfig, Credentials, Endpoint, Session};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(super) struct World {
    pub(super) emulator: RunningEmulator,
    pub(super) spec: StreamSpec,
    folder: TempDir,
}

/// `CRM.PUBLIC.T (ID, NAME)`, whose changes are tracked, with these rows, and a sync that follows them.
pub(super) async fn world(rows: &str, policy: DeletePolicy) -> World {
    let user = User::new("READER").with_password("secret").with_default_role("READING");
    let config = EmulatorConfig {
        users: vec![user],
        results: ResultSizes { inline_rows_max: 1, chunk_rows_max: 3, ..ResultSizes::default() },
        ..EmulatorConfig::default()
    };
    let stream = StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", "T"));
    let world = World {
        emulator: Emulator::start(config).await.unwrap(),
        spec: StreamSpec {
            read: ReadSpec::Changes,
            key: vec!["ID".to_owned()],
            deletes: DeletesSpec { policy, column: None },
            max_shrink_percent: 100,
            ..StreamSpec::new(stream, TableName::in_vendor_database("crm", "t"))
        },
        folder: tempfile::tempdir().unwrap(),
    };
    world.sql(&[
        "CREATE WAREHOUSE IF NOT EXISTS WH",
        "CREATE DATABASE CRM",
        "CREATE ROLE READING",
        "GRANT ROLE READING TO USER READER",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE READING",
        "GRANT USAGE ON DATABASE CRM TO ROLE READING",
        "GRANT USAGE ON SCHEMA CRM.PUBLIC TO ROLE READING",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA CRM.PUBLIC TO ROLE READING",
        "GRANT SELECT ON FUTURE VIEWS IN SCHEMA CRM.PUBLIC TO ROLE READING",
        "CREATE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), NAME VARCHAR) CHANGE_TRACKING = TRUE",
    ]);
    if !rows.is_empty() {
        world.sql(&[&format!("INSERT INTO CRM.PUBLIC.T VALUES {rows}")]);
    }
    world
}

impl World {
    /// Runs statements as the administrator.
    pub(super) fn sql(&self, statements: &[&str]) {
        let statements: Vec<SampleStatement> =
            statements.iter().map(|text| (*text).to_owned().into()).collect();
        tokio::task::block_in_place(|| run_statements(&self.emulator, statements)).unwrap();
    }

    pub(super) async fn run(&self) -> RunReport {
        self.run_with(4, []).await.unwrap()
    }

    /// A run whose source meets these faults, call by call, and whose attempts are so many.
    pub(super) async fn run_with(
        &self,
        attempts_max: u32,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Result<RunReport> {
        let (sync, source) = self.sides(faults);
        let delay = Duration::from_millis(1);
        let retry = RetryPolicy { attempts_max, delay_min: delay, delay_max: delay };
        let options = RunOptions { retry, ..RunOptions::default() };
        let (progress, _watched) = watch::channel(RunProgress::default());
        let report = run_comparable(&sync, &options, &progress, &CancellationToken::new()).await;
        source.close().await;
        report
    }

    pub(super) async fn verify(&self, is_healing: bool) -> VerifyReport {
        let (sync, source) = self.sides([]);
        let options = VerifyOptions { is_healing, ..VerifyOptions::default() };
        let report = verify(&sync, &options, &CancellationToken::new()).await.unwrap();
        source.close().await;
        report
    }

    pub(super) async fn reconcile(&self) -> Reconciled {
        let (sync, source) = self.sides([]);
        let options = VerifyOptions::default();
        let report = reconcile_deletes(&sync, &options, &CancellationToken::new()).await.unwrap();
        source.close().await;
        report
    }

    fn sides(&self, faults: impl IntoIterator<Item = Fault>) -> (VerifySync, Arc<SnowflakeSource>) {
        let source = Arc::new(SnowflakeSource::new(self.config()));
        let destination = Arc::new(DuckDbDestination::open(self.file()).unwrap());
        let sync = Sync {
            source: Arc::new(Faulty::new(Arc::<SnowflakeSource>::clone(&source), faults)),
            destination: Arc::<DuckDbDestination>::clone(&destination),
            spec: self.spec.clone(),
        };
        (VerifySync { sync, source: Arc::<SnowflakeSource>::clone(&source), destination }, source)
    }

    pub(super) fn config(&self) -> ConnectionConfig {
        let retry = snowflake::RetryPolicy {
            attempts_max: 2,
            delay_min: Duration::from_millis(1),
            ..snowflake::RetryPolicy::default()
        };
        ConnectionConfig::new("acme-prod".parse().unwrap(), "READER", Credentials::password("secret"))
            .endpoint(Endpoint::parse(self.emulator.url()).unwrap())
            .allow_http_loopback(true)
            .role("READING")
            .virtual_warehouse("WH")
            .retry(retry)
    }

    fn file(&self) -> TenantFile {
        TenantFile::new(self.folder.path(), "acme").unwrap()
    }

    /// Rows of the tenant's file, their values joined by a blank.
    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        let found = connectors::duckdb::query(&self.file(), sql, usize::MAX).unwrap();
        let texts = found.batches.iter().flat_map(crate::push::account::texts);
        texts.map(|row| row.join(" ")).collect()
    }

    /// The rows that landed, with a cross behind those that are marked as deleted.
    pub(super) fn landed(&self) -> Vec<String> {
        let mark = match self.spec.deletes.policy {
            DeletePolicy::Mark => "CASE WHEN _deleted_at IS NULL THEN '' ELSE '†' END",
            _ => "''",
        };
        self.rows(&format!("SELECT concat(\"ID\", ' ', \"NAME\", {mark}) FROM crm.t ORDER BY \"ID\""))
    }

    /// The statements that read rows, of whichever kind.
    pub(super) fn reads(&self) -> Vec<String> {
        let requests = self.emulator.requests().into_iter().filter(|request| request.route == Route::Query);
        let statements = requests.filter_map(|request| request.statement);
        statements.filter(|text| text.starts_with("SELECT \"") || text.contains("MD5")).collect()
    }

    /// The reader's statements so far for which a virtual warehouse was used, as the account's own history tells.
    pub(super) async fn in_virtual_warehouse(&self) -> usize {
        const HISTORY: &str = "SELECT QUERY_TEXT FROM TABLE(CRM.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000)) \
                               WHERE USER_NAME = 'READER' AND WAREHOUSE_SIZE IS NOT NULL";
        let session = Session::connect(self.config()).await.unwrap();
        let batches = session.query(HISTORY).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        let text = |batch: &RecordBatch, row| array_value_to_string(batch.column(0), row).unwrap();
        let texts = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| text(batch, row)));
        texts.filter(|text| text != HISTORY).count()
    }
}

/// The same sync by a cursor column, keyed and with every row read again.
pub(super) fn by_cursor(spec: &StreamSpec, column: &str) -> StreamSpec {
    StreamSpec {
        read: ReadSpec::Incremental {
            cursor_column: column.to_owned(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Include,
        },
        ..spec.clone()
    }
}
