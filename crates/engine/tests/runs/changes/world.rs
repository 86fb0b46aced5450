//! A table of an emulated account, and a tenant's file that follows it.

use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::{DuckDbDestination, TenantFile};
use connectors::faulty::{Fault, Faulty};
use connectors::snowflake::SnowflakeSource;
use emulator::{EmulatorConfig, ResultSizes, Route, RunningEmulator};
use engine::{
    Reconciled, RunProgress, RunReport, Sync, VerifyOptions, VerifyReport, VerifySync, reconcile_deletes,
    run_comparable, verify,
};
use model::{DeletePolicy, DeletesSpec, NullCursor, ReadSpec, Result, StreamName, StreamSpec, TableName};
use snowflake::ConnectionConfig;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::both::reader::Account;
use crate::both::retries::attempts;

pub(super) struct World {
    account: Account,
    pub(super) spec: StreamSpec,
    folder: TempDir,
}

/// `CRM.PUBLIC.T (ID, NAME)`, whose changes are tracked, with these rows, and a sync that follows them.
pub(super) async fn world(rows: &str, policy: DeletePolicy) -> World {
    let config = EmulatorConfig {
        results: ResultSizes { inline_rows_max: 1, chunk_rows_max: 3, ..ResultSizes::default() },
        ..EmulatorConfig::default()
    };
    let stream = StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", "T"));
    let world = World {
        account: Account::with(config).await,
        spec: StreamSpec {
            read: ReadSpec::Changes,
            key: vec!["ID".to_owned()],
            deletes: DeletesSpec { policy, column: None },
            max_shrink_percent: 100,
            ..StreamSpec::new(stream, TableName::in_vendor_database("crm", "t"))
        },
        folder: tempfile::tempdir().unwrap(),
    };
    world.sql(&["CREATE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), NAME VARCHAR) CHANGE_TRACKING = TRUE"]);
    if !rows.is_empty() {
        world.sql(&[&format!("INSERT INTO CRM.PUBLIC.T VALUES {rows}")]);
    }
    world
}

impl World {
    pub(super) fn emulator(&self) -> &RunningEmulator {
        &self.account.emulator
    }

    /// Runs statements as the administrator.
    pub(super) fn sql(&self, statements: &[&str]) {
        self.account.sql(statements);
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
        let (progress, _watched) = watch::channel(RunProgress::default());
        let report =
            run_comparable(&sync, &attempts(attempts_max), &progress, &CancellationToken::new()).await;
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
        self.account.config()
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
        let requests = self.emulator().requests().into_iter().filter(|request| request.route == Route::Query);
        let statements = requests.filter_map(|request| request.statement);
        statements.filter(|text| text.starts_with("SELECT \"") || text.contains("MD5")).collect()
    }

    /// How many of the reader's statements used a virtual warehouse so far.
    pub(super) async fn in_virtual_warehouse(&self) -> usize {
        self.account.in_virtual_warehouse().await.len()
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
