//! An emulated account to pull from, a tenant's file to pull into, and both sides to compare.

use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::{DuckDbDestination, TenantDatabase, TenantFile};
use connectors::snowflake::SnowflakeSource;
use emulator::sample::{SampleStatement, run as run_statements};
use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
use engine::{
    RunOptions, RunProgress, RunReport, Sync, VerifyOptions, VerifyReport, VerifySync, run, verify,
};
use model::{ReadSpec, Result, StreamName, StreamSpec, TableName};
use snowflake::{ConnectionConfig, Credentials, Endpoint, RetryPolicy};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) struct Pulled {
    pub(crate) emulator: RunningEmulator,
    folder: TempDir,
}

impl Pulled {
    pub(crate) async fn start() -> Self {
        let user = User::new("SYNC").with_password("secret").with_default_role("ACCOUNTADMIN");
        let emulator = Emulator::start(EmulatorConfig { users: vec![user], ..EmulatorConfig::default() });
        let pulled = Self { emulator: emulator.await.unwrap(), folder: tempfile::tempdir().unwrap() };
        pulled.sql(&["CREATE WAREHOUSE IF NOT EXISTS WH", "CREATE DATABASE CRM", "CREATE SCHEMA CRM.SALES"]);
        pulled
    }

    /// Runs statements in the customer's account.
    pub(crate) fn sql(&self, statements: &[&str]) {
        let statements: Vec<SampleStatement> =
            statements.iter().map(|text| (*text).to_owned().into()).collect();
        tokio::task::block_in_place(|| run_statements(&self.emulator, statements)).unwrap();
    }

    /// Changes the tenant's file behind everybody's back.
    pub(crate) fn tamper(&self, sql: &str) -> usize {
        self.database().connect().unwrap().execute(sql, []).unwrap()
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = connectors::duckdb::query(&self.file(), sql, usize::MAX).unwrap();
        rows.batches.iter().flat_map(crate::push::account::texts).collect()
    }

    pub(crate) async fn run(&self, spec: &StreamSpec) -> Result<RunReport> {
        let (sync, source) = self.sides(spec);
        let (progress, _watched) = watch::channel(RunProgress::default());
        let report = run(&sync.sync, &RunOptions::default(), &progress, &CancellationToken::new()).await;
        source.close().await;
        report
    }

    pub(crate) async fn verify(&self, spec: &StreamSpec, options: &VerifyOptions) -> Result<VerifyReport> {
        let (sync, source) = self.sides(spec);
        let report = verify(&sync, options, &CancellationToken::new()).await;
        source.close().await;
        report
    }

    fn sides(&self, spec: &StreamSpec) -> (VerifySync, Arc<SnowflakeSource>) {
        let source = Arc::new(SnowflakeSource::new(self.config()));
        let destination = Arc::new(DuckDbDestination::on(self.database()).unwrap());
        let sync = VerifySync {
            sync: Sync {
                source: Arc::<SnowflakeSource>::clone(&source),
                destination: Arc::<DuckDbDestination>::clone(&destination),
                spec: spec.clone(),
            },
            source: Arc::<SnowflakeSource>::clone(&source),
            destination,
        };
        (sync, source)
    }

    fn config(&self) -> ConnectionConfig {
        let retry =
            RetryPolicy { attempts_max: 2, delay_min: Duration::from_millis(5), ..RetryPolicy::default() };
        ConnectionConfig::new("acme-prod".parse().unwrap(), "SYNC", Credentials::password("secret"))
            .endpoint(Endpoint::parse(self.emulator.url()).unwrap())
            .allow_http_loopback(true)
            .virtual_warehouse("WH")
            .retry(retry)
    }

    fn file(&self) -> TenantFile {
        TenantFile::new(self.folder.path(), "acme").unwrap()
    }

    fn database(&self) -> TenantDatabase {
        TenantDatabase::open(self.file()).unwrap()
    }
}

/// A full refresh of `CRM.SALES.<table>` into `sales.<table>`.
pub(crate) fn all_of(table: &str, key: &[&str]) -> StreamSpec {
    StreamSpec {
        read: ReadSpec::FullRefresh,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        max_shrink_percent: 100,
        ..StreamSpec::new(
            StreamName::Table(TableName::in_snowflake("CRM", "SALES", table)),
            TableName::in_vendor_database("sales", table.to_lowercase()),
        )
    }
}
